// SPDX-License-Identifier: GPL-3.0-or-later
// The client of the web API: what goes over the wire, passwords of every kind, tokens that end, and replies of any shape.

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Failure } from "../../../../common/fail.ts";
import { ask, failWith, GuifiApi, parseAnswer } from "../../../../firstboot/guifi/api.ts";
import { type Credentials, quotable } from "../../../../firstboot/guifi/credentials.ts";
import type { HttpRequest } from "../../../../firstboot/host/box.ts";
import { exchange } from "../../../../firstboot/host/net.ts";
import { failureOf } from "../../../failure-of.ts";
import { asBoxRequest } from "../../../lab/guifi-site/box-request.ts";
import { jsonEncode } from "../../../lab/guifi-site/php.ts";
import { NODES } from "../../../lab/guifi-site/seed.ts";
import { labMember, MEMBERS } from "../../../lab/members.ts";
import { SimulatedCommunity } from "../../helpers/community.ts";
import { FakeBox, IMAGE } from "../../helpers/fake-box.ts";

const ANNA: Credentials = { username: "anna", password: labMember("anna").password };

function clientOf(credentials: Credentials = ANNA, image = IMAGE) {
  const box = new FakeBox();
  const community = new SimulatedCommunity(() => box.now());
  box.servers = community;
  return { box, community, api: new GuifiApi(box, image, credentials) };
}

const reply = (value: unknown, status = 200) => ({
  status,
  body: Buffer.from(typeof value === "string" ? value : JSON.stringify(value)),
});
const errors = (...list: { code: number; extra?: string; str?: string }[]) =>
  reply({ command: "x", code: { code: 201, str: "errors found" }, errors: list });

describe("a request to the site", () => {
  test("has everything in the query string, and the header spelled as the site expects it", async () => {
    const { api, community } = clientOf();
    await api.call("guifi.service.types");
    const [login, types] = community.requests as [HttpRequest, HttpRequest];
    const headers = { Accept: "application/json" };
    for (const asked of [login, types]) expect(asked).toMatchObject({ method: "POST", headers });
    expect(login.url).toBe(
      "https://guifi.net/api/auth?command=guifi.auth.login&username=anna&password=vilanova-1905",
    );
    expect(types.url).toBe("https://guifi.net/api?command=guifi.service.types");
    expect(types.headers?.Authorization).toMatch(/^GuifiLogin auth=[\w+/=]+$/);
    expect([login.body?.length, types.body?.length]).toEqual([0, 0]);
  });

  test("arrives at a server as a POST with an empty body of known length", async () => {
    const seen: IncomingMessage[] = [];
    const server = createServer((request, response) => {
      seen.push(request);
      response.end('{"command":"guifi.auth.login","code":{"code":200},"responses":{"authToken":"t"}}');
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
    const community = { ...IMAGE.community, api: { ...IMAGE.community.api, url, auth_url: url } };
    const box = Object.assign(new FakeBox(), { request: exchange });
    const api = new GuifiApi(box, { ...IMAGE, community }, ANNA);
    await api.call("guifi.cnml.clear").finally(() => server.close());
    for (const { method, rawHeaders } of seen) {
      const headers = rawHeaders.join("\n");
      expect(method).toBe("POST");
      expect(headers).toContain("Content-Length\n0");
      expect(headers).not.toContain("Transfer-Encoding");
    }
    expect(seen).toHaveLength(2);
  });

  test("is affected neither by another member's refused token nor by an earlier refusal", async () => {
    const { api, community, box } = clientOf();
    const now = () => box.now();
    const get = (url: string, headers = {}) =>
      asBoxRequest(community.site, now)({ method: "GET", url, headers });
    const clear = `${IMAGE.community.api.url}?command=guifi.cnml.clear`;
    await get(clear, { Authorization: "GuifiLogin auth=old" });
    await get(
      `${IMAGE.community.api.auth_url}?command=guifi.auth.login&username=anna&password=vilanova-1905`,
      { Authorization: "GuifiLogin auth=old" },
    );
    expect(await api.call("guifi.cnml.clear")).toEqual({});
    // The cache is there all the same.
    expect((await get(clear)).body.toString()).toContain('"code":502');
  });

  test.each(MEMBERS.filter(({ inSite }) => inSite).map(({ name, password }) => [name, password] as const))(
    "logs %s in by the password, whatever characters it contains",
    async (username, password) => {
      await clientOf({ username, password }).api.logIn();
      const wrong = clientOf({ username, password: `${password}x` });
      expect(await failureOf(() => wrong.api.logIn())).toMatchObject({
        code: "api-login-refused",
        message: "The community's web site does not accept this user name and password.",
      });
    },
  );

  test("transmits any password and any text unchanged", async () => {
    const text = fc.string({ unit: "binary", maxLength: 40 });
    const tricky = fc.string({ unit: fc.constantFrom(..."+%&=?# /\\\"'<>25Bé€"), maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.oneof(text, tricky), async (words) => {
        // The site trims passwords; a password of blanks alone is refused at the question.
        const password = `x${words.replaceAll("\0", "")}x`;
        const { api, community } = clientOf({ username: "anna", password });
        community.site.state.accounts.find(({ name }) => name === "anna")!.password = password;
        await api.logIn();
        const { device_id } = await api.call("guifi.device.add", {
          ...{ node_id: NODES.own, type: "cloudy", nick: "a-box", comment: password },
        });
        expect(community.boxes).toMatchObject([{ id: Number(device_id), comment: password }]);
      }),
      { numRuns: 50 },
    );
  });

  test("is encoded once for a site that decodes once", async () => {
    const api = { ...IMAGE.community.api, decodes_twice: false };
    const client = clientOf(
      { username: "a", password: "a+b %é" },
      {
        ...IMAGE,
        community: { ...IMAGE.community, api },
      },
    );
    await client.api.logIn().catch(() => {});
    expect(client.community.requests[0]?.url).toContain("&password=a%2Bb%20%25%C3%A9");
  });
});

describe("a token of the site", () => {
  test("that another login has ended is renewed once, and the call repeated", async () => {
    const { box, api, community } = clientOf();
    await api.call("guifi.cnml.clear");
    await new GuifiApi(box, IMAGE, ANNA).logIn();
    await api.call("guifi.cnml.clear");
    expect(community.commands.join(" ")).toBe(
      "guifi.auth.login guifi.cnml.clear guifi.auth.login guifi.cnml.clear guifi.auth.login guifi.cnml.clear",
    );
  });

  test("that has expired is renewed", async () => {
    const { box, api, community } = clientOf();
    await api.logIn();
    await box.sleep(13 * 3600 * 1000);
    await api.call("guifi.cnml.clear");
    expect(community.commands.filter((command) => command === "guifi.auth.login")).toHaveLength(2);
  });

  test("that is refused immediately after the login ends the call: api-logged-out", async () => {
    const { api, community } = clientOf();
    community.siteAnswers = ({ url }) => (url.includes("auth.login") ? undefined : errors({ code: 502 }));
    expect(await failureOf(() => api.call("guifi.cnml.clear"))).toMatchObject({
      code: "api-logged-out",
      message: "The community's web site logs the box out again and again.",
    });
    expect(community.requests).toHaveLength(4);
  });

  test.each([
    ["missing", {}],
    ["a number", { authToken: 5 }],
    ["empty", { authToken: "" }],
    ["more than a header can hold", { authToken: "x".repeat(2000) }],
    ["two headers", { authToken: "a\r\nX-Evil: 1" }],
  ])("that is %s is refused", async (_what, responses) => {
    const { api, community } = clientOf();
    community.siteAnswers = () => reply({ code: { code: 200 }, responses });
    expect(await failureOf(() => api.logIn())).toMatchObject({
      code: "api-reply-invalid",
      found: "no usable token",
    });
  });
});

describe("a refusal of the site", () => {
  test.each([
    [501, "", "api-forbidden", "The community's web site does not let this member do that."],
    [500, "node_id = 5", "api-not-found", "The community's web site does not find what was named."],
    [403, "mac: 5", "api-rejected", "The community's web site does not accept the data."],
    [402, "type", "api-rejected", "The community's web site does not accept the data."],
    [404, "", "api-rejected", "The community's web site does not accept the data."],
  ])("with code %i becomes a message", async (code, text, expected, message) => {
    const failure = await failureOf(() => failWith([{ code, text }]));
    expect(failure).toMatchObject({ code: expected, message, found: `${text} (${code})` });
    expect(failure.hint).toBeTruthy();
  });

  test("is quoted in one short line without the password", async () => {
    const password = "pa+ss % 100&més";
    const { api, community } = clientOf({ username: "bernat", password });
    community.siteAnswers = () =>
      errors({
        code: 500,
        extra: `password=${password} ${encodeURIComponent(password)}\u001b[2J\n${"x".repeat(200)}`,
      });
    const { found = "" } = await failureOf(() => api.call("guifi.cnml.clear"));
    expect(found).toMatch(/^password=\.\.\. \.\.\. \[2J x+\.\.\. \(500\)$/);
    expect(found.length).toBeLessThan(120);
  });

  test("is reported without addresses or secrets", async () => {
    for (const answer of ["server-slow", () => reply("<html>", 503), () => reply("x")] as const) {
      const { api, community } = clientOf();
      community.siteAnswers = answer;
      const failure = await failureOf(() => api.logIn());
      expect(JSON.stringify({ ...failure, message: failure.message })).not.toMatch(
        /https?:|command=|vilanova/,
      );
    }
  });
});

describe("a reply of the site", () => {
  test.each([
    ["nothing", "", "an empty answer"],
    ["a web page", "<!DOCTYPE html><html>Service</html>", "a web page"],
    ["XML", '<?xml version="1.0"?><a/>', "a web page"],
    ["text", "Fatal error: Allowed memory size", "not the expected JSON"],
    ["JSON that was cut off", '{"command":"guifi.auth.login","code":{"code":2', "not the expected JSON"],
    ["a list", "[]", "not the expected JSON"],
    ["null", "null", "not the expected JSON"],
    ["a code that is text", '{"code":{"code":"200"}}', "not the expected JSON"],
    ["another code", '{"code":{"code":302}}', "result 302"],
    ["errors without one", '{"code":{"code":201},"errors":[]}', "errors without a number"],
    ["errors that are none", '{"code":{"code":201},"errors":{"a":1}}', "errors without a number"],
    [
      "an error without a number",
      '{"code":{"code":201},"errors":[{"code":"x"},null,5]}',
      "errors without a number",
    ],
  ])("is refused when it is %s", async (_what, text, found) => {
    expect(await failureOf(() => parseAnswer(reply(text)))).toMatchObject({
      code: "api-reply-invalid",
      message: "The community's web site sent an invalid answer.",
      found,
    });
  });

  test.each([503, 502, 404, 301])(
    "that is a web page with HTTP status %i means a site out of order",
    async (status) => {
      expect(await failureOf(() => parseAnswer(reply("<html>", status)))).toMatchObject({
        code: "api-unavailable",
        message: "The community's web site is out of order.",
        found: `HTTP status ${status}`,
      });
    },
  );

  test("is refused when it is far too long", async () => {
    const box = new FakeBox();
    box.request = async () => {
      throw new Failure({ code: "reply-too-large", what: "Too large.", found: "more than 1024 KiB" });
    };
    expect(await failureOf(() => ask(box, { method: "GET", url: "https://a/" }))).toMatchObject({
      code: "api-reply-invalid",
      found: "more than 1024 KiB",
    });
  });

  test.each([
    "false wLanLan: 5001 ",
    "iface wLanLan without any ip: 5001 iface wLanLan without any ip: 5002 ",
    "<br />\n<b>Warning</b>:  Invalid argument supplied for foreach() in {guifi} on line 12<br />\n",
  ])("is read with text before its JSON: %s", (text) => {
    const command = "guifi.cloudy.addlink";
    expect(
      parseAnswer(reply(`${text}{"command":"${command}","code":{"code":200},"responses":{"a":1}}`)),
    ).toEqual({ isDone: true, responses: { a: 1 } });
    expect(
      parseAnswer(reply(`${text}{"command":"${command}","code":{"code":201},"errors":[{"code":501}]}`)),
    ).toEqual({ isDone: false, errors: [{ code: 501, text: "" }] });
  });

  test("has the same result, whatever text is before its JSON", () => {
    const answer = jsonEncode({ command: "guifi.x.y", code: { code: 200 }, responses: { id: "{7}" } });
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        fc.pre(!text.includes('{"command"'));
        expect(parseAnswer(reply(`${text}${answer}`))).toEqual({ isDone: true, responses: { id: "{7}" } });
      }),
    );
  });

  test("may be a success without responses, or with an empty list", () => {
    for (const rest of [{}, { responses: [] }, { responses: null }]) {
      expect(parseAnswer(reply({ code: { code: 200 }, ...rest }))).toEqual({ isDone: true, responses: {} });
    }
  });

  test("gives an answer or a Failure, and never changes other objects", () => {
    const key = fc.constantFrom(
      "code",
      "errors",
      "responses",
      "extra",
      "str",
      "__proto__",
      "constructor",
      "x",
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.constantFrom(200, 201, 403, "", "x", null, true, Number.MAX_VALUE),
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(key, tie("tree"), { noNullPrototype: true }),
      ),
    }));
    const text = fc.oneof(
      tree.map((value) => JSON.stringify(value)),
      fc.json(),
      fc.string(),
      fc.constantFrom('{"__proto__":{"polluted":1},"code":{"code":200,"__proto__":{"polluted":1}}}'),
    );
    fc.assert(
      fc.property(text, fc.integer({ min: 100, max: 599 }), (body, status) => {
        try {
          const answer = parseAnswer(reply(body, status));
          if (answer.isDone) expect("polluted" in answer.responses).toBe(false);
          else expect(answer.errors.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(Failure);
        }
        expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
      }),
    );
  });
});

test("quoted text never contains control characters or secrets", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ minLength: 3 }), (text, secret) => {
      const words = quotable(`${text}${secret}`, [secret]);
      expect(words).toMatch(/^[^\p{Cc}]{0,100}$/u);
      if (!"...".includes(secret) && secret.trim() === secret) expect(words.includes(secret)).toBe(false);
    }),
  );
});

// SPDX-License-Identifier: GPL-3.0-or-later
// The stand-in for the Guifi site, held against what is known of the real one: its published pages and its traps.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { asBoxRequest } from "../../lab/guifi-site/box-request.ts";
import { macOf } from "../../lab/guifi-site/commands/device.ts";
import { abbreviated } from "../../lab/guifi-site/commands/service.ts";
import { answerWith, isFor, isSiteFault, type SiteFault } from "../../lab/guifi-site/faulty.ts";
import { jsonEncode, parseQuery, redacted, urlDecode } from "../../lab/guifi-site/php.ts";
import { NODES, UPLINK } from "../../lab/guifi-site/seed.ts";
import { PAGE_SECONDS } from "../../lab/guifi-site/site.ts";
import { cnmlDate, interfacesOf, ipNumber, ipText } from "../../lab/guifi-site/state.ts";
import { TRAP } from "../../lab/hostile/texts.ts";
import { labMember, MEMBERS } from "../../lab/members.ts";
import { encoded, errorsOf, GuifiSite } from "../helpers/guifi.ts";

let guifi: GuifiSite;

beforeEach(() => {
  guifi = new GuifiSite();
});

const add = (parameters: Record<string, string | number>, token?: string) =>
  guifi.call("guifi.device.add", { node_id: NODES.own, type: "cloudy", ...parameters }, token);

describe("the pages of the stand-in", () => {
  const real = (file: string) =>
    readFileSync(new URL(`../../lab/guifi-site/data/${file}`, import.meta.url), "utf8");
  const undated = (page: string) => page.replace(/generated="[^"]*"/, "");

  test("equal those of the real site, byte for byte", () => {
    expect(undated(guifi.get("/guifi/cnml/56604/node").body)).toBe(undated(real("node-56604.cnml")));
    expect(undated(guifi.get("/guifi/cnml/54284/detail").body)).toBe(undated(real("zone-54284.cnml")));
  });

  test("exist with a language prefix, too", () => {
    for (const prefix of ["", "/ca", "/es", "/en"]) {
      const page = guifi.get(`${prefix}/guifi/cnml/${NODES.own}/node`);
      expect(page).toMatchObject({ status: 200, contentType: "application/xml; charset=utf-8" });
      expect(page.body).toContain('title="BCNCanBruixa20"');
    }
  });

  test("of a zone have the requested level of detail", () => {
    const page = (action: string) => guifi.get(`/guifi/cnml/54284/${action}`).body;
    expect(page("zones")).toMatch(/<zone id="54284" [^>]* zone_nodes="29" [^>]*\/>/);
    expect(page("zones")).not.toContain("<node");
    expect(page("nodes").match(/<node /g)).toHaveLength(29);
    expect(page("nodes")).not.toContain("<device");
  });

  test("of an unknown node have no node in them, of an unknown zone no zone", () => {
    expect(guifi.get("/guifi/cnml/1/node").body).toMatch(
      /<class node_description="1" mapping="y"\/>\n<\/cnml>/,
    );
    expect(guifi.get("/guifi/cnml/1/detail").body).toContain('<network nodes="0" devices="0"');
  });

  test("are empty for what is not a number, and others do not exist", () => {
    expect(guifi.get("/guifi/cnml/abc/node")).toMatchObject({ status: 200, body: "" });
    for (const path of ["/guifi/cnml/54052/everything", "/guifi/cnml", "/", "/guifi/export/1/x", "/apix"]) {
      expect(guifi.get(path).status, path).toBe(404);
    }
  });

  test("list the names that a DNS service serves", () => {
    const { body } = guifi.get("/guifi/cnml/54621/domains");
    expect(body).toContain('<master zone="andoain.guifi.local" IPv4="10.69.12.18" nameserver="ns1"');
    expect(body).toContain('<host name="ns1" IPv4="10.69.12.18"/>');
  });

  test("are cached until they are cleared, each address separately", () => {
    const token = guifi.login("anna");
    const page = (query = "") => guifi.get(`/guifi/cnml/${NODES.own}/node`, query).body;
    expect(page()).not.toContain("new-box");
    add({ nick: "new-box" }, token);
    expect(page()).not.toContain("new-box");
    expect(guifi.get(`/ca/guifi/cnml/${NODES.own}/node`).body).toContain("new-box");
    expect(page("fresh=1")).toContain("new-box");
    guifi.pass(PAGE_SECONDS - 1);
    expect(page()).not.toContain("new-box");
    expect(guifi.call("guifi.cnml.clear")).toEqual({
      command: "guifi.cnml.clear",
      code: { code: 200, str: "Request completed successfully" },
    });
    expect(page()).toContain("new-box");
  });

  test("are made again after a while", () => {
    const page = () => guifi.get(`/guifi/cnml/${NODES.own}/node`).body;
    page();
    add({ nick: "new-box" }, guifi.login("anna"));
    guifi.pass(PAGE_SECONDS);
    expect(page()).toContain("new-box");
  });

  test("can be read by any XML parser, whatever members write", () => {
    const token = guifi.login("anna");
    add({ nick: "box", comment: 'a "quoted" <b>note</b> & \u0000\u0007 més' }, token);
    const page = guifi.node(NODES.own);
    expect(page).toContain('title="box" type="cloudy"');
    expect(page).toContain('>a "quoted" &lt;b&gt;note&lt;/b&gt; &amp;  més</device>');
  });

  test("have dates with a 12-hour clock", () => {
    expect(cnmlDate(new Date(Date.UTC(2026, 0, 9, 0, 5)))).toBe("20260109 1205");
    expect(cnmlDate(new Date(Date.UTC(2026, 11, 31, 13, 59)))).toBe("20261231 0159");
  });

  test("show when the map was last changed", () => {
    const before = guifi.get("/guifi/refresh/cnml").body;
    expect(before).toMatch(/^\d{10}$/);
    guifi.pass(60);
    expect(guifi.get("/ca/guifi/refresh/dns").body).toBe(before);
    add({}, guifi.login("anna"));
    expect(guifi.get("/guifi/refresh/cnml").body).toBe(String(guifi.now.getTime() / 1000));
  });
});

describe("the list of proxies that share their users", () => {
  const list = (id: string) => guifi.get(`/guifi/export/${id}/federation`);

  test("begins with the asking proxy, followed by the others that work", () => {
    expect(list("54102")).toEqual({
      status: 200,
      contentType: "text/plain; charset=utf-8",
      body: "54102-out\n54101-in\n54103-inout\n54625-private\n",
    });
  });

  test("begins with number 0000 for an unknown proxy or one that does not work", () => {
    for (const id of ["1", "54104", "54621"]) {
      expect(list(id).body).toBe("0000-private\n54101-in\n54102-out\n54103-inout\n54625-private\n");
    }
  });
});

describe("the commands of the API", () => {
  test("answer in one structure, in PHP's JSON", () => {
    const query = "command=guifi.service.types";
    expect(
      guifi.site.handle({ method: "POST", path: "/api", query, headers: [], now: guifi.now }),
    ).toMatchObject({
      status: 200,
      contentType: "text/html; charset=utf-8",
      body: expect.stringMatching(
        /^{"command":"guifi.service.types","code":{"code":200,"str":"Request completed successfully"},"responses":{"service_type":{/,
      ),
    });
    expect(jsonEncode({ a: "x/y és" })).toBe('{"a":"x\\/y \\u00e9s"}');
  });

  test("are read from the query alone, at either address", () => {
    for (const path of ["/api", "/api/auth", "/ca/api", "/api/"]) {
      const reply = guifi.site.handle({
        ...{ method: "POST", path, query: "command=guifi.service.types", headers: [], now: guifi.now },
      });
      expect(JSON.parse(reply.body).code.code, path).toBe(200);
    }
  });

  test.each([
    ["", ["400", "400"]],
    ["command=", ["400", "400"]],
    ["command=guifi", ["400", "400"]],
    ["command=guifi.auth", ["400", "400"]],
    ["command=drupal.auth.login", ["400", "400"]],
    ["command=guifi..login", ["400"]],
    ["command=guifi.auth.", ["400"]],
    ["command=guifi.auth.logout", ["401"]],
    ["command=guifi.cat.feed", ["401"]],
    ["command=guifi.auth.login", ["402 username", "402 password"]],
    ["command=GUIFI.auth.login", ["400", "400"]],
    ["command=guifi.Auth.LOGIN", ["402 username", "402 password"]],
    ["command=guifi.auth.login.now&username=x", ["402 password"]],
    ["command=guifi.device.add", ["402 node_id", "402 type"]],
    ["command=guifi.device.update", ["402 device_id"]],
    ["command=guifi.device.remove", ["402 device_id"]],
    ["command=guifi.cloudy.addlink", ["402 device_id", "402 cloudy_id"]],
    ["command=guifi.cloudy.unlink", ["501"]],
    ["command=guifi.service.add", ["402 name", "402 server_id", "402 service_type"]],
    ["command=guifi.service.list", ["402 server_id"]],
    ["command=guifi.service.get", ["402 service_id"]],
    ["command=guifi.node.add&title=x", ["402 zone_id", "402 lat", "402 lon"]],
    ["command=guifi.zone.nearest", ["402 lat", "402 lon"]],
  ])("answer %s with the errors %j", (query, errors) => {
    const reply = guifi.raw(query);
    expect(errorsOf(reply)).toEqual(errors);
    expect(reply.code).toEqual({ code: 201, str: "Request could not be completed, errors found" });
    expect(reply.responses).toBeUndefined();
  });

  test("never fail on any query", () => {
    const piece = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("command=", "guifi.", "device.add", "&", "node_id=54052", "%2", "%%", "[]=", "type="),
    );
    fc.assert(
      fc.property(fc.array(piece), fc.string(), (pieces, header) => {
        const reply = guifi.raw(pieces.join(""), [["Authorization", header]]);
        expect(errorsOf(reply)).toEqual(["502"]);
        expect([200, 201]).toContain(guifi.raw(pieces.join("")).code.code);
      }),
    );
  });
});

describe("an API call by GET", () => {
  const login = (password: string) =>
    guifi.get("/api", `command=guifi.auth.login&username=anna&password=${password}`).body;

  test("is answered from the page cache before its token is read", () => {
    const query = "command=guifi.device.add&node_id=54052&type=cloudy";
    const asked = (token: string) =>
      guifi.get("/api", query, [["Authorization", `GuifiLogin auth=${token}`]]).body;
    expect(asked("old")).toContain('"errors":[{"code":502');
    expect(asked(guifi.login("anna"))).toContain('"errors":[{"code":502');
    // Clearing the map's pages is of no help, time is.
    guifi.call("guifi.cnml.clear");
    expect(asked(guifi.login("anna"))).toContain('"errors":[{"code":502');
    guifi.pass(PAGE_SECONDS);
    expect(asked(guifi.login("anna"))).toContain('"device_id"');
  });

  test("that was refused stays refused, even after the account was corrected", () => {
    expect(login("new")).toContain('"errors":[{"code":403');
    guifi.site.state.accounts.find(({ name }) => name === "anna")!.password = "new";
    expect(login("new")).toContain('"errors":[{"code":403');
    expect(guifi.login("anna", "new")).not.toBe("undefined");
  });
});

describe("the text before an answer", () => {
  test("names each bridge of an older schema once", () => {
    const token = guifi.login("anna");
    const id = add({ nick: "box" }, token).responses?.device_id;
    const link = () =>
      guifi.posted(`command=guifi.cloudy.addlink&device_id=${UPLINK.device}&cloudy_id=${id}`, [
        ["Authorization", `GuifiLogin auth=${token}`],
      ]);
    expect(link()).toMatch(
      /^false wLanLan: 148401 iface wLanLan without any ip: 148402 {"command":"guifi.cloudy.addlink",/,
    );
    expect(link()).toMatch(/^{"command":"guifi.cloudy.addlink",/);
  });
});

describe("values of a query", () => {
  const passwordGiven = (query: string) =>
    errorsOf(guifi.raw(`command=guifi.auth.login&username=bernat&password=${query}`));
  const wrong = ["403 Either the supplied username or password are not correct"];
  const { password } = labMember("bernat");

  test("are decoded twice", () => {
    expect(passwordGiven(encodeURIComponent(encodeURIComponent(password)))).toEqual([]);
    // Encoded once, the plus has become a space.
    expect(passwordGiven(encodeURIComponent(password))).toEqual(wrong);
    expect(passwordGiven(new URLSearchParams({ p: password }).toString().slice(2))).toEqual(wrong);
  });

  test("can be encoded twice, whatever they contain", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const [[, once = ""] = []] = [...parseQuery(`a=${encoded(text)}`)];
        expect(Buffer.from(urlDecode(once), "latin1").toString()).toBe(text);
      }),
    );
  });

  test("are parsed as PHP does", () => {
    const read = (query: string) => Object.fromEntries(parseQuery(query));
    expect(read("a=1&a=2&b&c=x=y&=z&&d%2Ee=+%2B%")).toEqual({ a: "2", b: "", c: "x=y", d_e: " +%" });
    expect(read("l[]=1&m[x]=2")).toEqual({});
    expect(urlDecode("%zz%4")).toBe("%zz%4");
    expect(urlDecode("%c3%A9")).toBe("\u00c3\u00a9");
  });

  test("that are passwords lose surrounding white space", () => {
    const given = (text: string) => guifi.call("guifi.auth.login", { username: "anna", password: text });
    expect(given(` ${labMember("anna").password}\n`).code.code).toBe(200);
    expect(given(`${labMember("anna").password}\u00a0`).code.code).toBe(201);
  });
});

describe("logging in to the site", () => {
  test.each(MEMBERS.map(({ name, inSite }) => ({ name, inSite })))(
    "succeeds for $name: $inSite",
    ({ name, inSite }) => {
      const reply = guifi.call("guifi.auth.login", { username: name, password: labMember(name).password });
      expect(errorsOf(reply)).toEqual(
        inSite ? [] : ["403 Either the supplied username or password are not correct"],
      );
      if (!inSite) return;
      const [uid, proof, time] = Buffer.from(String(reply.responses?.authToken), "base64")
        .toString()
        .split(":");
      expect(uid).toMatch(/^\d+$/);
      expect(proof).toMatch(/^[0-9a-f]{32}$/);
      expect(time).toBe(String(guifi.now.getTime() / 1000));
    },
  );

  test("needs the right name and password; the name is case-insensitive", () => {
    expect(guifi.call("guifi.auth.login", { username: "ANNA", password: "vilanova-1905" }).code.code).toBe(
      200,
    );
    for (const [username, password] of [
      ["anna", "Vilanova-1905"],
      ["anna", ""],
      ["nobody", "vilanova-1905"],
      ["", ""],
    ] as const) {
      expect(errorsOf(guifi.call("guifi.auth.login", { username, password }))).toEqual([
        "403 Either the supplied username or password are not correct",
      ]);
    }
  });

  test("by another method is no error, and gives no token", () => {
    const reply = guifi.call("guifi.auth.login", { method: "card", username: "anna", password: "x" });
    expect(reply).toEqual({
      command: "guifi.auth.login",
      code: { code: 200, str: "Request completed successfully" },
    });
  });

  const works = (token: string) => errorsOf(guifi.call("guifi.service.types", {}, token));

  test("ends the earlier login of the same member, and of no other", () => {
    const [first, other] = [guifi.login("anna"), guifi.login("bernat")];
    expect(works(first)).toEqual([]);
    const second = guifi.login("anna");
    expect(second).not.toBe(first);
    expect([works(first), works(second), works(other)]).toEqual([["502"], [], []]);
    expect(guifi.site.state.tokens).toHaveLength(2);
  });

  test("is valid for twelve hours", () => {
    const token = guifi.login("anna");
    guifi.pass(12 * 3600);
    expect(works(token)).toEqual([]);
    guifi.pass(1);
    expect(works(token)).toEqual(["502"]);
    expect(guifi.site.state.tokens).toEqual([]);
  });

  test("ends when the password or the mail address changes", () => {
    const account = guifi.site.state.accounts.find(({ name }) => name === "anna")!;
    for (const change of [{ password: "another" }, { mail: "new@example.net" }]) {
      const token = guifi.login("anna", account.password);
      Object.assign(account, change);
      expect(works(token)).toEqual(["502"]);
    }
  });

  test("is transmitted in a header of exactly this spelling", () => {
    const token = guifi.login("anna");
    const given = (name: string, value: string) =>
      errorsOf(guifi.raw(`command=guifi.device.add&node_id=${NODES.own}&type=cloudy`, [[name, value]]));
    expect(given("Authorization", `GuifiLogin auth=${token}`)).toEqual([]);
    expect(given("Authorization", `guifilogin   auth=${encodeURIComponent(token)}`)).toEqual([]);
    for (const name of ["authorization", "AUTHORIZATION", "X-Authorization"]) {
      expect(given(name, `GuifiLogin auth=${token}`), name).toEqual(["501"]);
    }
    for (const value of ["Basic YW5uYTp4", `Bearer ${token}`, "GuifiLogin", "GuifiLogin auth=", token]) {
      expect(given("Authorization", value), value).toEqual(["502"]);
    }
  });

  test("with an invalid token is refused before the command is read", () => {
    expect(guifi.call("guifi.auth.login", { username: "anna", password: "vilanova-1905" }, "old")).toEqual({
      command: "",
      code: { code: 201, str: "Request could not be completed, errors found" },
      errors: [{ code: 502, str: "The given Auth token is invalid" }],
    });
  });
});

describe("a device of the site", () => {
  const device = (nick: string) =>
    guifi.site.state.nodes.flatMap(({ devices }) => devices).find(({ title }) => title === nick);

  test("is added with the given values", () => {
    const token = guifi.login("anna");
    const wanted = { nick: "box-1", mac: "52-54.00 12:34/ab", notification: "a@example.net,b@example.net" };
    const reply = add({ ...wanted, status: "Testing", comment: "in the attic" }, token);
    // A number from the database is text.
    expect(reply.responses).toEqual({ device_id: expect.stringMatching(/^\d+$/) });
    expect(device("box-1")).toMatchObject({
      ...{ id: Number(reply.responses?.device_id), type: "cloudy", status: "Testing" },
      ...{ mac: "52:54:00:12:34:AB", notification: wanted.notification, comment: "in the attic" },
    });
    expect(guifi.node(NODES.own)).toMatch(
      /<device id="\d+" mainipv4="" title="box-1" type="cloudy" status="Testing" created="20260101 1200" updated="20260101 1200">in the attic<\/device>/,
    );
  });

  test("has defaults: a name after the node, status planned, its member's mail address", () => {
    const token = guifi.login("anna");
    add({}, token);
    add({}, token);
    expect(device("BCNCanBruixa20Cldy1")).toMatchObject({
      status: "Planned",
      notification: "anna@example.net",
    });
    expect(device("BCNCanBruixa20Cldy2")).toBeDefined();
    add({ type: "adsl" });
    add({ type: "confine" }, token);
    expect(device("BCNCanBruixa20Cnfn1")).toBeDefined();
  });

  test.each([
    [{ nick: "two words" }, "403 Nick name have to be a single word."],
    [{ nick: "casa&taller" }, "403 No special characters allowed for nick name, use just 7 bits chars."],
    [{ nick: "raïm" }, "403 No special characters allowed for nick name, use just 7 bits chars."],
    [{ nick: "bcnupfp9rb2011" }, "403 nick already in use"],
    [{ mac: "52:54:00:12:34" }, "403 mac: 52:54:00:12:34"],
    [{ mac: "52:54:00:12:34:5g" }, "403 mac: 52:54:00:12:34:5g"],
    [{ mac: "" }, "403 mac: "],
    [{ status: "testing" }, "403 status: testing"],
    [{ node_id: 1 }, "500 node_id = 1"],
    [{ node_id: "" }, "500 node_id = "],
    [{ type: "radio" }, "402 mac 402 model_id 402 firmware"],
    [{ type: "radio", mac: "525400123456", model_id: 25, firmware: "1" }, "403 firmware is not supported: 1"],
    [{ type: "adsl" }, "402 download 402 upload 402 mrtg_index"],
  ])("is refused: %j gives %s", (wanted, error) => {
    const before = structuredClone(guifi.site.state.nodes);
    expect(errorsOf(add(wanted, guifi.login("anna"))).join(" ")).toBe(error);
    expect(guifi.site.state.nodes).toEqual(before);
  });

  test("can be added by any logged-in member to any node", () => {
    expect(errorsOf(add({ node_id: NODES.foreign, nick: "guest" }, guifi.login("bernat")))).toEqual([]);
    expect(errorsOf(add({ nick: "stranger" }))).toEqual(["501"]);
    // Mistakes are told first.
    expect(errorsOf(add({ nick: "guest" }))).toEqual(["403 nick already in use"]);
    expect(device("stranger")).toBeUndefined();
  });

  test("with a name too long for the table is numbered, but not stored", () => {
    const token = guifi.login("anna");
    const long = "x".repeat(41);
    const reply = add({ nick: long }, token);
    expect([reply.code.code, reply.responses]).toEqual([200, { device_id: expect.stringMatching(/^\d+$/) }]);
    expect(device(long)).toBeUndefined();
    const kept = String(add({ nick: "x".repeat(40) }, token).responses?.device_id);
    expect(errorsOf(guifi.call("guifi.device.update", { device_id: kept, nick: long }, token))).toEqual([]);
    expect(device("x".repeat(40))?.id).toBe(Number(kept));
  });

  test("has a unique name in the whole network, however it is written", () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/);
    const node = fc.constantFrom(...Object.values(NODES));
    const token = guifi.login("anna");
    fc.assert(
      fc.property(fc.array(fc.record({ name, node }), { maxLength: 20 }), (wanted) => {
        for (const { name: nick, node: node_id } of wanted) {
          const taken = guifi.site.state.nodes
            .flatMap(({ devices }) => devices)
            .some(({ title }) => title.toLowerCase() === nick.toLowerCase());
          expect(errorsOf(add({ nick, node_id }, token))).toEqual(taken ? ["403 nick already in use"] : []);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("has its MAC address normalised", () => {
    const separator = fc.constantFrom("", ":", "-", "/", ".", " ");
    const pairs = fc.array(fc.stringMatching(/^[0-9a-fA-F]{2}$/), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(pairs, separator, (parts, between) => {
        expect(macOf(parts.join(between))).toBe(parts.join(":").toUpperCase());
        expect(macOf(parts.slice(1).join(between))).toBeUndefined();
      }),
    );
  });

  test("can be changed by its member, and not by others", () => {
    const token = guifi.login("anna");
    const id = String(add({ nick: "mine" }, token).responses?.device_id);
    const update = (parameters: Record<string, string>, by?: string) =>
      guifi.call("guifi.device.update", { device_id: id, ...parameters }, by);
    expect(update({ status: "Working", nick: "MINE", mac: "525400123456" }, token)).toEqual({
      command: "guifi.device.update",
      code: { code: 200, str: "Request completed successfully" },
    });
    expect(device("MINE")).toMatchObject({ status: "Working", mac: "52:54:00:12:34:56" });
    expect(errorsOf(update({ status: "Gone" }, token))).toEqual(["403 status: Gone"]);
    expect(errorsOf(update({ nick: "BCNTerrat3Rd1" }, token))).toEqual(["403 nick already in use"]);
    expect(errorsOf(update({ status: "Dropped" }, guifi.login("bernat")))).toEqual(["501"]);
    expect(errorsOf(update({ status: "Dropped" }))).toEqual(["501"]);
    expect(errorsOf(guifi.call("guifi.device.update", { device_id: 1 }, token))).toEqual([
      "500 device_id = 1",
    ]);
    expect(device("MINE")?.status).toBe("Working");
  });

  test("can be changed by the owner of its node as long as it has no maintainers", () => {
    const id = String(add({ nick: "guest" }, guifi.login("bernat")).responses?.device_id);
    const asOwner = () =>
      errorsOf(guifi.call("guifi.device.update", { device_id: id, comment: "x" }, guifi.login("anna")));
    expect(asOwner()).toEqual([]);
    Object.assign(device("guest")!, { maintainers: [1] });
    expect(asOwner()).toEqual(["501"]);
    Object.assign(device("guest")!, { maintainers: [1001] });
    expect(asOwner()).toEqual([]);
  });

  test("is removed with its links, while its services stay and keep their nicks", () => {
    const token = guifi.login("anna");
    const id = String(add({ nick: "box" }, token).responses?.device_id);
    guifi.call("guifi.cloudy.addlink", { device_id: UPLINK.device, cloudy_id: id }, token);
    guifi.call("guifi.service.add", { name: "a", nick: "a", server_id: id, service_type: "web" }, token);
    expect(errorsOf(guifi.call("guifi.device.remove", { device_id: id }, guifi.login("bernat")))).toEqual([
      "501",
    ]);
    const again = guifi.login("anna");
    expect(errorsOf(guifi.call("guifi.device.remove", { device_id: id }, again))).toEqual([]);
    expect(guifi.node(NODES.own)).not.toMatch(/cloudy|cable/);
    const reply = guifi.call("guifi.service.add", {
      ...{ name: "a", nick: "A", server_id: 48_410, service_type: "web" },
    });
    expect(errorsOf(reply)).toEqual(["501"]);
    const mine = guifi.call(
      "guifi.service.add",
      { name: "a", nick: "A", server_id: UPLINK.device, service_type: "web" },
      again,
    );
    expect(errorsOf(mine)).toEqual(["403 This nick already in use."]);
  });
});

describe("an address of the site", () => {
  const box = (node_id: number, token: string) =>
    String(add({ node_id, nick: `box${node_id}` }, token).responses?.device_id);
  const link = (device_id: number, cloudy_id: string, token?: string) =>
    guifi.call("guifi.cloudy.addlink", { device_id, cloudy_id }, token);

  test("is the next free one of the giving device's network, with a cable to it", () => {
    const token = guifi.login("anna");
    const id = box(NODES.own, token);
    const reply = link(UPLINK.device, id, token);
    expect(errorsOf(reply)).toEqual([]);
    expect(JSON.stringify(reply.responses)).toContain(`"ipv4":"${UPLINK.next}"`);
    const page = guifi.node(NODES.own);
    // The box's own hardware address is not told.
    expect(page).toMatch(
      /<interface id="\d+" type="Lan" mac="00:00:00:00:00:00" ipv4="10.139.40.226" mask="255.255.255.224">\n\s*<link id="\d+" linked_device_id="48400" linked_node_id="54052" linked_interface_id="148401" link_type="cable" link_status="Planned"\/>/,
    );
    expect(page).toMatch(
      new RegExp(`linked_device_id="${id}" linked_node_id="54052" [^>]*link_type="cable"`),
    );
    expect(page).toContain(`<device id="${id}" mainipv4="10.139.40.226"`);
  });

  test("is given again at every call", () => {
    const token = guifi.login("anna");
    const id = box(NODES.own, token);
    link(UPLINK.device, id, token);
    link(UPLINK.device, id, token);
    expect(guifi.node(NODES.own).match(/ipv4="10\.139\.40\.22[67]"/g)).toHaveLength(2 + 1);
  });

  test("needs rights on both devices", () => {
    const anna = guifi.login("anna");
    const [own, guest] = [box(NODES.own, anna), box(NODES.foreign, anna)];
    expect(errorsOf(link(48_410, guest, anna))).toEqual(["501"]);
    expect(errorsOf(link(UPLINK.device, own, guifi.login("bernat")))).toEqual(["501"]);
    expect(errorsOf(link(UPLINK.device, own))).toEqual(["501"]);
    // What does not exist belongs to nobody.
    expect(errorsOf(link(1, own, anna))).toEqual(["501"]);
    expect(errorsOf(link(UPLINK.device, "1", anna))).toEqual(["501"]);
  });

  test("is refused by a device without an address of its own network", () => {
    const token = guifi.login("anna");
    expect(errorsOf(link(48_420, box(NODES.bare, token), token))).toEqual([
      "500 Device did not assign IPv4.",
    ]);
    // On the page this one looks as if it had one.
    expect(guifi.node(NODES.airOnly)).toContain('<device id="48430" mainipv4="10.139.42.6"');
    expect(errorsOf(link(48_430, box(NODES.airOnly, token), token))).toEqual([
      "500 Device did not assign IPv4.",
    ]);
    expect(guifi.site.state.mails.map(({ about }) => about)).toEqual([
      "BCNTerrat3Rd1 has been updated",
      "BCNTerrat5Rd1 has been updated",
    ]);
  });

  test("is missing without an error when the network is full", () => {
    const token = guifi.login("anna");
    const id = box(NODES.full, token);
    const reply = link(48_440, id, token);
    expect(errorsOf(reply)).toEqual([]);
    expect(JSON.stringify(reply.responses)).toContain('"ipv4":false');
    expect(guifi.node(NODES.full)).toMatch(new RegExp(`<device id="${id}" mainipv4="" `));
    expect(
      errorsOf(guifi.call("guifi.service.add", { name: "a", server_id: id, service_type: "DNS" }, token)),
    ).toEqual(["403 This server did not assign IPv4 address."]);
  });

  test("may be the very first of the network", () => {
    const token = guifi.login("anna");
    const uplink = guifi.site.state.nodes
      .flatMap(({ devices }) => devices)
      .find(({ id }) => id === UPLINK.device)!;
    Object.assign(uplink.interfaces.find(({ ipv4 }) => ipv4 === UPLINK.address)!, { ipv4: "10.139.40.254" });
    expect(JSON.stringify(link(UPLINK.device, box(NODES.own, token), token))).toContain(
      '"ipv4":"10.139.40.225"',
    );
  });

  test("is never given twice, and always belongs to the network", () => {
    const token = guifi.login("anna");
    const id = box(NODES.own, token);
    for (let call = 0; call < 40; call++) expect(errorsOf(link(UPLINK.device, id, token))).toEqual([]);
    const device = guifi.site.state.nodes
      .flatMap(({ devices }) => devices)
      .find((one) => String(one.id) === id)!;
    const given = interfacesOf(device).flatMap(({ ipv4 }) => (ipv4 ? [ipv4] : []));
    // A /27 has 30 addresses, the first of them is the giver's.
    expect(given).toEqual(Array.from({ length: 29 }, (_, index) => `10.139.40.${226 + index}`));
  });

  test("can be returned", () => {
    const token = guifi.login("anna");
    const id = box(NODES.own, token);
    link(UPLINK.device, id, token);
    const unlink = () => guifi.call("guifi.cloudy.unlink", { cloudy_id: id }, token);
    expect(unlink().responses).toMatchObject({ cloudy: { id, nick: "box54052" } });
    expect(guifi.node(NODES.own)).not.toMatch(/cable|10\.139\.40\.226/);
    expect(errorsOf(unlink())).toEqual(["500 Device did not assign IPv4."]);
    expect(JSON.stringify(link(UPLINK.device, id, token))).toContain(UPLINK.next);
  });

  test("is converted to a number and back", () => {
    fc.assert(fc.property(fc.ipV4(), (address) => ipText(ipNumber(address)) === address));
  });
});

describe("a service of the site", () => {
  let token: string;
  let box: string;
  const declare = (parameters: Record<string, string> = {}) =>
    guifi.call(
      "guifi.service.add",
      { name: `dnsservices${box}`, nick: `dns${box}`, server_id: box, service_type: "DNS", ...parameters },
      token,
    );

  beforeEach(() => {
    token = guifi.login("anna");
    box = String(add({ nick: "box" }, token).responses?.device_id);
  });

  const withAddress = () =>
    guifi.call("guifi.cloudy.addlink", { device_id: UPLINK.device, cloudy_id: box }, token);

  test("needs an address first", () => {
    expect(errorsOf(declare())).toEqual(["403 This server did not assign IPv4 address."]);
    withAddress();
    expect(errorsOf(declare())).toEqual([]);
  });

  test("with a name too long for the table is numbered, but not stored", () => {
    withAddress();
    expect(declare({ nick: "n".repeat(41) }).responses).toHaveProperty("service.id");
    expect(guifi.node(NODES.own)).not.toContain("<service");
  });

  test("is declared, found, changed and removed", () => {
    withAddress();
    const { service } = declare().responses as { service: Record<string, string> };
    expect(service).toMatchObject({
      ...{ id: expect.stringMatching(/^\d+$/), nick: `dns${box}`, service_type: "DNS" },
      ...{ device_id: box, status_flag: "Working", zone_id: "18668", notification: "anna@example.net" },
    });
    expect(guifi.node(NODES.own)).toContain(
      `<service id="${service.id}" title="dns${box}" type="DNS" status="Working"`,
    );
    const call = (operation: string, parameters: Record<string, string>) =>
      guifi.call(`guifi.service.${operation}`, parameters, token);
    const id = service.id!;
    expect(call("list", { server_id: box }).responses).toEqual({
      services: [{ id, service_type: "DNS", device_id: box }],
    });
    call("update", { service_id: id, status: "Testing", name: "renamed", nick: "ignored" });
    expect(call("get", { service_id: id }).responses).toMatchObject({
      service: { status_flag: "Testing", nick: `dns${box}` },
      node: { nid: id, title: "renamed" },
    });
    expect(errorsOf(call("update", { service_id: id, status: "x" }))).toEqual([
      "403 This status is not defined.",
    ]);
    expect(errorsOf(call("update", { service_id: id, server_id: "1" }))).toEqual([
      "403 Server destination does not exist.",
    ]);
    const foreign = guifi.call("guifi.service.remove", { service_id: id }, guifi.login("bernat"));
    expect(errorsOf(foreign)).toEqual(["501"]);
    expect(errorsOf(call("remove", { service_id: id }))).toEqual([]);
    expect(errorsOf(call("remove", { service_id: id }))).toEqual(["403 This service does not exist."]);
    expect(guifi.node(NODES.own)).not.toContain("<service");
  });

  test.each([
    [{ service_type: "dns" }, "403 This server type is not defined."],
    [{ service_type: "toString" }, "403 This server type is not defined."],
    [{ server_id: "1" }, "403 This server did not exist."],
    [{ server_id: "48410" }, "501"],
    [{ status: "on" }, "403 This status is not defined."],
    [{ nick: "two words" }, "403 Nick name have to be a single word."],
    [{ nick: "audaDZ" }, "403 This nick already in use."],
  ])("is refused: %j gives %s", (wanted, error) => {
    withAddress();
    expect(errorsOf(declare(wanted))).toEqual([error]);
    expect(guifi.node(NODES.own)).not.toContain("<service");
  });

  test("gets a nick derived from its name when none is given", () => {
    expect(abbreviated("dns services here")).toBe("DSerH");
    expect(abbreviated("snpservices")).toBe("snpsrvcs");
    expect(abbreviated("a b")).toBe("ab");
  });
});

describe("the map of the site", () => {
  test("accepts a new node", () => {
    const wanted = { title: "Can Ricart 4", zone_id: 18_668, lat: "41.4", lon: "2.19" };
    expect(errorsOf(guifi.call("guifi.node.add", wanted))).toEqual(["501"]);
    const token = guifi.login("anna");
    const call = (more: Record<string, string | number>) =>
      guifi.call("guifi.node.add", { ...wanted, ...more }, token);
    const { responses } = call({ nick: "BCNCanRicart4" });
    const { node_id } = responses as { node_id: string };
    expect(guifi.get(`/guifi/cnml/${node_id}/node`).body).toMatch(
      /<node id="\d+" title="BCNCanRicart4" lat="41.4" lon="2.19" status="Planned" created="20260101 1200"\/>/,
    );
    expect(errorsOf(call({ lat: "north" }))).toEqual(["403 lat: north"]);
    expect(errorsOf(call({ lon: "" }))).toEqual(["403 lon: "]);
    expect(errorsOf(call({ status: "x" }))).toEqual(["403 status: x"]);
    expect(errorsOf(call({ notification: "me" }))).toEqual(["403 notification: me"]);
    expect(errorsOf(call({ zone_id: 1 }))).toEqual(["500 zone_id = 1"]);
  });

  test("finds the zone of a position", () => {
    const nearest = (lat: string, lon: string) =>
      guifi.call("guifi.zone.nearest", { lat, lon }).responses as { nearest: unknown };
    expect(nearest("43.22", "-2.02").nearest).toEqual({
      ...{ title: "Andoain", nick: "ndn", zone_id: "54284" },
    });
    expect(nearest("0", "0").nearest).toBe(false);
  });

  test("lists hardware models", () => {
    const models = (parameters: Record<string, string> = {}) => guifi.call("guifi.misc.model", parameters);
    expect((models({ fid: "3" }).responses as { models: unknown[] }).models).toHaveLength(2);
    expect(errorsOf(models({ type: "x" }))).toEqual(["403 type invalid: x"]);
    expect(errorsOf(models({ fid: "99" }))).toEqual(["403 fid invalid: 99"]);
    expect(errorsOf(models({ supported: "no" }))).toEqual(["403 supported invalid: no"]);
  });
});

test("the site answers a box in the same process as over the network", async () => {
  const ask = asBoxRequest(guifi.site, () => guifi.now);
  const url = (query: string) => `https://guifi.net/api?${query}`;
  const login = `command=guifi.auth.login&username=anna&password=${encoded("vilanova-1905")}`;
  const { body, status } = await ask({ method: "POST", url: url(login) });
  expect(status).toBe(200);
  const { authToken } = (JSON.parse(body.toString()) as { responses: { authToken: string } }).responses;
  const reply = await ask({
    method: "GET",
    url: url(`command=guifi.device.add&node_id=${NODES.own}&type=cloudy`),
    headers: { Authorization: `GuifiLogin auth=${authToken}` },
  });
  expect(JSON.parse(reply.body.toString()).code.code).toBe(200);
  const page = await ask({ method: "GET", url: `https://guifi.net/guifi/cnml/${NODES.own}/node` });
  expect(page.body.toString()).toContain("BCNCanBruixa20Cldy1");
});

describe("a fault of the site", () => {
  const query = "command=guifi.service.types";
  const request = () => ({ method: "GET", path: "/api", query, headers: [], now: guifi.now });
  const answers = (faults: readonly SiteFault[]) =>
    [0, 1, 2, 3].map((turn) => answerWith(faults, guifi.site, request(), turn));
  const whole = () => guifi.site.handle(request()).body;

  test("has a name", () => {
    expect(isSiteFault("api-slow")).toBe(true);
    expect(isSiteFault("api-fast")).toBe(false);
    expect(answers([]).map(({ body }) => body)).toEqual([whole(), whole(), whole(), whole()]);
  });

  test("answers with an error, too late, or with one kind of garbage after another", () => {
    expect(answers(["api-500"])[0]).toMatchObject({ status: 500, body: expect.stringContaining("<h1>") });
    expect(answers(["api-slow"])[0]).toMatchObject({ body: whole(), delay: 30_000 });
    const kinds = answers(["api-garbage"]).map(({ status, body }) => [status, body.slice(0, 9), body.length]);
    const half = Math.floor(whole().length / 2);
    const page = answers(["api-garbage:html"])[1]!.body.length;
    expect(kinds).toEqual([
      [200, "<!DOCTYPE", page],
      [200, '{"command', half],
      [200, "xxxxxxxxx", 10 * 1024 * 1024],
      [200, "<!DOCTYPE", page],
    ]);
    expect(answers(["api-garbage:truncated"]).map(({ body }) => body.length)).toEqual([
      half,
      half,
      half,
      half,
    ]);
  });

  test("in hostile mode accepts logins, answers all else with a hostile text, and puts that into its map", () => {
    const [answer] = answers(["api-hostile"]);
    expect(JSON.parse(answer!.body)).toMatchObject({
      code: { code: 201 },
      errors: [
        { code: 999, extra: expect.stringContaining(TRAP) },
        { str: expect.stringContaining("\x1b]0;") },
      ],
    });
    const login = { ...request(), query: "command=guifi.auth.login&username=anna" };
    expect(answerWith(["api-hostile"], guifi.site, login, 0)).toEqual(guifi.site.handle(login));
    const map = { ...request(), path: `/guifi/cnml/${NODES.own}/node`, query: "" };
    const honest = guifi.site.handle(map).body;
    const { body } = answerWith(["api-hostile"], guifi.site, map, 0);
    expect(body.split(`touch /tmp/${TRAP}`).length - 1).toBe(2 * (honest.match(/ title=/g) ?? []).length);
    expect(body).not.toBe(honest);
  });

  test("can be limited to one command", () => {
    expect(isFor([], { query })).toBe(true);
    expect(isFor(["guifi.service.types"], { query })).toBe(true);
    expect(isFor(["guifi.service.list"], { query })).toBe(false);
    expect(isFor(["guifi.service.list"], { query: "" })).toBe(false);
  });

  test("refuses every token, and still accepts logins", () => {
    const token = guifi.login("anna");
    const asked = { ...request(), headers: [["Authorization", `GuifiLogin auth=${token}`]] as const };
    expect(answerWith(["api-502"], guifi.site, asked, 0).body).toContain('"code":502');
    expect(answerWith(["api-502"], guifi.site, request(), 0).body).toBe(whole());
  });
});

test("a logged query contains no password, however that is written", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("password", "pass%77ord", "%70assword", " password", "+password"),
      fc.stringMatching(/^[a-z0-9%+.]{8,20}$/),
      (name, secret) => {
        const log = redacted(`command=guifi.auth.login&username=anna&${name}=X${secret}=${secret}&q=1`);
        expect(log).toBe("command=guifi.auth.login&username=anna&password=(redacted)&q=1");
      },
    ),
  );
  expect(redacted("a=b&&c")).toBe("a=b&&c");
});

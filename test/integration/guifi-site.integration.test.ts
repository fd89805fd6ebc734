// SPDX-License-Identifier: GPL-3.0-or-later
// The stand-in for the Guifi site as a server of the lab, asked by curl: each trap of the real one is there for a client
// that nobody here wrote.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { authorityCertificate } from "../lab/authority.ts";
import { siteFaults } from "../lab/guifi-site/faults.ts";
import { addedDevices, addressesOf, SITE_HOST, siteReaders, siteState } from "../lab/guifi-site/reader.ts";
import { NODES, UPLINK } from "../lab/guifi-site/seed.ts";
import { dns } from "../lab/hosts/dns.ts";
import { guifiSite } from "../lab/hosts/guifi-site.ts";
import { type Lab, labDown, labUp } from "../lab/lab.ts";
import { labMember } from "../lab/members.ts";
import { serverLog } from "../lab/server.ts";

const NAME = "sitetest";
const API = "https://guifi.net/api";
const CNML = "https://guifi.net/guifi/cnml";
const { password: hard } = labMember("bernat");

let lab: Lab;

beforeAll(async () => {
  await labDown(NAME);
  lab = await labUp({
    name: NAME,
    root: await labRoot(),
    community: loadCommunity("guifi"),
    hosts: [
      dns("dns", "10.139.40.1"),
      guifiSite(SITE_HOST, "10.139.40.31"),
      { name: "client", address: "10.139.40.50" },
    ],
  });
});

afterAll(async () => {
  await labDown(NAME);
});

interface Reply {
  readonly command: string;
  readonly code: { readonly code: number };
  readonly responses?: Readonly<Record<string, string>>;
  readonly errors?: readonly { readonly code: number; readonly extra?: string }[];
}

async function curl(...words: string[]): Promise<{ code: number; stdout: string }> {
  return lab.run("client", ["curl", "--silent", "--show-error", "--cacert", "/srv/ca.crt", ...words]);
}

/** By `--data-urlencode`, which encodes once: what is encoded twice has to be given encoded. */
async function call(command: string, parameters: Record<string, string> = {}, ...words: string[]) {
  const data = Object.entries({ command, ...parameters }).flatMap(([name, value]) => [
    "--data-urlencode",
    `${name}=${value}`,
  ]);
  // Words in the address and nothing in the body, as the community's first client asked.
  const { stdout } = await curl("--get", "--request", "POST", API, ...data, ...words);
  return JSON.parse(stdout.replace(/^.*?(?={"command")/s, "")) as Reply;
}

async function login(username: string, password = labMember(username).password): Promise<string> {
  const { responses } = await call("guifi.auth.login", { username, password: encodeURIComponent(password) });
  return responses?.authToken ?? "";
}

const as = (token: string) => ["--header", `Authorization: GuifiLogin auth=${token}`];
const errors = ({ errors: all = [] }: Reply) =>
  all.map(({ code, extra }) => (extra === undefined ? `${code}` : `${code} ${extra}`));
const later = (seconds: number | undefined) =>
  lab.change(SITE_HOST, "later", seconds === undefined ? undefined : { words: [`--later=${seconds}`] });

describe("curl, as a client of the site, finds", () => {
  test("a server that is trusted by the lab's authority only, over HTTP/1.1", async () => {
    expect(await curl("--output", "/dev/null", "--write-out", "%{http_code} %{http_version}", API)).toEqual(
      expect.objectContaining({ code: 0, stdout: "200 1.1" }),
    );
    const stranger = join(lab.place("client").directory, "stranger.crt");
    writeFileSync(stranger, authorityCertificate(NAME, "stranger"));
    expect((await curl("--cacert", "/srv/stranger.crt", API)).code).toBe(60);
  });

  test("a page equal to a real one", async () => {
    const { stdout } = await curl("--include", `${CNML}/${NODES.real}/node`);
    expect(stdout).toMatch(/^HTTP\/1\.1 200 OK\r\nContent-Type: application\/xml; charset=utf-8\r\n/);
    expect(stdout).toContain('<device id="75928" mainipv4="10.139.173.67" title="BCNUPFp9Srvr1"');
  });

  test("one error for each missing field, in an answer with HTTP status 200", async () => {
    const reply = await call("guifi.service.add", { name: "a" });
    expect(errors(reply)).toEqual(["402 server_id", "402 service_type"]);
    const status = await curl("--output", "/dev/null", "--write-out", "%{http_code}", `${API}?command=x`);
    expect(status.stdout).toBe("200");
  });

  test("that a form sent in the body is ignored", async () => {
    const { stdout } = await curl("--data", "command=guifi.service.types", API);
    expect(errors(JSON.parse(stdout) as Reply)).toEqual(["400", "400"]);
    const inUrl = await curl("--data", "", `${API}/auth?command=guifi.service.types`);
    expect((JSON.parse(inUrl.stdout) as Reply).code.code).toBe(200);
  });
});

describe("a GET request without a session", () => {
  test("is answered as the first such request was, whatever the token", async () => {
    const get = async (...words: string[]) =>
      JSON.parse((await curl(`${API}?command=guifi.service.list&server_id=48400`, ...words)).stdout) as Reply;
    expect(errors(await get("--header", "Authorization: GuifiLogin auth=old"))).toEqual(["502"]);
    expect(errors(await get(...as(await login("anna"))))).toEqual(["502"]);
    expect(errors(await call("guifi.service.list", { server_id: "48400" }))).toEqual([]);
  });
});

describe("a password with +, %, & and an accent", () => {
  const given = async (password: string) =>
    (await call("guifi.auth.login", { username: "bernat", password })).code.code;

  test("fails when it is encoded once, as curl does", async () => {
    expect(await given(hard)).toBe(201);
  });

  test("works when it is encoded twice", async () => {
    expect(await given(encodeURIComponent(hard))).toBe(200);
    expect(await given(encodeURIComponent(`  ${hard}\n`))).toBe(200);
  });

  test("is not in the site's log, which shows who requested what", () => {
    const log = serverLog(lab.place(SITE_HOST).directory);
    expect(log).toContain(
      "10.139.40.50 POST /api?command=guifi.auth.login&username=bernat&password=(redacted) 200",
    );
    for (const form of [hard, encodeURIComponent(hard), encodeURIComponent(encodeURIComponent(hard))]) {
      expect(log).not.toContain(form);
    }
    expect(log).not.toMatch(/vilanova|pa%2/);
  });
});

describe("a token of the site", () => {
  const types = async (...words: string[]) => errors(await call("guifi.service.types", {}, ...words));
  const update = async (...words: string[]) =>
    errors(await call("guifi.device.update", { device_id: String(UPLINK.device), comment: "x" }, ...words));

  test("counts only with the exact spelling of its header, and not in lower case", async () => {
    const token = await login("anna");
    expect(await update(...as(token))).toEqual([]);
    expect(await update("--header", `authorization: GuifiLogin auth=${token}`)).toEqual(["501"]);
    expect(await update()).toEqual(["501"]);
  });

  test("cannot be combined with another way of logging in", async () => {
    const { stdout } = await curl("--user", "anna:vilanova-1905", `${API}?command=guifi.service.types`);
    expect(JSON.parse(stdout)).toMatchObject({ command: "", errors: [{ code: 502 }] });
  });

  test("ends with the next login of the same member", async () => {
    const first = await login("anna");
    const second = await login("anna");
    expect([await types(...as(first)), await types(...as(second))]).toEqual([["502"], []]);
  });

  test("ends after twelve hours, and survives a restart of the site", async () => {
    const token = await login("anna");
    await later(12 * 3600 - 60);
    expect(await types(...as(token))).toEqual([]);
    await later(12 * 3600 + 1);
    expect(await types(...as(token))).toEqual(["502"]);
    await later(undefined);
  });
});

describe("a box registering at the site", () => {
  let token: string;
  let box: string;
  const node = async () => (await curl(`${CNML}/${NODES.own}/node`)).stdout;
  const add = (parameters: Record<string, string>) =>
    call("guifi.device.add", { node_id: String(NODES.own), type: "cloudy", ...parameters }, ...as(token));

  beforeAll(async () => {
    token = await login("anna");
    await call("guifi.cnml.clear");
  });

  test("adds a device, which its page shows only when the cache was cleared", async () => {
    expect(await node()).not.toContain("can-bruixa-box");
    const reply = await add({ nick: "can-bruixa-box", mac: "525400123456", status: "Testing" });
    box = reply.responses?.device_id ?? "";
    expect(box).toMatch(/^\d+$/);
    expect(await node()).not.toContain("can-bruixa-box");
    await call("guifi.cnml.clear");
    expect(await node()).toContain(`<device id="${box}" mainipv4="" title="can-bruixa-box" type="cloudy"`);
    expect(errors(await add({ nick: "Can-Bruixa-BOX" }))).toEqual(["403 nick already in use"]);
  });

  test("declares a service only after it has an address", async () => {
    const declare = () =>
      call(
        "guifi.service.add",
        { name: `guifi-proxy3${box}`, nick: `prx${box}`, server_id: box, service_type: "Proxy" },
        ...as(token),
      );
    expect(errors(await declare())).toEqual(["403 This server did not assign IPv4 address."]);
    const link = (device: number) =>
      call("guifi.cloudy.addlink", { device_id: String(device), cloudy_id: box }, ...as(token));
    expect(errors(await link(48_410))).toEqual(["501"]);
    expect(errors(await link(48_420))).toEqual(["500 Device did not assign IPv4."]);
    expect(errors(await link(UPLINK.device))).toEqual([]);
    expect(errors(await declare())).toEqual([]);
    await call("guifi.cnml.clear");
    const page = await node();
    expect(page).toContain(`ipv4="${UPLINK.next}" mask="255.255.255.224"`);
    const service = /<service id="(\d+)" title="prx\d+" type="Proxy" status="Working"/.exec(page)?.[1];
    const { stdout } = await curl(`https://guifi.net/guifi/export/${service}/federation`);
    expect(stdout).toMatch(new RegExp(`^${service}-private\n54101-in\n54102-out\n`));
  });

  test("is visible to the readers of the site's state", async () => {
    expect(addedDevices(siteState(lab)!).map(addressesOf)).toEqual([[UPLINK.next]]);
    const rows = await Promise.all(siteReaders.map((reader) => reader.read(lab)));
    expect(rows).toEqual([
      [
        expect.objectContaining({
          ...{ name: "can-bruixa-box", member: "anna", mail: "anna@example.net", status: "Testing" },
          ...{ node: "54052 BCNCanBruixa20", mac: "52:54:00:12:34:56", addresses: UPLINK.next },
        }),
      ],
      [expect.objectContaining({ nick: `prx${box}`, type: "Proxy", member: "anna", device: box })],
      expect.arrayContaining([expect.objectContaining({ member: "anna" })]),
    ]);
  });
});

describe("the site with a fault,", () => {
  const during = async (name: string, look: () => Promise<void>) => {
    const fault = siteFaults.find((one) => one.name === name)!;
    await fault.on(lab);
    await fault.on(lab);
    try {
      await look();
    } finally {
      await fault.off(lab);
    }
    expect((await call("guifi.service.types")).code.code).toBe(200);
  };
  const ask = (...words: string[]) =>
    curl("--request", "POST", ...words, `${API}?command=guifi.service.types`);

  test("api-500, answers with an error page", () =>
    during("api-500", async () => {
      const { stdout } = await ask("--write-out", "%{http_code}");
      expect(stdout).toMatch(/Internal Server Error[\s\S]*500$/);
    }));

  test("api-502, refuses every token and works otherwise", () =>
    during("api-502", async () => {
      const token = await login("anna");
      expect(token).not.toBe("");
      expect(errors(await call("guifi.service.types", {}, ...as(token)))).toEqual(["502"]);
    }));

  test("api-slow, completes a command, but answers after more than a box's 15 seconds", () =>
    during("api-slow", async () => {
      const { code } = await curl(
        ...["--max-time", "15"],
        `${API}?command=guifi.auth.login&username=nuria&password=avui-mateix`,
      );
      expect(code).toBe(28);
      expect(siteState(lab)?.tokens.map(({ uid }) => uid)).toContain(
        siteState(lab)?.accounts.find(({ name }) => name === "nuria")?.uid,
      );
    }));

  test("api-garbage, answers with a page, a truncated answer, or ten megabytes", () =>
    during("api-garbage", async () => {
      expect((await ask()).stdout).toMatch(/^<!DOCTYPE html>/);
      const half = (await ask()).stdout;
      expect(half).toMatch(/^{"command":"guifi.service.types"/);
      expect(() => JSON.parse(half)).toThrow();
      const huge = await ask("--output", "/dev/null", "--write-out", "%{size_download}");
      expect(huge.stdout).toBe(String(10 * 1024 * 1024));
    }));

  test("api-bad-certificate, is refused by clients", () =>
    during("api-bad-certificate", async () => {
      expect((await ask()).code).toBe(60);
    }));

  test("api-down, refuses connections immediately", () =>
    during("api-down", async () => {
      expect((await ask()).code).toBe(7);
    }));
});

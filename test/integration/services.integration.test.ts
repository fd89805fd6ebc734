// SPDX-License-Identifier: GPL-3.0-or-later
// Services as the box installs them: from the image's own packages, without a network, by the engine itself; then asked
// by real clients. Squid against the lab's directory, snmpd by snmpget, Syncthing by its certificate.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findService } from "../../firstboot/catalogue/catalogue.ts";
import type { ImageInfo } from "../../firstboot/host/image-info.ts";
import { defaultInputs } from "../../firstboot/services/data.ts";
import { activate } from "../../firstboot/services/engine.ts";
import { readStates, writeState } from "../../firstboot/services/state.ts";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { SITE_HOST } from "../lab/guifi-site/reader.ts";
import type { LabHost } from "../lab/host.ts";
import { dns } from "../lab/hosts/dns.ts";
import { guifiSite } from "../lab/hosts/guifi-site.ts";
import { ldap } from "../lab/hosts/ldap.ts";
import { type Lab, labDown, labUp } from "../lab/lab.ts";
import { labMember } from "../lab/members.ts";
import { PROXY_READER, PROXY_USERS } from "../lab/proxy-users.ts";
import { type ChrootBox, chrootBox } from "./chroot-box.ts";
import { serviceRoot } from "./service-root.ts";

const NAME = "svctest";
const BOX = "10.139.40.60";
const WEB = "10.139.40.70";
const PAGE = "a page of the community";
const community = loadCommunity("guifi");

const PROGRAM = `require("node:http").createServer((_, reply) => reply.end(${JSON.stringify(PAGE)}))
  .listen(80, () => console.log("ready"));`;
const web: LabHost = {
  name: "web",
  address: WEB,
  server: async () => ({ command: ["node", "-e", PROGRAM], ready: /ready/ }),
};

const image = {
  version: "test",
  profile: { id: "vm-amd64", title: "test", architecture: "amd64", release: "trixie" },
  boot_mount: "/boot/efi",
  community,
} as unknown as ImageInfo;

let root: string;
let lab: Lab;
let box: ChrootBox;
const running: ChildProcess[] = [];
let squid: ChildProcess | undefined;

/** Each program here has processes of its own, which a signal of another does not reach: Squid begins anew. */
async function restartSquid(): Promise<void> {
  if (squid) {
    const ended = once(squid, "exit");
    squid.kill("SIGKILL");
    await ended;
  }
  await box.remove("/run/squid.pid");
  squid = box.start(["squid", "--foreground"]);
  running.push(squid);
}

beforeAll(async () => {
  await labDown(NAME);
  root = await serviceRoot("services-test");
  const hosts = [
    dns("dns", "10.139.40.1"),
    ldap("ldap", "10.139.40.20", 0),
    ldap("ldap2", "10.139.40.21", 1),
    guifiSite(SITE_HOST, "10.139.40.31"),
    web,
    { name: "box", address: BOX },
    { name: "client", address: "10.139.40.80" },
  ];
  lab = await labUp({ name: NAME, root: await labRoot(), community, hosts });
  box = chrootBox(root, lab.place("box").namespace);
  await box.writeFile("/etc/hostname", "can-bruixa\n");
  await box.writeFile("/etc/resolv.conf", "nameserver 10.139.40.1\n");
  await box.writeFile("/etc/community-box/ca.pem", lab.authority());
});

afterAll(async () => {
  for (const child of running) child.kill("SIGKILL");
  await labDown(NAME);
  rmSync(root, { recursive: true, force: true });
});

async function switchOn(id: string, inputs = {}) {
  const service = findService(id)!;
  await activate({ box, image }, service, {
    where: "host",
    inputs: { ...defaultInputs(service), ...inputs },
  });
}

async function until<T>(look: () => Promise<T>, isIt: (value: T) => boolean, seconds = 60): Promise<T> {
  for (let tries = 0; ; tries++) {
    const value = await look();
    if (isIt(value) || tries >= seconds * 4) return value;
    await delay(250);
  }
}

const isOpen = (port: number) =>
  lab.run("client", ["sh", "-c", `busybox nc -w 1 ${BOX} ${port} </dev/null`]).then(({ code }) => code === 0);

describe("the web proxy", () => {
  test("is installed from the image only, and starts", async () => {
    await switchOn("guifi-proxy", { cache_mib: 100 });
    expect(box.told).toContain("restart squid.service cbox-guifi-proxy.timer");
    expect((await box.run("squid", ["-z", "--foreground"])).code).toBe(0);
    await restartSquid();
    expect(await until(() => isOpen(3128), Boolean)).toBe(true);
  });

  const get = (url: string, credentials?: string) =>
    lab.run("client", [
      ...["curl", "--silent", "--max-time", "20", "--write-out", " %{http_code}"],
      ...["--proxy", `http://${BOX}:3128`, ...(credentials ? ["--proxy-user", credentials] : []), url],
    ]);
  const member = (name: string) => `${name}:${labMember(name).password}`;

  test("accepts a member with the directory's password", async () => {
    const { stdout } = await get(`http://${WEB}/`, member("anna"));
    expect(stdout).toBe(`${PAGE} 200`);
  });

  test("accepts a member with a password that no URL could carry", async () => {
    expect((await get(`http://${WEB}/`, member("bernat"))).stdout).toBe(`${PAGE} 200`);
  });

  test.each([
    ["nobody", undefined],
    ["a wrong password", "anna:wrong"],
    ["an empty password", "anna:"],
    ["somebody unknown", "nobody:x"],
    ["a name that reaches into the directory", `anna,o=webusers:${labMember("anna").password}`],
  ])("refuses %s", async (_who, credentials) => {
    expect((await get(`http://${WEB}/`, credentials)).stdout).toMatch(/ 407$/);
  });

  test("requires a password from the same machine, too, where all clients of a context seem to be", async () => {
    const local = ["--silent", "--max-time", "20", "--write-out", " %{http_code}", "--noproxy", "none"];
    const ask = async (...credentials: string[]) =>
      (
        await box.run("curl", [
          ...local,
          "--proxy",
          "http://127.0.0.1:3128",
          ...credentials,
          `http://${WEB}/`,
        ])
      ).stdout;
    expect(await ask()).toMatch(/ 407$/);
    expect(await ask("--proxy-user", "anna:wrong")).toMatch(/ 407$/);
    expect(await ask("--proxy-user", member("anna"))).toBe(`${PAGE} 200`);
  });

  test.each(["http://192.168.1.1/", "http://172.16.0.1/", "http://127.0.0.1/", `http://localhost:3128/`])(
    "refuses to connect to %s",
    async (url) => {
      expect((await get(url, member("anna"))).stdout).toMatch(/ 403$/);
    },
  );

  test("hides its manager from clients", async () => {
    const { stdout } = await get("http://can-bruixa:3128/squid-internal-mgr/info", member("anna"));
    expect(stdout).not.toMatch(/ 200$/);
  });

  test("continues with the backup when the main directory is down", async () => {
    await lab.change("ldap", "test", { isDown: true });
    const { stdout } = await get(`http://${WEB}/`, member("Pere Mas_i.Pla"));
    await lab.change("ldap", "test", undefined);
    expect(stdout).toBe(`${PAGE} 200`);
  });

  describe("in a federation, by the list of the community's site,", () => {
    const user = (name: string) => PROXY_USERS.find((each) => each.name === name)!;
    const use = ({ name, password }: { name: string; password: string }) =>
      get(`http://${WEB}/`, `${name}:${password}`).then(({ stdout }) => stdout);
    const declaredAs = async (declared: string) => {
      const state = (await readStates(box))["guifi-proxy"]!;
      await writeState(box, "guifi-proxy", { ...state, declared });
      await switchOn("guifi-proxy", { users: "federation", cache_mib: 100 });
      await restartSquid();
    };

    test("accepts only its own users when it takes no others", async () => {
      await declaredAs(user("marta").service);
      expect(
        await until(
          () => use(user("marta")),
          (said) => / 200$/.test(said),
        ),
      ).toBe(`${PAGE} 200`);
      expect(await use(user("quim"))).toMatch(/ 407$/);
      expect(await use(labMember("anna"))).toMatch(/ 407$/);
    });

    test("accepts users of proxies that share theirs, with a reader's account, when it takes others", async () => {
      const directory = "/etc/squid/community-box";
      await box.writeFile(
        `${directory}/reader.dn`,
        `uid=${PROXY_READER.name},o=proxyusers,dc=guifi,dc=net\n`,
      );
      await box.writeFile(`${directory}/reader.password`, PROXY_READER.password);
      await declaredAs(user("quim").service);
      expect(
        await until(
          () => use(user("quim")),
          (said) => / 200$/.test(said),
        ),
      ).toBe(`${PAGE} 200`);
      expect(await use(user("marta"))).toBe(`${PAGE} 200`);
      expect(await use(labMember("anna"))).toMatch(/ 407$/);
    });

    test("keeps the last list when the new one cannot be fetched or is invalid", async () => {
      const path = "/etc/squid/community-box/federation";
      const before = await box.readFile(path);
      expect(before).toMatch(/^\d+-(in|inout)$/m);
      await lab.change(SITE_HOST, "test", { isDown: true });
      const { code, stderr } = await box.run("/usr/local/sbin/cbox-guifi-proxy-federation", []);
      await lab.change(SITE_HOST, "test", undefined);
      expect(code).toBe(0);
      expect(stderr).toContain("the last one stays");
      expect(await box.readFile(path)).toBe(before);
    });
  });
});

describe("the SNMP agent", () => {
  const ask = (oid: string, community = "public", version = "2c") =>
    lab.run("client", ["snmpget", `-v${version}`, "-c", community, "-t2", "-r0", "-On", BOX, oid]);

  test("is installed, and answers the community's graph servers", async () => {
    await switchOn("snmp", { contact: "anna@example.net" });
    running.push(box.start(["snmpd", "-f", "-C", "-c", "/etc/snmp/snmpd.conf", "-Lo"]));
    const name = await until(
      () => ask(".1.3.6.1.2.1.1.5.0"),
      ({ code }) => code === 0,
      20,
    );
    expect(name.stdout).toContain("can-bruixa");
    expect((await ask(".1.3.6.1.2.1.1.4.0")).stdout).toContain("anna@example.net");
    expect((await ask(".1.3.6.1.2.1.2.1.0")).stdout).toMatch(/INTEGER: \d/);
  });

  test("hides programs and users, accepts no other community string, and refuses changes", async () => {
    expect((await ask(".1.3.6.1.2.1.25.4.2.1.2.1")).stdout).toMatch(/No Such|No more/i);
    expect((await ask(".1.3.6.1.2.1.25.1.5.0")).stdout).toMatch(/No Such|No more/i);
    expect((await ask(".1.3.6.1.2.1.1.5.0", "private")).code).not.toBe(0);
    const set = ["snmpset", "-v2c", "-c", "public", "-t2", "-r0", BOX, ".1.3.6.1.2.1.1.5.0", "s", "x"];
    expect((await lab.run("client", set)).code).not.toBe(0);
  });
});

describe("Syncthing", () => {
  test("is installed, has a device id, and presents that to clients", async () => {
    await switchOn("syncthing");
    const state = (await readStates(box)).syncthing!;
    expect(state.facts.device_id).toMatch(/^[A-Z2-7]{7}(-[A-Z2-7]{7}){7}$/);
    const user = ["runuser", "--user", "cbox-syncthing", "--"];
    const serve = ["syncthing", "serve", "--no-browser", "--no-restart"];
    running.push(box.start([...user, ...serve, "--home=/var/lib/cbox-syncthing/config"]));
    expect(await until(() => isOpen(22000), Boolean)).toBe(true);
    // The device id is the hash of the certificate: ask for it as a stranger would.
    const hello = `openssl s_client -connect ${BOX}:22000 -alpn bep/1.0 </dev/null 2>/dev/null | openssl x509 -outform DER | sha256sum | cut -c1-64`;
    const { stdout } = await lab.run("client", ["sh", "-c", hello]);
    expect(deviceIdOf(stdout.trim())).toBe(state.facts.device_id);
  });

  test("serves its web page to the box only, with a password", async () => {
    expect(await isOpen(8384)).toBe(false);
    const asked = async (path: string, body?: object) => {
      const words = body ? ["--data", JSON.stringify(body)] : [];
      const url = `http://127.0.0.1:8384/rest/${path}`;
      const quiet = ["--silent", "--output", "/dev/null", "--write-out", "%{http_code}"];
      return (await box.run("curl", [...quiet, ...words, url])).stdout;
    };
    expect(await asked("system/status")).toBe("403");
    const secrets = JSON.parse((await box.readFile("/var/lib/community-box/secrets/syncthing.json")) ?? "{}");
    const logIn = (password: string) => asked("noauth/auth/password", { username: "cbox", password });
    expect(await logIn("not this one")).toBe("403");
    expect(await logIn(secrets.gui_password)).toBe("204");
    const config = (await box.readFile("/var/lib/cbox-syncthing/config/config.xml")) ?? "";
    expect(config).toContain("<globalAnnounceEnabled>false");
    expect(config).toContain("<relaysEnabled>false");
    expect(config).not.toContain(secrets.gui_password);
  });
});

/** Base32 of the hash in groups of 13 with a check digit each, then in groups of 7. */
function deviceIdOf(hex: string): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...Buffer.from(hex, "hex")].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const text = bits
    .match(/.{1,5}/g)!
    .map((five) => letters[Number.parseInt(five.padEnd(5, "0"), 2)])
    .join("");
  const checked = text
    .match(/.{13}/g)!
    .map((group) => {
      const sum = [...group].reduce((total, letter, index) => {
        const code = letters.indexOf(letter) * ((index % 2) + 1);
        return total + Math.floor(code / 32) + (code % 32);
      }, 0);
      return group + letters[(32 - (sum % 32)) % 32];
    })
    .join("");
  return checked.match(/.{7}/g)!.join("-");
}

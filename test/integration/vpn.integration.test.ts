// SPDX-License-Identifier: GPL-3.0-or-later
// The step "vpn" against the lab: Debian's tincd on both sides, a rendezvous that speaks both forms. Needs root.
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Box } from "../../firstboot/host/box.ts";
import type { readImageInfo } from "../../firstboot/host/image-info.ts";
import type { StepTools } from "../../firstboot/setup/step.ts";
import { vpn } from "../../firstboot/steps/vpn/index.ts";
import type { VpnAnswers } from "../../firstboot/steps/vpn/questions.ts";
import { fingerprint } from "../../firstboot/vpn/gateways.ts";
import { ownKey } from "../../firstboot/vpn/keys.ts";
import { refreshVpn } from "../../firstboot/vpn/refresh.ts";
import { PROJECT } from "../../image/host/paths.ts";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { failureOf } from "../failure-of.ts";
import { TRAP } from "../lab/hostile/texts.ts";
import { dns } from "../lab/hosts/dns.ts";
import { gatewayKey, rendezvous } from "../lab/hosts/rendezvous.ts";
import { vpnGateway } from "../lab/hosts/vpn-gateway.ts";
import { type Lab, labDown, labUp } from "../lab/lab.ts";
import { NEEDED_RANGE } from "../lab/rendezvous/lures.ts";
import { INTERNAL_PORT } from "../lab/rendezvous/plan.ts";
import { vpnPeers } from "../lab/rendezvous/reader.ts";
import { serverLog } from "../lab/server.ts";
import { type StepBox, signalTinc, stepBox } from "../lab/step-box.ts";
import { IMAGE } from "../unit/helpers/fake-box.ts";

const NAME = "vpntest";
const MAC = "52:54:00:aa:00:01";
const community = loadCommunity("guifi");
const image = { ...IMAGE, community } as unknown as Awaited<ReturnType<typeof readImageInfo>>;
const JSON_FORM = { join: true, rendezvous: ["https://rendezvous.lab"] };
const GETINCONF = { join: true };

let lab: Lab;
let one: StepBox;
let two: StepBox;

beforeAll(async () => {
  const root = await labRoot();
  await labDown(NAME);
  lab = await labUp({
    name: NAME,
    root,
    community,
    hosts: [
      dns("dns", "10.139.40.1"),
      rendezvous("rendezvous"),
      // It asks the rendezvous when a test says that its hour is over.
      vpnGateway("vpn", "switch", 3600),
      { name: "one", address: "10.139.40.61" },
      { name: "two", address: "10.139.40.62" },
    ],
  });
  one = await stepBox(lab, "one", MAC, "can-bruixa");
  two = await stepBox(lab, "two", "52:54:00:aa:00:02", "can-bruixa");
});

afterAll(async () => {
  await one?.off();
  await two?.off();
  await labDown(NAME);
});

function toolsOf({ box }: StepBox): StepTools & { readonly said: string[] } {
  const said: string[] = [];
  return {
    box,
    image,
    skippedSteps: new Set(),
    providedSecrets: new Set(),
    answersOf: () => ({}),
    signal: new AbortController().signal,
    said,
    progress: (key, values = {}) => void said.push(`${key} ${JSON.stringify(values)}`),
  };
}

/** The gateway asks the rendezvous again. */
async function hour(): Promise<void> {
  const asking = ["curl", "--silent", "--show-error", "--fail", "--request", "POST"];
  const { code, stderr } = await lab.run("vpn", [...asking, `http://127.0.0.1:${INTERNAL_PORT}/`]);
  expect(code, stderr).toBe(0);
}

const apply = (of: StepBox, answers: VpnAnswers) => vpn.apply(answers as never, toolsOf(of));

async function enter(of: StepBox, answers: VpnAnswers): Promise<void> {
  await apply(of, answers);
  await hour();
  expect(await vpn.verify(answers as never, toolsOf(of))).toEqual([]);
}

const hostFiles = ({ root }: StepBox) => readdirSync(join(root, "etc/tinc/guifi/hosts")).sort();
const text = ({ root }: StepBox, path: string) => readFileSync(join(root, path), "utf8");
const registered = () =>
  JSON.parse(readFileSync(join(lab.place("rendezvous").directory, "nodes.json"), "utf8")) as {
    name: string;
  }[];

async function ping(from: string, to: string): Promise<number> {
  return (await lab.run(from, ["ping", "-n", "-q", "-c", "1", "-W", "5", "-I", "guifi", to])).code;
}

/** A minute is over at each look at its clock, and nothing takes any time. */
function hurried({ box }: StepBox): Box {
  let minutes = 0;
  const now = () => new Date(Date.now() + ++minutes * 60_000);
  return { ...box, now };
}

const refresh = ({ box }: StepBox) => refreshVpn(box, image, { alone: (work) => work() });
const logOf = (host: string) => serverLog(lab.place(host).directory);

describe("joining the VPN", () => {
  test("by getinconf waits for a gateway that does not know the box yet, which answers after its hour", async () => {
    await apply(one, GETINCONF);
    await expect
      .poll(() => logOf("vpn"), { timeout: 180_000 })
      .toContain("had unknown identity (can_bruixa)");
    const tools = { ...toolsOf(one), box: hurried(one) };
    expect(await vpn.verify(GETINCONF as never, tools)).toEqual([{ code: "vpn-waiting" }]);
    expect(await vpn.status?.(one.box, image)).toMatchObject({ state: "waiting" });
    await hour();
    await expect.poll(() => ping("one", "10.228.0.1"), { timeout: 180_000 }).toBe(0);
    expect(await refresh(one)).toBe("unchanged");
    expect(await vpn.status?.(one.box, image)).toMatchObject({
      state: "works",
      data: { waiting_since: null },
    });
    await apply(one, { join: false });
  });

  test("by getinconf makes a tunnel that carries pings both ways, and the lab shows the box", async () => {
    await enter(one, GETINCONF);
    expect(await ping("one", "10.228.0.1")).toBe(0);
    expect(await ping("vpn", "10.228.0.2")).toBe(0);
    expect(hostFiles(one)).toEqual(["can_bruixa", "gateway"]);
    expect(statSync(join(one.root, "etc/tinc/guifi/rsa_key.priv")).mode & 0o777).toBe(0o600);
    expect(one.enabled).toEqual(
      new Set([
        ...["tinc.service", "tinc@guifi.service", "cbox-vpn.timer", "cbox-vpn-clock.timer"],
        ...["avahi-daemon.service", "avahi-daemon.socket"],
      ]),
    );
    expect(await vpnPeers.read(lab)).toEqual([
      expect.objectContaining({ name: "can_bruixa", address: "10.228.0.2", reachable: "yes" }),
    ]);
    expect(await vpn.status?.(one.box, image)).toMatchObject({
      state: "works",
      data: { name: "can_bruixa", address: "10.228.0.2/24", answers: true },
    });
  });

  test("again, by either form, keeps the key, the name, and one file of each host", async () => {
    const key = text(one, "etc/tinc/guifi/rsa_key.priv");
    for (const answers of [GETINCONF, JSON_FORM, GETINCONF]) {
      await enter(one, answers);
      expect(text(one, "etc/tinc/guifi/rsa_key.priv")).toBe(key);
      expect(registered().map(({ name }) => name)).toEqual(["can_bruixa"]);
      expect(hostFiles(one)).toEqual(["can_bruixa", "gateway"]);
    }
    expect(readdirSync(join(one.root, "etc/tinc"))).toEqual(["guifi"]);
  });

  test("by JSON over HTTPS adds another box of the same name as another one, and both reach each other", async () => {
    await enter(two, JSON_FORM);
    expect(text(two, "etc/tinc/guifi/tinc.conf")).toContain("Name = can_bruixa1\n");
    expect(hostFiles(two)).toEqual(["can_bruixa", "can_bruixa1", "gateway"]);
    expect(await ping("two", "10.228.0.2")).toBe(0);
    expect(await ping("one", "10.228.0.3")).toBe(0);
    const seen = await vpnPeers.read(lab);
    expect(seen.map(({ name, reachable }) => [name, reachable])).toEqual([
      ["can_bruixa", "yes"],
      ["can_bruixa1", "yes"],
    ]);
  });

  test("again after leaving makes the box the same one, since it keeps its key", async () => {
    const key = text(two, "etc/tinc/guifi/rsa_key.priv");
    await vpn.apply({ join: false }, toolsOf(two));
    expect(readdirSync(join(two.root, "etc/tinc/guifi"))).toEqual(["rsa_key.priv"]);
    expect(two.enabled).toEqual(new Set(["tinc.service"]));
    expect(await vpn.status?.(two.box, image)).toMatchObject({ state: "off" });
    expect(await ping("vpn", "10.228.0.3")).not.toBe(0);
    await enter(two, GETINCONF);
    expect(text(two, "etc/tinc/guifi/rsa_key.priv")).toBe(key);
    expect(await ping("vpn", "10.228.0.3")).toBe(0);
  });

  test("survives a gateway that crashes and returns, as Debian's unit restarts it", async () => {
    signalTinc(lab, "vpn", "SIGSEGV");
    await expect.poll(() => ping("one", "10.228.0.1"), { timeout: 60_000 }).not.toBe(0);
    await expect.poll(() => ping("one", "10.228.0.1"), { timeout: 180_000 }).toBe(0);
  });

  test("by a bundle contacts no rendezvous, and makes the tunnel", async () => {
    const answers = {
      join: true,
      bundle: {
        name: "can_bruixa1",
        address: "10.228.0.3/24",
        mode: "switch",
        hosts: [
          {
            name: "gateway",
            address: "10.139.40.85",
            subnets: ["10.228.0.1"],
            key: gatewayKey().publicKey,
          },
        ],
      },
    } as const;
    await vpn.apply({ join: false }, toolsOf(two));
    await lab.change("rendezvous", "test", { isDown: true });
    try {
      await enter(two, answers as unknown as VpnAnswers);
      expect(await ping("two", "10.228.0.1")).toBe(0);
      // Who else has an address is asked through the tunnel.
      const probe = 'busybox mount -t sysfs sysfs /sys; exec perl -e "$@"';
      const taken = (address: string) =>
        two.run("sh", "-euc", probe, "probe", overlay("address-taken"), "guifi", address);
      const oneMac = expect.stringMatching(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}\n$/);
      expect(await taken("10.228.0.1")).toEqual({ code: 0, stdout: oneMac, stderr: "" });
      expect(await taken("10.228.0.3")).toEqual({ code: 0, stdout: "", stderr: "" });
    } finally {
      await lab.change("rendezvous", "test", undefined);
    }
  });
});

/** Everything of the box, to see that nothing changed. */
function picture({ root }: StepBox): Record<string, string> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [
      join(parentPath, name),
      readFileSync(join(parentPath, name), "utf8"),
    ]),
  );
}

const overlay = (name: string) =>
  readFileSync(join(PROJECT, "overlays/base/files/usr/lib/community-box", name), "utf8");

test("OpenSSL supports the ciphers of old tinc nodes with the configuration of tinc's unit, and only with it", async () => {
  writeFileSync(join(lab.place("one").directory, "legacy.cnf"), overlay("openssl-legacy.cnf"));
  const cipher = ["-bf-ofb", "-K", "00".repeat(16), "-iv", "00".repeat(8), "-in", "/srv/legacy.cnf"];
  const encrypt = (...settings: string[]) =>
    lab.run("one", ["env", ...settings, "openssl", "enc", ...cipher]);
  const usual = await encrypt();
  expect([usual.code, usual.stderr]).toEqual([1, expect.stringContaining("unsupported")]);
  expect(await encrypt("OPENSSL_CONF=/srv/legacy.cnf")).toMatchObject({ code: 0, stderr: "" });
});

describe("refreshing the VPN, without a gateway between,", () => {
  beforeAll(async () => {
    await apply(two, { join: false });
    await forget("can_bruixa1");
    await apply(one, GETINCONF);
    await lab.change("vpn", "test", { isDown: true });
  });
  afterAll(() => lab.change("vpn", "test", undefined));

  async function forget(name: string): Promise<void> {
    const asking = ["curl", "--silent", "--show-error", "--fail", "--request", "DELETE"];
    const url = `http://127.0.0.1:${INTERNAL_PORT}/${name}`;
    const { code, stderr } = await lab.run("rendezvous", [...asking, url]);
    expect(code, stderr).toBe(0);
  }

  test.each([
    ["getinconf", GETINCONF],
    ["JSON", JSON_FORM],
  ])(
    "by %s adds a box that joins later, which was refused before, and removes it when it leaves",
    async (_form, answers) => {
      await apply(one, answers);
      expect(hostFiles(one)).toEqual(["can_bruixa", "gateway"]);
      const before = logOf("one").length;
      await apply(two, answers);
      const refused = () => logOf("one").slice(before);
      await expect.poll(refused, { timeout: 180_000 }).toContain("had unknown identity (can_bruixa1)");
      expect(await refresh(one)).toBe("changed");
      expect(hostFiles(one)).toEqual(["can_bruixa", "can_bruixa1", "gateway"]);
      const addressOf = ({ root }: StepBox) =>
        JSON.parse(readFileSync(join(root, "etc/community-box/vpn.json"), "utf8")).address.split("/")[0];
      await expect.poll(() => ping("one", addressOf(two)), { timeout: 180_000 }).toBe(0);
      expect(await ping("two", addressOf(one))).toBe(0);
      expect(refused()).toContain("Got HUP signal");
      await forget("can_bruixa1");
      expect(await refresh(one)).toBe("changed");
      expect(hostFiles(one)).toEqual(["can_bruixa", "gateway"]);
      await expect.poll(() => ping("one", addressOf(two)), { timeout: 180_000 }).not.toBe(0);
      await apply(two, { join: false });
    },
  );
});

describe("a failing server of the VPN", () => {
  let before: Record<string, string>;
  beforeEach(() => {
    before = picture(one);
  });

  async function refusedWith(word: string | undefined, answers: object) {
    await lab.change("rendezvous", "test", word ? { words: [word] } : { isDown: true });
    try {
      return await failureOf(() => vpn.apply(answers as never, toolsOf(one)));
    } finally {
      await lab.change("rendezvous", "test", undefined);
    }
  }

  test.each([
    ["refuses", "refuse", "rendezvous-refused", /wrong key/],
    ["is down", undefined, "rendezvous-silent", /ECONNREFUSED/],
    ["shows a web page", "html", "rendezvous-reply-invalid", /not (a script|JSON)/],
    ["stops in the middle", "truncated", "rendezvous-reply-invalid", /missing|not JSON/],
    ["says 10 MB", "huge", "rendezvous-reply-invalid", /1024 KiB/],
    ["is hostile", "hostile", "rendezvous-reply-invalid", /not a name/],
  ])("with %s leads to a message, and nothing on the box changes", async (_what, word, code, found) => {
    for (const answers of [GETINCONF, JSON_FORM]) {
      const failure = await refusedWith(word, answers);
      expect(failure).toMatchObject({ code, found: expect.stringMatching(found) });
      expect(picture(one)).toEqual(before);
      expect(one.commands.filter((line) => line.includes(TRAP) || line.includes("touch"))).toEqual([]);
    }
    const traps = await lab.run("one", [
      "sh",
      "-c",
      `ls /tmp/${TRAP} /etc/cron.d/${TRAP}; find /srv -name ${TRAP}`,
    ]);
    expect(traps.stdout).toBe("");
    expect(existsSync(`/tmp/${TRAP}`)).toBe(false);
    await enter(one, GETINCONF);
  });

  test("that refuses the box says whether key or network is wrong, in both forms", async () => {
    for (const answers of [GETINCONF, JSON_FORM]) {
      const wrongKey = { ...answers, key: "wrong" };
      expect(await failureOf(() => vpn.apply(wrongKey, toolsOf(one)))).toMatchObject({
        code: "rendezvous-refused",
        message: "The rendezvous does not let the box into the VPN.",
      });
      const unknown = { ...answers, network: "demo" };
      expect(await failureOf(() => vpn.apply(unknown, toolsOf(one)))).toMatchObject({
        code: "rendezvous-network-unknown",
        found: expect.stringMatching(/^demo at /),
      });
    }
  });

  test("that does not answer is skipped for the next one", async () => {
    const rendezvous = ["https://nobody.lab", "http://10.139.40.99/index.php", "https://rendezvous.lab"];
    await enter(one, { join: true, rendezvous });
    expect(JSON.parse(text(one, "etc/community-box/vpn.json"))).toMatchObject({ rendezvous: rendezvous[2] });
  });

  test("that is a gateway is reported, and the box connects when it is up again", async () => {
    await lab.change("vpn", "test", { isDown: true });
    try {
      await apply(one, JSON_FORM);
      const tools = { ...toolsOf(one), box: hurried(one) };
      expect(await failureOf(() => vpn.verify(JSON_FORM, tools))).toMatchObject({ code: "vpn-silent" });
      expect(await vpn.status?.(one.box, image)).toMatchObject({ state: "trouble" });
    } finally {
      await lab.change("vpn", "test", undefined);
    }
    expect(await vpn.verify(JSON_FORM, toolsOf(one))).toEqual([]);
  });
});

describe("a well-formed answer that a box must refuse", () => {
  const pinnedTo = (key: string) =>
    ({
      ...image,
      community: { ...community, vpn: { ...community.vpn, gateways: { gateway: key } } },
    }) as never;
  const right = () => fingerprint(gatewayKey().publicKey);
  const nameServers = () => join(one.root, "etc/resolv.conf");
  beforeAll(async () => {
    await enter(one, GETINCONF);
    writeFileSync(nameServers(), `nameserver ${NEEDED_RANGE}.53\n`);
  });
  afterAll(() => rmSync(nameServers()));

  test.each([
    [
      "a public network",
      "public-network",
      "vpn-range-refused",
      /gives 203\.0\.113\.0\/24; allowed are 10\.0\.0\.0\/8/,
    ],
    [
      "one that holds a name server",
      "needed-network",
      "vpn-range-holds",
      /holds 10\.77\.0\.53, a name server/,
    ],
    [
      "another key of the gateway",
      "other-key",
      "vpn-gateway-key",
      /gives gateway the key [0-9a-f]{16}\.\.\./,
    ],
  ])(
    "with %s is refused by set-up and refresh, and the earlier tunnel stays",
    async (_what, word, code, found) => {
      const before = picture(one);
      const tools = { ...toolsOf(one), image: pinnedTo(right()) };
      await lab.change("rendezvous", "test", { words: [word] });
      try {
        for (const answers of [GETINCONF, JSON_FORM]) {
          expect(await failureOf(() => vpn.apply(answers as never, tools))).toMatchObject({
            code,
            found: expect.stringMatching(found),
          });
          expect(picture(one)).toEqual(before);
        }
        expect(await refreshVpn(one.box, tools.image, { alone: (work) => work() })).toBe("failed");
        expect(await vpn.status?.(one.box, tools.image)).toMatchObject({
          state: "works",
          advice: { key: `status.vpn.${code.replace(/^vpn-/, "")}` },
          data: { range: "10.228.0.0/24", plain_http: true, last_asked: { failed: code } },
        });
      } finally {
        await lab.change("rendezvous", "test", undefined);
        rmSync(join(one.root, "run/community-box"), { recursive: true, force: true });
      }
      expect(await ping("one", "10.228.0.1")).toBe(0);
    },
  );

  test("does not include the key in the community's settings, accepted in both forms", async () => {
    for (const answers of [JSON_FORM, GETINCONF])
      await vpn.apply(answers as never, { ...toolsOf(one), image: pinnedTo(right()) });
    expect(hostFiles(one)).toContain("gateway");
  });
});

test("a route that a peer of a routed VPN claims beyond the network gets no packet", async () => {
  const network = "claims";
  const keys = [await ownKey(one.box, network), await ownKey(two.box, network)] as const;
  const bundle = (name: string, own: number, peer: string, number: number, key: string) => ({
    name,
    address: `10.229.0.${own}/24`,
    mode: "router",
    hosts: [{ name: peer, address: `10.139.40.6${number}`, subnets: [`10.229.0.${number}`], key }],
  });
  const answers = (bundle: object) => ({ join: true, network, bundle }) as unknown as VpnAnswers;
  await apply(one, answers(bundle("a", 1, "b", 2, keys[1].publicKey)));
  await apply(two, answers(bundle("b", 2, "a", 1, keys[0].publicKey)));
  // As its owner may write it into the file of the peer itself.
  const own = join(two.root, "etc/tinc", network, "hosts/b");
  writeFileSync(own, `Subnet = 0.0.0.0/0\nSubnet = 10.139.40.1/32\n${readFileSync(own, "utf8")}`);
  await two.box.run("systemctl", ["restart", `tinc@${network}.service`]);
  expect((await lab.run("two", ["ip", "address", "add", "10.229.0.77/32", "dev", network])).code).toBe(0);
  const reach = async (address: string) =>
    (await lab.run("one", ["ping", "-n", "-q", "-c", "1", "-W", "5", "-I", network, address])).code;
  // Within the network the claim counts, so it was heard.
  await expect.poll(() => reach("10.229.0.77"), { timeout: 180_000 }).toBe(0);
  const routes = (await lab.run("one", ["ip", "-4", "route", "show", "dev", network])).stdout;
  expect(routes.trim()).toMatch(/^10\.229\.0\.0\/24 [^\n]*$/);
  for (const address of ["10.139.40.1", "10.139.40.62"]) {
    const { stdout } = await lab.run("one", ["ip", "-4", "route", "get", address]);
    expect(stdout).toMatch(/ dev (?!claims)\S+/);
  }
  for (const box of [one, two]) await apply(box, { join: false });
});

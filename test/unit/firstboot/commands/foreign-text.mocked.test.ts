// SPDX-License-Identifier: GPL-3.0-or-later
// Every command of the box, with the words of strangers in all that it reads: neighbours, servers, containers, files that
// others have filled. No control sign reaches the terminal, and no line is drawn by them.

import { execFileSync } from "node:child_process";
import { EventEmitter } from "node:events";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { USAGE as CONTEXTS } from "../../../../firstboot/commands/contexts.ts";
import { ending } from "../../../../firstboot/commands/ending.ts";
import { commands as HELP } from "../../../../firstboot/commands/help.ts";
import { COMMANDS, runCommand } from "../../../../firstboot/commands/index.ts";
import { USAGE as SERVICES, VERBS } from "../../../../firstboot/commands/services.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { ownProject } from "../../../../firstboot/services/custom-projects.ts";
import { steps } from "../../../../firstboot/steps/index.ts";
import { type FakeBox, IMAGE } from "../../helpers/fake-box.ts";
import { roomyBox } from "../../helpers/services-box.ts";
import { expectTame, FIRST, FORGED, words } from "../../helpers/stranger.ts";

const now = vi.hoisted(() => ({ box: undefined as unknown }));
vi.mock("../../../../firstboot/host/linux.ts", () => ({ linuxBox: () => now.box }));
vi.mock("../../../../firstboot/host/lock.ts", () => ({
  alone: (work: () => unknown) => work(),
  lockSetup: async () => async () => {},
}));
// A shell inside is the person's own terminal.
vi.mock("node:child_process", async (original) => ({
  ...(await original<typeof import("node:child_process")>()),
  spawn: () => {
    const child = new EventEmitter();
    setImmediate(() => child.emit("exit", 0, null));
    return child;
  },
}));

const RUNS = 3;
const readFileOfPerson = vi.hoisted(() => ({ text: "" }));
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const readFile = (path: string, ...rest: never[]) =>
    path === "/person/answers.yaml"
      ? Promise.resolve(Buffer.from(readFileOfPerson.text))
      : real.readFile(path, ...rest);
  return { ...real, readFile };
});

/** An answers file with the words as values, and as names of fields. Its quotes are those of YAML, too. */
function answersOf(said: string): string {
  const odd = { [said]: said };
  return JSON.stringify({
    version: 1,
    system: { hostname: said, owner: { name: said, ...odd } },
    member: { username: said, password: said, ...odd },
    ...Object.fromEntries(
      steps.filter(({ id }) => !["system", "member"].includes(id)).map(({ id }) => [id, odd]),
    ),
  });
}

/** A box that is set up, in a network of strangers. Whatever fails there says their words. */
function boxAmong(said: string): FakeBox {
  const box = roomyBox();
  const files: Record<string, unknown> = {
    [paths.configured]: {
      configured: "2026-01-01T00:00:00Z",
      warnings: [
        { code: said, step: "vpn" },
        { code: "node-renamed", step: "node", values: { name: said } },
        { code: "member-passed", step: "member", values: { reason: said } },
      ],
    },
    [paths.choices]: { language: "en", owner: said, hostname: said, timezone: said },
    [paths.guifi]: {
      member: { name: said, confirmed_by: "directory" },
      node: { id: 7, name: said },
      device: { id: 9, name: said, address: said },
      former: { node: { id: 8, name: said }, device: { id: 10, name: said } },
    },
    [paths.vpn]: {
      ...{
        network: "guifi",
        name: said,
        address: said,
        mode: "switch",
        rendezvous: "https://vpn.guifi.net/",
      },
      ...{
        mac: said,
        same_address: said,
        waiting_since: said,
        peers: [{ name: said, address: said, inside: said }],
      },
    },
    [paths.vpnAnswer]: { at: said, from: said },
    [paths.vpnAsked]: { at: said, answered: said, failed: said },
    [paths.contexts]: {
      ...{
        cpuPercent: 50,
        pools: "own",
        box: { memoryMib: 2000, cpus: 2, diskMib: 16_000, processes: 9000 },
      },
      ...Object.fromEntries(["host", "owner", "community"].map((id) => [id, PART])),
    },
    [paths.published]: {
      at: said,
      published: [],
      silent: [],
      omitted: [],
      refused: [],
      bytes: 0,
      reason: said,
    },
    [paths.services]: {
      version: 1,
      services: {
        wiki: {
          ...{ state: "on", where: "community", published: true, inputs: {}, facts: {} },
          trouble: { code: "compose-start", what: said },
        },
        "guifi-dns": { state: "on", where: "host", published: false, inputs: { server: 5 }, facts: {} },
        "guifi-graphs": {
          state: "on",
          where: "host",
          published: false,
          inputs: { zone: "54284" },
          facts: {},
        },
      },
    },
    [`${paths.ownServices}/wiki.json`]: projectOf(said),
    [`${paths.serviceSecrets}/wiki.json`]: { password: said },
  };
  for (const [path, content] of Object.entries(files)) box.files.set(path, `${JSON.stringify(content)}\n`);
  box.files.set("/etc/hostname", `${said}\n`);
  box.files.set("/etc/community-box/ca.pem", said);
  box.files.set("/root/wiki/compose.yaml", `services:\n  web:\n    image: ${JSON.stringify(said)}\n`);
  box.files.set("/sys/fs/cgroup/lxc.payload.owner/memory.current", said);
  box.system.contexts.projects.set("community", {});
  box.servers = {
    request: async ({ url }) => ({
      status: url.includes("cnml") || url.includes("auth") ? 200 : 500,
      headers: { "content-type": said },
      body: Buffer.from(answerOf(url, said)),
    }),
    ldapBind: async () => {
      throw new Error(said);
    },
  };
  const own = box.system.run.bind(box.system);
  box.system.run = async (command, args, options) => {
    const line = [command, ...args].join(" ");
    const stdout = SAYS.find(([about]) => about.test(line))?.[1](said);
    if (stdout !== undefined) return { code: 0, stdout, stderr: said };
    const result = await own(command, args, options);
    return { ...result, stderr: result.code === 0 ? "" : said };
  };
  box.system.enabled.add("serf.service");
  box.system.running.add("serf.service");
  return box;
}

const PART = { memoryMib: 700, cpus: 1, diskMib: 5000, processes: 3000, instances: 3 };

function projectOf(said: string): object {
  const plan = { images: [said], ports: [], onHost: [], absent: [], announcedAs: said, said: [] };
  const words = { en: said, ca: said, es: said };
  return { ...ownProject("wiki", plan, []), title: words, description: words };
}

function answerOf(url: string, said: string): string {
  // XML has no other controls than these.
  const xml = said
    .replaceAll(/[\0-\x08\v\f\x0e-\x1f]/g, "")
    .replaceAll(/[\t\r\n<&"]/g, (sign) => `&#${sign.codePointAt(0)};`);
  if (url.includes("/domains")) {
    const master = `<master zone="a.local" contact="${xml}"><host name="${xml}" IPv4="10.1.1.1"/></master>`;
    return `<?xml version="1.0"?>\n<cnml version="0.1"><domains network_domains="domains"><internal>${master}</internal><external></external></domains></cnml>\n`;
  }
  if (url.includes("cnml"))
    return `<cnml><node id="7" title="${xml}"><device id="9" title="${xml}" type="cloudy"/></node></cnml>`;
  return JSON.stringify({ errors: [{ code: 403, str: said, extra: said }], message: said });
}

const tagOf = (said: string) => {
  const service = { s: "syncthing", d: said, m: said, i: "10.1.1.1", p: "80", e: said, t: `node_id=${said}` };
  return execFileSync("bzip2", { input: JSON.stringify([service]) }).toString("base64");
};
/** Of Avahi: a byte each. */
const escaped = (said: string) =>
  [...Buffer.from(said)].map((byte) => `\\${String(byte).padStart(3, "0")}`).join("");

/** What programs answer, by their command line. */
const SAYS: readonly (readonly [RegExp, (said: string) => string])[] = [
  [/^id -u/, () => "0\n"],
  [
    /serf-rpc members/,
    (said) =>
      JSON.stringify({
        members: [{ name: said, addr: "10.9.9.9:5000", status: "alive", tags: { services: tagOf(said) } }],
      }),
  ],
  [
    /^avahi-browse/,
    (said) =>
      `=;guifi;IPv4;${escaped(said)};_http._tcp;local;${escaped(said)};10.1.2.3;80;"a=${escaped(said)}"\n`,
  ],
  [/^ping/, () => "rtt min/avg/max/mdev = 1.000/2.500/3.000/0.500 ms\n"],
  [/^ssh-keygen -l/, (said) => `256 ${said} root@box (ED25519)\n`],
  [/^incus query .*instances\?/, (said) => JSON.stringify([instanceOf(said)])],
  [/journalctl/, (said) => `Jan 01 00:00:00 web[1]: ${said}\n${said}\n`],
  [/docker compose .* logs/, (said) => `web-1  | ${said}\n${said}\n`],
  [/docker compose .* ps/, (said) => `${said.replaceAll(/\s/g, "")} restarting  1\n`],
  [
    /docker compose .* config/,
    (said) => JSON.stringify({ services: { [said]: { image: said, environment: { [said]: null } } } }),
  ],
];

function instanceOf(said: string): object {
  const eth0 = { addresses: [{ family: "inet", address: said, scope: "global" }] };
  const settings = { config: {}, expanded_config: {}, devices: {}, expanded_devices: {} };
  return { name: said, status: said, type: "container", ...settings, state: { network: { eth0 } } };
}

/** What a person types, by what the command line begins with. `quotes`: it shows words of others. */
interface Line {
  readonly words: readonly string[];
  readonly quotes: boolean;
  /** What is different on the box. */
  readonly prepare: (box: FakeBox) => void;
}
const line = (words: string, quotes: boolean, prepare: Line["prepare"] = () => {}): Line => ({
  ...{ words: words.split(" "), quotes, prepare },
});
const converted = (box: FakeBox) => {
  box.files.set(paths.imageInfo, JSON.stringify({ ...IMAGE, converted: true }));
  box.files.delete(paths.configured);
};
/** A project whose first visitor would be its administrator, and whose page does not say that the account is made. */
const unclaimed = (box: FakeBox) => {
  const path = `${paths.ownServices}/wiki.json`;
  const service = JSON.parse(box.files.get(path) ?? "{}");
  const ports = [{ port: 8080, protocol: "tcp", public: true, shared: false }];
  box.files.set(path, JSON.stringify({ ...service, ports, first_account: "visitor", account_made: "/made" }));
  const states = JSON.parse(box.files.get(paths.services) ?? "{}");
  states.services.wiki = { ...states.services.wiki, claimed: false };
  box.files.set(paths.services, JSON.stringify(states));
};
const SINGLE: Readonly<Record<string, readonly Line[]>> = {
  // The consoles of the set-up: foreign-text-console.
  firstboot: [line("firstboot", false)],
  setup: [
    line("setup --answers /person/answers.yaml", false),
    line("setup --answers /person/answers.yaml", true, converted),
  ],
  status: [line("status", true), line("status --json", true)],
  system: [line("system", true), line("system --json", true)],
  network: [line("network", false), line("network --json", false)],
  member: [line("member", true), line("member --json", true)],
  node: [line("node", true), line("node --json", true)],
  "node leave": [line("node leave --yes --answers /person/answers.yaml", true), line("node leave", true)],
  vpn: [line("vpn", true), line("vpn --json", true)],
  "vpn refresh": [line("vpn refresh", false)],
  contexts: [line("contexts", true), line("contexts --json", true)],
  "contexts resize community": [line("contexts resize community --memory 300", false)],
  "contexts enter owner": [line("contexts enter owner", false)],
  "contexts enter community": [line("contexts enter community", false)],
  "contexts walls": [line("contexts walls", false), line("contexts walls --json", false)],
  "contexts walls open": [line("contexts walls open 192.168.1.0/24", false)],
  "contexts walls close": [line("contexts walls close 192.168.1.0/24", false)],
  "contexts walls forward on": [line("contexts walls forward on", false)],
  "contexts walls forward off": [line("contexts walls forward off", false)],
  "contexts sliver create": [line("contexts sliver create a", true)],
  "contexts sliver list": [line("contexts sliver list", true), line("contexts sliver list --json", true)],
  "contexts sliver enter": [line("contexts sliver enter a", true)],
  "contexts sliver remove": [line("contexts sliver remove a", true)],
  services: [line("services", true), line("services --json", true)],
  "services enable": [line("services enable wiki", true)],
  "services disable": [line("services disable wiki", false)],
  "services start": [line("services start wiki", false)],
  "services stop": [line("services stop wiki", false)],
  "services publish": [line("services publish wiki", true)],
  "services unpublish": [line("services unpublish wiki", true)],
  "services claim": [
    line("services claim wiki", true),
    line("services claim wiki", true, unclaimed),
    line("services claim wiki --yes", true, unclaimed),
  ],
  "services log": [line("services log wiki", true)],
  "services secret": [line("services secret wiki", false)],
  "services upgrade": [line("services upgrade wiki", true)],
  "services remove-data": [
    line("services remove-data wiki", true),
    line("services remove-data wiki --yes", true),
  ],
  "services spread": [line("services spread wiki", true)],
  "services compose add": [line("services compose add /root/wiki", true)],
  "services compose remove": [line("services compose remove wiki", false)],
  search: [line("search", true), line("search --json", true), line("search --join 10.1.1.1:80", true)],
  publish: [line("publish", true)],
  reset: [line("reset --all", true), line("reset --keep-data --yes", false)],
  help: [line("help", false)],
  "guifi-dns": [line("guifi-dns", true)],
  "guifi-graphs": [line("guifi-graphs", false)],
};
/** Those of every step; what it quotes of others is said above. */
const OF_STEPS: typeof SINGLE = Object.fromEntries(
  steps.flatMap(({ id }) => [
    [id, SINGLE[id] ?? [line(id, false), line(`${id} --json`, false)]],
    [`${id} setup`, [line(`${id} setup --answers /person/answers.yaml`, true)]],
  ]),
);
const LINES = { ...SINGLE, ...OF_STEPS };

/** "services disable|start ID": what may be typed, without what is the person's own. */
function beginnings(syntax: string): string[] {
  let all = [""];
  for (const word of syntax.replace(/ \[list\]/, "").split(" ")) {
    if (!/^[a-z-]+(\|[a-z-]+)*$/.test(word) || word.startsWith("-")) break;
    all = all.flatMap((begun) => word.split("|").map((each) => `${begun} ${each}`.trim()));
  }
  return all;
}

const usages = `${CONTEXTS}${SERVICES}`
  .split("\n")
  .flatMap((text) => /^(?:usage:)? +cbox (.*)$/.exec(text)?.[1] ?? []);
const verbs = Object.keys(VERBS).map((verb) => `services ${verb}`);
const syntaxes = [...HELP.flatMap(({ syntax }) => syntax), ...usages, ...Object.keys(COMMANDS), ...verbs];

const printed: string[] = [];
beforeEach(() => {
  const keep = (text: unknown) => void printed.push(String(text).replace(/\n$/, ""));
  vi.spyOn(console, "log").mockImplementation(keep);
  vi.spyOn(console, "error").mockImplementation(keep);
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    keep(text);
    return true;
  });
  vi.spyOn(process as { getuid: () => number }, "getuid").mockReturnValue(0);
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = 0;
});

async function typed({ words, prepare }: Line, said: string): Promise<string> {
  printed.length = 0;
  const box = boxAmong(said);
  prepare(box);
  now.box = box;
  readFileOfPerson.text = answersOf(said);
  try {
    await runCommand(words);
  } catch (error) {
    printed.push(ending(error).text.trimEnd());
  }
  return printed.join("\n");
}

test("every command of the box is tested with text from outside", () => {
  const typedSomewhere = new Set(syntaxes.flatMap(beginnings));
  // What is followed by more words alone.
  for (const begun of ["contexts sliver", "services compose"]) typedSomewhere.delete(begun);
  expect(Object.keys(LINES).sort()).toEqual([...typedSomewhere].sort());
});

describe.each(Object.entries(LINES))("cbox %s", (_name, lines) => {
  test.each(lines.map((each) => [each.words.join(" "), each] as const))(
    "shows text from outside only quoted: %s",
    async (text, typedLine) => {
      let hasQuoted = false;
      await fc.assert(
        fc.asyncProperty(words, async (said) => {
          const shown = await typed(typedLine, said);
          expectTame(shown, text);
          // Of a test that is not fit for its command.
          expect(shown).not.toMatch(/TypeError|ReferenceError|RangeError/);
          // Of what a program said, the last line may be all that is shown.
          hasQuoted ||= shown.includes(FIRST) || shown.includes(FORGED);
        }),
        { numRuns: RUNS },
      );
      expect(hasQuoted, "shows words of others").toBe(typedLine.quotes);
    },
  );

  test.each(lines.map((each) => [each.words.join(" "), each] as const))(
    "does not wrap a line so that text from outside begins the next one: %s",
    async (_text, typedLine) => {
      // Wherever the lines end, one of these shifts has the forged words at the beginning of the next.
      const forged = Array.from({ length: 12 }, () => FORGED).join(" ");
      for (let shift = 1; shift <= FORGED.length; shift++)
        expectTame(await typed(typedLine, `${"x".repeat(shift)} ${forged}`), typedLine.words.join(" "));
    },
  );

  test.each(lines.map((each) => [each.words.join(" "), each] as const))(
    "keeps its own line breaks: %s",
    async (_text, typedLine) => {
      const shown = await typed(typedLine, FIRST);
      expect(shown).not.toContain("\\u000a");
      if (typedLine.words.includes("--json") && !shown.startsWith("error:"))
        expect(JSON.parse(shown)).toBeTruthy();
    },
  );
});

// SPDX-License-Identifier: GPL-3.0-or-later
// Every command of ./cbox with the words of strangers in all that it reads: disks, profiles, answers, lists, services, what
// boxes say in the lab, what programs said. No control sign reaches the terminal, and no line is drawn by them.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createProgram, main } from "../../../image/cli.ts";
import { createSession } from "../../../image/host/session.ts";
import { scaffold } from "../../../image/services/scaffold.ts";
import { temporaryDirectory } from "../../temporary.ts";
import { expectTame, FIRST, FORGED, words } from "../helpers/stranger.ts";

const now = vi.hoisted(() => ({ said: "" }));
vi.mock("../../../image/flash/disks.ts", async (original) => {
  const real = await original<typeof import("../../../image/flash/disks.ts")>();
  const device = (name: string) => ({ name, path: `/dev/${name}`, type: "disk", size: 32e9, rm: true });
  const readDisks = async () => {
    const { said } = now;
    const children = [{ ...device("sdx1"), type: "part", fstype: said, label: said, mountpoints: [said] }];
    const disk = { ...device("sdx"), vendor: said, model: said, tran: said, children };
    return real.parseDisks(JSON.stringify({ blockdevices: [disk] }));
  };
  return { ...real, readDisks };
});
vi.mock("../../../image/doctor/index.ts", async (original) => ({
  ...(await original<typeof import("../../../image/doctor/index.ts")>()),
  requireChecks: async () => {},
  runChecks: async () => [
    {
      check: { title: now.said, neededFor: ["build"] },
      finding: { ok: false, detail: now.said, cure: now.said },
    },
  ],
}));
vi.mock("../../../image/build.ts", () => ({
  build: async () => ({ reasons: new Map([[now.said, [now.said]]]), built: true }),
}));
vi.mock("../../../image/lab-root.ts", () => ({ labRoot: async () => "/root" }));
vi.mock("../../lab/lab.ts", () => ({
  DEFAULT_LAB: "lab",
  findLab: () => ({ name: "lab" }),
  labUp: async () => ({ name: "lab" }),
  labDown: async () => true,
}));
vi.mock("../../lab/record.ts", () => ({
  readRecord: () => ({ servers: [{ host: "ldap", changes: { [now.said]: 1 } }] }),
}));
vi.mock("../../lab/leases.ts", () => ({
  leases: () => [{ address: now.said, mac: now.said, name: now.said }],
}));
vi.mock("../../lab/readers/index.ts", () => ({
  READERS: [{ name: "members", title: "members" }],
  readAll: async () => ({ members: [{ member: now.said, services: now.said }] }),
}));
vi.mock("../../lab/faults/index.ts", () => ({
  FAULTS: [{ name: "dns", description: "no names" }],
  activeFaults: () => ["dns"],
  fault: async () => {},
}));

const RUNS = 3;
/** Each of these bundles the box's own check and starts it. */
const SLOW = /^answers (check|merge)/;
/** What is typed after the name, `DIR` being a folder of files that strangers have filled, and `SAID` their words. */
type Line = readonly [words: string, quotes: boolean];
const LINES: Readonly<Record<string, readonly Line[]>> = {
  profiles: [
    ["profiles --profiles DIR/profiles", true],
    ["profiles --json --profiles DIR/profiles", true],
  ],
  "profile show": [
    ["profile show odd --profiles DIR/profiles", true],
    ["profile show odd --json --profiles DIR/profiles", true],
    ["profile show odd --origin --profiles DIR/profiles", true],
    ["profile show odd --origin --json --profiles DIR/profiles", true],
    ["profile show SAID", true],
  ],
  doctor: [["doctor", true]],
  build: [
    ["build vm-amd64 --explain", true],
    ["build vm-amd64 --out DIR/out", true],
    ["build odd --community DIR/community.yaml --profiles DIR/profiles", true],
  ],
  boot: [["boot vm-amd64 --image DIR/SAID.img", true]],
  flash: [
    ["flash vm-amd64", true],
    ["flash vm-amd64 --json", true],
    ["flash DIR/SAID.img DIR/disk", true],
    ["flash DIR/odd.img DIR/disk --answers DIR/answers.yaml", true],
    ["flash DIR/odd.img DIR/disk --ca DIR/answers.yaml", true],
  ],
  answers: [["answers --fleet DIR/boxes.csv --base DIR/base.yaml --out DIR/files", true]],
  "answers new": [
    ["answers new", false],
    ["answers new --profile SAID", true],
  ],
  "answers check": [
    ["answers check DIR/answers.yaml", true],
    ["answers check DIR/broken.yaml", true],
    ["answers check DIR/SAID.yaml", true],
  ],
  "answers merge": [
    ["answers merge DIR/base.yaml DIR/answers.yaml", true],
    ["answers merge DIR/noted.yaml DIR/base.yaml", true],
  ],
  "steps new": [["steps new SAID", true]],
  "services list": [
    ["services list", false],
    ["services list --json", false],
  ],
  "services new": [["services new SAID", true]],
  "services check": [
    ["services check DIR/odd", true],
    ["services check DIR/SAID", true],
  ],
  "services digests": [
    ["services digests DIR/my-wiki", true],
    ["services digests --check DIR/my-wiki", true],
    ["services digests --image SAID DIR/my-wiki", true],
    ["services digests DIR/odd", true],
  ],
  "lab up": [["lab up", true]],
  "lab down": [["lab down --name SAID", true]],
  "lab status": [["lab status", true]],
  "lab show": [
    ["lab show", true],
    ["lab show --json", true],
  ],
  "lab fault": [["lab fault", false]],
};
/** These say sentences of their own; the rest of the terminal belongs to a guest, or to a program that they start. */
const OWN = ["demo", "test", "bench"];

let dir = "";
const printed: string[] = [];
beforeEach(() => {
  const keep = (text: unknown) => {
    printed.push(String(text).replace(/\n$/, ""));
    return true;
  };
  vi.spyOn(console, "log").mockImplementation(keep);
  vi.spyOn(console, "error").mockImplementation(keep);
  vi.spyOn(process.stdout, "write").mockImplementation(keep);
  vi.spyOn(process.stderr, "write").mockImplementation(keep);
  dir = mkdtempSync(join(tmpdir(), "cbox-strangers-"));
  vi.stubEnv("XDG_CACHE_HOME", join(dir, "cache"));
  vi.stubEnv("CBOX_PROFILES", "");
  // A registry, and whoever stands before it.
  vi.stubGlobal("fetch", async () => {
    throw new TypeError("fetch failed", { cause: new Error(now.said) });
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  rmSync(dir, { recursive: true });
  process.exitCode = 0;
});

function fill(said: string): void {
  const odd = { [said]: said };
  const files: Record<string, unknown> = {
    "profiles/odd.yaml": { extends: "vm-amd64", title: said },
    "profiles/broken.yaml": { extends: said, title: said, ...odd },
    "community.yaml": odd,
    "answers.yaml": { version: 1, system: { hostname: said, owner: { name: said, ...odd } }, ...odd },
    "noted.yaml": `# ${said.replaceAll(/[\n\r\v\f\x85\u2028\u2029]/g, " ")}\nversion: 1\n`,
    "broken.yaml": `a: [${said}`,
    "base.yaml": BASE,
    "boxes.csv": `system.hostname,${JSON.stringify(said)}\n"${said}",x\n`,
    "odd/service.yaml": { id: "odd", title: { en: said, ca: said, es: said }, ...odd },
    "odd.img": said,
    ...Object.fromEntries(
      Object.entries(scaffold("my-wiki", "compose")).map(([name, text]) => [`my-wiki/${name}`, text]),
    ),
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(dir, name, ".."), { recursive: true });
    writeFileSync(join(dir, name), typeof content === "string" ? content : JSON.stringify(content));
  }
}

const BASE = `version: 1
system:
  language: en
  hostname: can-bruixa
  owner: { name: anna, password: four wet goats sing }
`;

async function typed(text: string, said: string): Promise<string> {
  now.said = said;
  fill(said);
  printed.length = 0;
  Object.assign(process.stdout, { isTTY: true });
  try {
    await main(text.split(" ").map((word) => word.replace("DIR", dir).replace("SAID", said)));
  } finally {
    Object.assign(process.stdout, { isTTY: false });
  }
  return printed.join("\n");
}

/** "services check": every command that does something, from the program itself. */
function leaves(command: Command, before: readonly string[] = []): string[] {
  return command.commands.flatMap((each) => {
    const path = [...before, each.name()];
    const below = leaves(each, path);
    // `answers` does something by itself, too.
    const isOne = below.length === 0 || path.join(" ") === "answers";
    return [...(isOne ? [path.join(" ")] : []), ...below];
  });
}

test("every command of ./cbox is tested with text from outside", () => {
  expect([...Object.keys(LINES), ...OWN].sort()).toEqual(leaves(createProgram()).sort());
});

describe.each(Object.entries(LINES))("./cbox %s", (_name, lines) => {
  test.each(lines)("shows text from outside only quoted: %s", async (text, quotes) => {
    let hasQuoted = false;
    await fc.assert(
      fc.asyncProperty(words, async (said) => {
        const shown = await typed(text, said);
        expectTame(shown, text);
        expect(shown).not.toMatch(/TypeError|ReferenceError|internal-error/);
        hasQuoted ||= shown.includes(FIRST) || shown.includes(FORGED);
      }),
      { numRuns: SLOW.test(text) ? 1 : RUNS },
    );
    expect(hasQuoted, "shows words of others").toBe(quotes);
  });
});

test("a build shows the output of programs on one status line", async () => {
  await fc.assert(
    fc.asyncProperty(words, async (said) => {
      const shown: string[] = [];
      const output = { isTTY: true, columns: 200, write: (text: string) => shown.push(text) > 0 };
      const session = createSession({ logDirectory: temporaryDirectory(), output: output as never });
      await session.stage("test", "a stage", async () => {
        session.note(said);
        session.say(said);
      });
      const text = shown.join("").replaceAll("\r\x1b[K", "\n");
      expectTame(text, "the status line");
      expect(text).toContain("forged");
    }),
    { numRuns: RUNS },
  );
});

// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox services new` and `check`: a scaffold is right but for the words that are still to be written, and every mistake
// is a sentence that names its field.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { parse, stringify } from "yaml";
import { readCatalogue, readService } from "../../../../common/catalogue.ts";
import { SERVICES_COMMANDS } from "../../../../image/commands/services.ts";
import { SERVICES } from "../../../../image/host/paths.ts";
import { loadCommunity } from "../../../../image/profile/index.ts";
import { lint, lintComments, lintShell } from "../../../../image/services/lint.ts";
import { lintPackages } from "../../../../image/services/packages.ts";
import { failureOf } from "../../../failure-of.ts";
import { temporaryDirectory } from "../../../temporary.ts";

const community = loadCommunity("guifi");
const catalogue = readCatalogue(SERVICES);
let dir: string;

beforeEach(() => {
  dir = join(temporaryDirectory(), "services");
  mkdirSync(dir, { recursive: true });
  vi.spyOn(console, "log").mockImplementation(() => {});
  // No lists of packages: what builds on this machine have fetched plays no part.
  vi.stubEnv("XDG_CACHE_HOME", join(dir, "no-cache"));
  return () => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  };
});

it.each(catalogue.map((service) => [service.id, service] as const))(
  "%s has no mistakes",
  async (id, service) => {
    const others = catalogue.filter((other) => other.id !== id);
    expect(await lint(service, others, community)).toEqual([]);
  },
);

/** Writes a scaffold, its own words put in, with these changes. */
async function written(
  kind: "packages" | "compose",
  changes: object = {},
  files: Record<string, string> = {},
) {
  await SERVICES_COMMANDS.new("my-wiki", { dir, compose: kind === "compose" });
  const folder = join(dir, "my-wiki");
  const path = join(folder, "service.yaml");
  const words = { en: "A wiki for all of us.", ca: "Un wiki per a tothom.", es: "Un wiki para todas." };
  const service = parse(readFileSync(path, "utf8")) as object;
  // Without the scaffold's comments.
  writeFileSync(path, stringify({ ...service, description: words, ...changes }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const mistakesIn = async (...scaffold: Parameters<typeof written>) => {
  await written(...scaffold);
  return lint(readService(dir, "my-wiki"), catalogue, community);
};

describe("a new service", () => {
  it.each(["packages", "compose"] as const)("on %s lacks only its descriptions", async (kind) => {
    await SERVICES_COMMANDS.new("my-wiki", { dir, compose: kind === "compose" });
    expect(await lint(readService(dir, "my-wiki"), catalogue, community)).toEqual(
      ["en", "ca", "es"].map(
        (each) => `description.${each}: expected your own words, found those of the scaffold`,
      ),
    );
    expect(await failureOf(() => SERVICES_COMMANDS.check([join(dir, "my-wiki")]))).toMatchObject({
      code: "service-invalid",
      message: "There are 4 mistakes.",
      found: expect.stringContaining("service.yaml:3: expected your own words in the comment"),
    });
  });

  it.each(["packages", "compose"] as const)(
    "on %s is right when its descriptions are written",
    async (kind) => {
      await SERVICES_COMMANDS.check([await written(kind)]);
      expect(console.log).toHaveBeenLastCalledWith("my-wiki is right.");
    },
  );

  it("does not overwrite a folder, and refuses invalid names", async () => {
    await SERVICES_COMMANDS.new("my-wiki", { dir });
    expect((await failureOf(() => SERVICES_COMMANDS.new("my-wiki", { dir }))).code).toBe("service-exists");
    expect((await failureOf(() => SERVICES_COMMANDS.new("My Wiki", { dir }))).code).toBe("service-name");
  });
});

const file = (text: string) => ({ "compose.yaml.hbs": text });
const project = (part: object) => file(stringify({ services: { web: part } }));
const PORT = { port: 8099, protocol: "tcp", public: true };
const english = "The wiki of the whole community.";

it.each([
  ["", [expect.stringMatching(/^my-wiki\.service\.hbs: expected the line \{\{> sandbox\}\}/)]],
  ["{{> sandbox}}", []],
  ["# No sandbox: it configures the whole system.", []],
])("a unit has a sandbox, or a reason for none: %j", async (line, expected) => {
  const unit = { template: "my-wiki.service.hbs", target: "/etc/systemd/system/my-wiki.service" };
  const text = `[Service]\n${line}\nExecStart=/usr/bin/my-wiki\n`;
  const settings = { template: "settings.conf.hbs", target: "/etc/my-wiki.conf" };
  const changes = { files: [settings, unit] };
  expect(await mistakesIn("packages", changes, { "my-wiki.service.hbs": text })).toEqual(expected);
});

describe("a mistake is reported with its field:", () => {
  it.each([
    [
      "a port of another service",
      { ports: [{ ...PORT, port: 3128 }] },
      {},
      /^ports: tcp\/3128 .*"guifi-proxy"/,
    ],
    ["a port of the box", { ports: [{ ...PORT, port: 22 }] }, {}, /^ports: tcp\/22 belongs to the box's SSH/],
    ["a port twice", { ports: [PORT, PORT] }, {}, /^ports: .*found tcp\/8099 again/],
    [
      "a port of no input",
      { ports: [{ ...PORT, port: "inputs.prot" }] },
      {},
      /^ports: inputs\.prot is not the name/,
    ],
    [
      "a template's variable",
      {},
      { "settings.conf.hbs": "{{inputs.welcom}}" },
      /^settings\.conf\.hbs: .*welcom.*may name/,
    ],
    [
      "a helper's variable",
      {},
      { "settings.conf.hbs": "a=1\nb={{shell inputs.welcom}}" },
      /^settings\.conf\.hbs: .*"\{\{shell inputs\.welcom\}\}" in line 2 .*may name/,
    ],
    ["a template's form", {}, { "settings.conf.hbs": "{{#if x}}" }, /^settings\.conf\.hbs: /],
    [
      "a step's variable",
      { activate: [{ run: ["true", "{{secrets.pasword}}"] }] },
      {},
      /^activate\[0\]\.run: .*pasword/,
    ],
    [
      "no translation",
      { description: { en: english, ca: english, es: "x" } },
      {},
      /^description\.ca: expected a translation/,
    ],
    [
      "pairs joined by a space",
      { publication: { type: "wiki", description: "Wiki", txt: "a=1 b={{box.hostname}}" } },
      {},
      /^publication\.txt: expected no white space .* joined by "&", found "a=1 b=can-bruixa"$/,
    ],
    [
      "an apostrophe in what is announced",
      { publication: { type: "wiki", description: "Wiki", txt: "name=l'Anna" } },
      {},
      /^publication\.txt: .* found "name=l'Anna"$/,
    ],
    [
      "nobody said to whom the administrator's account goes",
      { first_account: undefined },
      {},
      /^first_account: expected none, made or visitor, since others reach tcp\/8099/,
    ],
    ["a long title", { title: { en: "x".repeat(31), ca: "x", es: "x" } }, {}, /^title: expected at most 30/],
  ])("%s", async (_what, changes, files, sentence) => {
    const mistakes = await mistakesIn("packages", changes, files as Record<string, string>);
    expect(mistakes).toEqual([expect.stringMatching(sentence)]);
  });

  it.each([
    [
      "an image of no version",
      project({ image: "wiki", ports: ["8099:80"] }),
      /services\.web\.image: expected a version/,
    ],
    [
      "a digest that is none",
      project({ image: "wiki:1@sha256:5a5a", ports: ["8099:80"] }),
      /services\.web\.image: expected sha256: and 64 hexadecimal digits after "@", .*, found sha256:5a5a$/,
    ],
    [
      "a digest of another kind",
      project({ image: `wiki:1@md5:${"5a".repeat(32)}`, ports: ["8099:80"] }),
      /services\.web\.image: expected sha256: .*, found md5:/,
    ],
    [
      "no digest after its sign",
      project({ image: "wiki:1@", ports: ["8099:80"] }),
      /services\.web\.image: expected sha256: .*, found nothing$/,
    ],
    [
      "a digest without a version beside it",
      project({ image: `wiki@sha256:${"5a".repeat(32)}`, ports: ["8099:80"] }),
      /services\.web\.image: expected a version, such as wiki:1\.2\.3, found wiki@sha256/,
    ],
    [
      "an image's name from a template, beside which no digest can be written",
      project({ image: "{{service.id}}:1", ports: ["8099:80"] }),
      /services\.web\.image: expected a line of its own/,
    ],
    ["the latest image", project({ image: "wiki:latest", ports: ["8099:80"] }), /found wiki:latest/],
    [
      "a port at one address inside, where clients do not come to by their own",
      project({ image: "w:1", ports: ["127.0.0.1:8099:80"] }),
      /services\.web\.ports: expected "8099:80", found "127/,
    ],
    [
      "a range",
      project({ image: "w:1", ports: ["8099-8100:80-81"] }),
      /services\.web\.ports: expected "8080:80", found "8099-/,
    ],
    [
      "a port that is not said",
      project({ image: "w:1", ports: ["8099:80", "8098:81"] }),
      /^ports: expected tcp\/8098, too/,
    ],
    [
      "a port that is not published",
      project({ image: "w:1" }),
      /^ports: tcp\/8099 is published by no service/,
    ],
    ["no services", file("volumes: {}\n"), /expected services/],
    ["no YAML", file("services: ["), /^compose\.yaml\.hbs: /],
  ])("compose: %s", async (_what, files, sentence) => {
    expect((await mistakesIn("compose", {}, files)).join("\n")).toMatch(sentence);
  });

  it("compose: an image without a digest, while one with a digest is right", async () => {
    const ports = ["8099:80"];
    const pinned = project({ image: `registry.example.net:5000/w:1@sha256:${"5a".repeat(32)}`, ports });
    const folder = await written("compose", {}, pinned);
    const sentences = async () => {
      vi.mocked(console.log).mockClear();
      await SERVICES_COMMANDS.check([folder]);
      return vi.mocked(console.log).mock.calls.flat();
    };
    expect(await sentences()).toEqual(["my-wiki is right."]);
    writeFileSync(join(folder, "compose.yaml.hbs"), project({ image: "w:1", ports })["compose.yaml.hbs"]);
    expect(await sentences()).toEqual([
      "my-wiki: w:1 has no digest, so boxes take whatever that tag points to on the day: ./cbox services digests records it.",
      "my-wiki is right.",
    ]);
  });

  it("compose: a port that is open before its owner has claimed it", async () => {
    const visitor = { first_account: "visitor" };
    const right = project({ image: "w:1", ports: ["{{service.bind}}8099:80"] });
    const folder = await written("compose", visitor, right);
    const check = () => lint(readService(dir, "my-wiki"), catalogue, community);
    expect(await check()).toEqual([]);
    const wrong = project({ image: "w:1", ports: ["8099:80"] });
    writeFileSync(join(folder, "compose.yaml.hbs"), wrong["compose.yaml.hbs"]);
    expect((await check()).join()).toMatch(
      /services\.web\.ports: expected "\{\{service\.bind\}\}8099:80" for first_account: visitor, found "8099:80"/,
    );
  });

  it("an empty folder", async () => {
    expect(await failureOf(() => SERVICES_COMMANDS.check([dir]))).toMatchObject({
      code: "service-missing",
      found: "expected a file service.yaml",
    });
  });
});

it("services list prints the catalogue, for people and as JSON", async () => {
  await SERVICES_COMMANDS.list({ json: true });
  const listed = JSON.parse(String(vi.mocked(console.log).mock.calls[0]?.[0])) as { id: string }[];
  expect(listed.map(({ id }) => id)).toEqual(catalogue.map(({ id }) => id));
});

describe("a comment that still has to be written", () => {
  it.each([
    ["in YAML", "service.yaml", "id: x\n# WRITE: why\n", 2],
    ["behind a value", "service.yaml", "priority: 5 # WRITE: why\n", 1],
    ["of a template", "page.hbs", "a\n\n{{! WRITE: what for }}\n", 3],
  ])("%s is found with its line", (_where, name, text, line) => {
    expect(lintComments({ [name]: text })).toEqual([
      `${name}:${line}: expected your own words in the comment, found those of the scaffold`,
    ]);
  });

  it("is not confused with a setting of that name", () => {
    expect(lintComments({ "a.hbs": "WRITE: yes\nroot WRITE: no\n" })).toEqual([]);
  });
});

describe("the packages of a service", () => {
  const service = (...packages: string[]) => ({ packages, architectures: ["amd64" as const] });
  let locks: string;
  let lists: string;

  beforeEach(() => {
    [locks, lists] = [join(dir, "locks"), join(dir, "apt")];
    mkdirSync(locks);
    const pin = { name: "snmpd", version: "1", architecture: "amd64" };
    for (const architecture of ["amd64", "arm64"])
      writeFileSync(
        join(locks, `trixie-${architecture}.lock`),
        JSON.stringify({ release: "trixie", architecture, epoch: 1, sets: {}, packages: { snmpd: pin } }),
      );
  });

  /** APT's state as a build leaves it, with lists of these packages. */
  function fetched(...names: string[]): void {
    const state = join(lists, "trixie-amd64");
    for (const each of ["lists/partial", "cache", "archive"])
      mkdirSync(join(state, each), { recursive: true });
    const stanza = (name: string) =>
      `Package: ${name}\nVersion: 1\nArchitecture: amd64\nFilename: x\nProvides: virtual-${name}\n`;
    writeFileSync(join(state, "archive/Packages"), names.map(stanza).join("\n"));
    writeFileSync(join(state, "status"), "");
    writeFileSync(join(state, "sources.list"), `deb [trusted=yes] file:${state}/archive ./\n`);
    const settings = {
      ...{ "Dir::State": state, "Dir::State::status": `${state}/status`, "Dir::Cache": `${state}/cache` },
      ...{ "Dir::Etc::sourcelist": `${state}/sources.list`, "Dir::Etc::sourceparts": `${state}/none` },
      "APT::Architecture": "amd64",
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
    writeFileSync(join(state, "apt.conf"), lines.join(""));
    execFileSync("apt-get", ["update", "-qq"], {
      env: { ...process.env, APT_CONFIG: join(state, "apt.conf") },
    });
  }

  it("are found in the lock, or in the package lists of a build", async () => {
    fetched("my-wiki");
    expect(await lintPackages(service("snmpd", "my-wiki"), { locks, lists })).toEqual({
      ...{ mistakes: [], unchecked: [] },
    });
  });

  it.each([["my-wikii"], ["virtual-my-wiki"]])("do not include %s, which Debian lacks", async (name) => {
    fetched("my-wiki");
    expect(await lintPackages(service("my-wiki", name), { locks, lists })).toEqual({
      mistakes: [`packages: Debian trixie for amd64 has no package "${name}"`],
      unchecked: [],
    });
  });

  it("are reported as unchecked where there is no list", async () => {
    expect(await lintPackages(service("snmpd", "my-wikii"), { locks, lists })).toEqual({
      mistakes: [],
      unchecked: [
        expect.stringMatching(/^packages: my-wikii not looked for in Debian trixie for amd64: no list/),
      ],
    });
    await SERVICES_COMMANDS.check([await written("packages")]);
    expect(console.log).toHaveBeenCalledWith(
      expect.stringMatching(/^my-wiki: packages: my-wiki not looked for/),
    );
  });
});

describe("shell scripts that run foreign text", () => {
  it.each([
    ['. "$member"', 'a file below /usr after "."'],
    ["\tsource /var/lib/etcd/member.env", 'a file below /usr after "source"'],
    ['if true; then eval "$said"; fi', 'no "eval"'],
    ["(. ./settings)", 'a file below /usr after "."'],
    [". /usr/../var/lib/etcd/member.env", 'a file below /usr after "."'],
    ['. "/usr/lib/$name"', 'a file below /usr after "."'],
    ['. /usr/lib/functions; . "$member"', 'a file below /usr after "."'],
  ])("are refused: %s", async (line, expected) => {
    const script = `#!/bin/sh\nset -eu\n${line}\n`;
    const found = `expected ${expected}, since the shell runs whatever it reads there; found ${JSON.stringify(line.trim())}`;
    expect(lintShell("start.hbs", script)).toEqual([`start.hbs:3: ${found}`]);
    const files = [
      { template: "settings.conf.hbs", target: "/etc/my-wiki/settings.conf" },
      { template: "start.hbs", target: "/usr/local/sbin/my-wiki", mode: "0755" },
    ];
    expect(await mistakesIn("packages", { files }, { "start.hbs": script })).toContain(
      `start.hbs:3: ${found}`,
    );
  });

  it.each([
    ". /usr/lib/community-box/functions",
    "(. /usr/lib/community-box/functions; begin)",
    "# Do not eval this.",
    "cp . /tmp",
    "find . -name x",
    "echo 'retrieval of data'",
  ])("do not include %s", (line) => {
    expect(lintShell("start.hbs", `#!/bin/bash\n${line}\n`)).toEqual([]);
  });

  it("do not exist in the image", () => {
    const overlays = join(SERVICES, "..");
    const scripts = readdirSync(overlays, { recursive: true, encoding: "utf8", withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path, readFileSync(path, "latin1")] as const)
      .filter(([, text]) => text.startsWith("#!"));
    expect(scripts.length).toBeGreaterThan(10);
    expect(scripts.flatMap(([path, text]) => lintShell(path, text))).toEqual([]);
  });
});

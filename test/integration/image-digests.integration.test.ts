// SPDX-License-Identifier: GPL-3.0-or-later
// `./cbox services digests` with real registries over TLS: one that is open, one that gives tokens to everybody, and one
// where people sign in.
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { labRoot } from "../../image/lab-root.ts";
import type { LabHost } from "../lab/host.ts";
import { registry } from "../lab/hosts/registry.ts";
import { type Lab, labDown, labUp } from "../lab/lab.ts";
import { bundleProgram } from "../lab/program.ts";
import { cboxInLab } from "./cbox-in-lab.ts";
import { community } from "./service-lab.ts";

const NAME = "digeststest";
const OPEN = "10.139.40.90";
const NAMES = {
  "open.lab": OPEN,
  "hub.lab": "10.139.40.91",
  "members.lab": "10.139.40.92",
  "tokens.lab": "10.139.40.93",
};
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const top = join(tmpdir(), `cbox-${NAME}`);
let lab: Lab;
/** By NAME:TAG without the registry. */
const pushed = new Map<string, string>();

beforeAll(async () => {
  rmSync(top, { recursive: true, force: true });
  await labDown(NAME);
  const token = [
    ...["auth:", "  token:", "    realm: https://tokens.lab/token", "    service: hub.lab"],
    ...["    issuer: lab", "    rootcertbundle: /srv/ca.crt", ""],
  ];
  const signIn = ["auth:", "  htpasswd: { realm: members, path: /srv/people }", ""];
  lab = await labUp({
    name: NAME,
    root: await labRoot(),
    community,
    hosts: [
      { name: "client", address: "10.139.40.80" },
      registry("open", OPEN),
      closed(registry("hub", NAMES["hub.lab"]), token),
      closed(registry("members", NAMES["members.lab"]), signIn),
      tokens(NAMES["tokens.lab"]),
    ],
  });
  for (const name of ["community/wiki", "members/wiki"]) {
    await pushIndex(`${name}:1.0`, "first");
    await pushManifest(`${name}:2.0`, "one architecture");
  }
  for (const host of ["hub", "members"])
    cpSync(images("open"), images(host), { recursive: true, force: true });
});

afterAll(async () => {
  await lab?.down();
  rmSync(top, { recursive: true, force: true });
});

const images = (host: string) => join(lab.place(host).directory, "images");

function closed(host: LabHost, lines: readonly string[]): LabHost {
  return {
    ...host,
    server: async (...given) => {
      const server = await host.server!(...given);
      const config = `${server.files?.["config.yml"]}${lines.join("\n")}`;
      return { ...server, files: { ...server.files, "config.yml": config, people: "" } };
    },
  };
}

function tokens(address: string): LabHost {
  return {
    ...{ name: "tokens", address },
    server: async () => ({
      command: ["node", "/srv/tokens.mjs"],
      files: { "tokens.mjs": await bundleProgram("test/lab/programs/tokens.ts") },
      tls: ["tokens.lab"],
      ready: /tokens are ready/,
    }),
  };
}

const digestOf = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;

/** $1 address of the image, $2 bytes of a blob and $3 their digest, $4 tag or digest of a manifest, $5 its type, $6 itself. */
const PUSH = `
curl="curl --silent --show-error --fail --insecure --output /dev/null"
to=$($curl --request POST --dump-header - "$1/blobs/uploads/" | tr -d '\\r' | sed -n 's/^[Ll]ocation: //p')
$curl --request PUT --header 'Content-Type: application/octet-stream' --data-binary "$2" "$to&digest=$3"
$curl --request PUT --header "Content-Type: $5" --data-binary "$6" "$1/manifests/$4"
`;

/** Whatever says it is an image, with no layer. Resolves to its digest. */
async function push(name: string, reference: string, type: string, manifest: object, config = "{}") {
  const text = JSON.stringify(manifest);
  const url = `https://${OPEN}/v2/${name}`;
  const words = [url, config, digestOf(config), reference, type, text];
  const { code, stderr } = await lab.run("client", ["sh", "-euc", PUSH, "push", ...words]);
  expect(code, stderr).toBe(0);
  return { digest: digestOf(text), size: text.length };
}

function manifestOf(config: string): object {
  const type = "application/vnd.oci.image.config.v1+json";
  const described = { mediaType: type, digest: digestOf(config), size: config.length };
  return { schemaVersion: 2, mediaType: MANIFEST, config: described, layers: [] };
}

async function pushManifest(image: string, said: string): Promise<void> {
  const [name = "", tag = ""] = image.split(":");
  const config = JSON.stringify({ said });
  pushed.set(image, (await push(name, tag, MANIFEST, manifestOf(config), config)).digest);
}

async function pushIndex(image: string, said: string): Promise<void> {
  const [name = "", tag = ""] = image.split(":");
  const manifests = [];
  for (const architecture of ["amd64", "arm64"]) {
    const config = JSON.stringify({ said, architecture });
    const manifest = manifestOf(config);
    const one = await push(name, digestOf(JSON.stringify(manifest)), MANIFEST, manifest, config);
    manifests.push({ mediaType: MANIFEST, ...one, platform: { architecture, os: "linux" } });
  }
  const index = { schemaVersion: 2, mediaType: INDEX, manifests };
  pushed.set(image, (await push(name, tag, INDEX, index)).digest);
}

/** A folder of a service with these images. */
function entry(id: string, names: readonly string[], architectures = ["amd64", "arm64"]): string {
  const folder = join(top, id);
  const words = { en: id, ca: id, es: id };
  mkdirSync(folder, { recursive: true });
  const service = {
    ...{ id, title: words, description: words, priority: 200, source: "network", architectures, ports: [] },
    ...{ compose: { file: "compose.yaml.hbs" }, where: { allowed: ["community"] } },
  };
  writeFileSync(join(folder, "service.yaml"), stringify(service));
  writeFileSync(join(folder, "compose.yaml.hbs"), composeFile(names));
  return folder;
}

const composeFile = (names: readonly string[]) =>
  `# Kept.\nservices:\n${names.map((name, index) => `  part${index}:\n    image: ${name} # kept\n`).join("")}`;
const written = (folder: string) => readFileSync(join(folder, "compose.yaml.hbs"), "utf8");
const digests = (...words: string[]) => cboxInLab(lab, "client", NAMES, ["services", "digests", ...words]);
const refused = (code: string) => ({ code: 1, stderr: expect.stringContaining(`[${code}]`) });

test("the digest of the index of all architectures is written beside the tag, and nothing else is changed", async () => {
  const [folder, other] = [entry("wiki", ["open.lab/community/wiki:1.0"]), entry("other", ["open.lab/a:1"])];
  expect(await digests(folder, other, "--image", "open.lab/community/wiki")).toMatchObject({ code: 0 });
  const digest = pushed.get("community/wiki:1.0");
  expect(written(folder)).toBe(composeFile([`open.lab/community/wiki:1.0@${digest}`]));
  expect(written(other)).toBe(composeFile(["open.lab/a:1"]));
});

test("--check only reports a tag that moved, and without it every file is updated", async () => {
  const [folder, twin] = [
    entry("wiki", ["open.lab/community/wiki:1.0"]),
    entry("twin", ["open.lab/community/wiki:1.0"]),
  ];
  await digests(folder);
  const old = pushed.get("community/wiki:1.0")!;
  await pushIndex("community/wiki:1.0", "moved");
  const today = pushed.get("community/wiki:1.0")!;
  expect(today).not.toBe(old);
  expect(await digests("--check", folder)).toMatchObject({
    ...refused("image-moved"),
    stdout: `open.lab/community/wiki:1.0: was moved; recorded: ${old}, today: ${today}\n`,
  });
  expect(written(folder)).toContain(old);
  expect(await digests(folder, twin)).toMatchObject({
    code: 0,
    stdout: `open.lab/community/wiki:1.0: ${today} is recorded now, before: ${old}, none\n`,
  });
  for (const each of [folder, twin])
    expect(written(each)).toBe(composeFile([`open.lab/community/wiki:1.0@${today}`]));
  expect(await digests("--check", folder, twin)).toMatchObject({
    ...{ code: 0, stdout: "open.lab/community/wiki:1.0: as recorded\n" },
  });
});

test("--check reports today's digest where there is none, without an error", async () => {
  const folder = entry("wiki", ["open.lab/community/wiki:1.0"]);
  const today = pushed.get("community/wiki:1.0");
  expect(await digests("--check", folder)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`today: ${today}\n`),
  });
  expect(written(folder)).toBe(composeFile(["open.lab/community/wiki:1.0"]));
});

test("a registry with anonymous tokens is used with one, and an image that needs a login is refused", async () => {
  const folder = entry("wiki", ["hub.lab/community/wiki:1.0"]);
  const asked = await digests(folder);
  expect(asked, asked.stderr).toMatchObject({ code: 0 });
  expect(written(folder)).toContain(`hub.lab/community/wiki:1.0@sha256:`);
  expect(await digests(entry("closed", ["hub.lab/members/wiki:1.0"]))).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /registry hub\.lab shows members\/wiki to nobody who does not sign in.*\[image-login\]/,
    ),
  });
});

test("a registry that requires a login is refused for a box's images", async () => {
  const folder = entry("wiki", ["members.lab/community/wiki:1.0"]);
  const asked = await digests(folder);
  expect(asked).toMatchObject(refused("image-login"));
  expect(asked.stderr).toContain('Basic realm="members"');
  expect(asked.stderr).toContain("Boxes sign in nowhere");
});

test("a missing tag and a missing image are reported differently", async () => {
  const tag = await digests(entry("tag", ["open.lab/community/wiki:0.9"]));
  expect(tag).toMatchObject(refused("image-tag"));
  expect(tag.stderr).toContain("no tag 0.9 of community/wiki any more");
  const image = await digests(entry("image", ["open.lab/community/wikii:1.0"]));
  expect(image).toMatchObject(refused("image-unknown"));
  expect(image.stderr).toContain("has no image community/wikii");
  const name = await digests(
    entry("wiki", ["open.lab/community/wiki:1.0"]),
    "--image",
    "open.lab/community/wikki",
  );
  expect(name).toMatchObject(refused("image-name"));
  expect(name.stderr).toContain('did you mean "open.lab/community/wiki"?');
});

test("an image of one architecture is refused for a service of two", async () => {
  const two = entry("two", ["open.lab/community/wiki:2.0"]);
  expect(await digests(two)).toMatchObject(refused("image-architectures"));
  expect(written(two)).not.toContain("@");
  const one = entry("one", ["open.lab/community/wiki:2.0"], ["amd64"]);
  expect(await digests(one)).toMatchObject({ code: 0 });
  expect(written(one)).toContain(`:2.0@${pushed.get("community/wiki:2.0")}`);
});

test("a missing network is reported once for a registry, and the answers of others are recorded", async () => {
  await lab.change("open", "test", { isDown: true });
  const names = ["open.lab/community/wiki:1.0", "open.lab/community/wiki:2.0", "hub.lab/community/wiki:1.0"];
  const folder = entry("wiki", names);
  const asked = await digests(folder);
  await lab.change("open", "test", undefined);
  expect(asked).toMatchObject(refused("image-registry"));
  expect(asked.stderr).toMatch(/error: The registry open\.lab could not be reached\..*\nfound: ECONNREFUSED/);
  expect(asked.stderr).toContain("This machine has to reach it over the Internet");
  expect(written(folder).match(/^ +image: .*@sha256:.*$/gm)).toEqual([
    expect.stringContaining("hub.lab/community/wiki:1.0@sha256:"),
  ]);
});

test("a registry with an untrusted certificate is refused", async () => {
  const folder = entry("wiki", ["open.lab/community/wiki:1.0"]);
  await lab.change("open", "test", { authority: "stranger" });
  const asked = await digests(folder);
  await lab.change("open", "test", undefined);
  expect(asked).toMatchObject(refused("image-registry"));
  expect(asked.stderr).toMatch(/found: .*(CERT|SIGNATURE)/);
  expect(written(folder)).not.toContain("@");
});

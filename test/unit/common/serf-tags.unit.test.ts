// SPDX-License-Identifier: GPL-3.0-or-later
// What is before Serf's start: a file of tags that it would refuse goes, any other stays as it is.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serfMetaBytes } from "../../../common/serf-payload.ts";
import { OVERLAYS } from "../../../image/host/paths.ts";
import { temporaryDirectory } from "../../temporary.ts";

const PROGRAM = join(OVERLAYS, "base/files/usr/lib/community-box/serf-tags");

/** Runs the program; `systemctl` is one that only notes its words. Returns them, and what it said. */
function lookThrough(content: string | Buffer) {
  const directory = temporaryDirectory();
  const file = join(directory, "tags.json");
  const noted = join(directory, "systemctl.txt");
  mkdirSync(join(directory, "bin"));
  writeFileSync(join(directory, "bin/systemctl"), `#!/bin/sh\necho "$*" >>${noted}\n`, { mode: 0o755 });
  writeFileSync(file, content);
  const env = { PATH: `${join(directory, "bin")}:${process.env.PATH}` };
  const said = execFileSync(PROGRAM, [file], { env, encoding: "utf8" });
  const started = existsSync(noted) ? readFileSync(noted, "utf8") : "";
  return { said, started, isKept: existsSync(file) && readFileSync(file).equals(Buffer.from(content)) };
}

const TAG = "QlpoOTFBWSZTWQ+/=".repeat(12);
/** Of exactly so many bytes of Serf's metadata. */
function tagsOf(bytes: number): { readonly [name: string]: string } {
  const tags = { role: "a<b>&\u2019", services: "" };
  const room = bytes - serfMetaBytes({ ...tags, services: "x".repeat(32) }) + 32;
  return { ...tags, services: "x".repeat(room) };
}
/** As Go writes JSON. */
const asSerf = (tags: object) =>
  JSON.stringify(tags).replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);

describe("a tags file that Serf can read is kept without a message", () => {
  it.each([
    ["with the announcement", asSerf({ services: TAG })],
    ["without any tag", "{}"],
    ["written by hand", '{\n\t"role": "l\\"anna \\\\u",\r\n  "services" : "x"\n}\n'],
    ["of 512 bytes", asSerf(tagsOf(512))],
  ])("%s", (_what, content) => {
    expect(lookThrough(content)).toEqual({ said: "", started: "", isKept: true });
  });
});

describe("a tags file that Serf refuses is removed, and the box is announced again", () => {
  it.each([
    ["an empty one", ""],
    ["one that was cut", asSerf({ services: TAG }).slice(0, -20)],
    ["zeros of a power cut", Buffer.alloc(200)],
    ["a number for a text", '{"services":5}'],
    ["something behind it", "{}{}"],
    ["an escape that is none", '{"a":"\\x"}'],
    ["of 513 bytes", asSerf(tagsOf(513))],
    [
      "of 20 small tags",
      asSerf(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`tag-${i}`, "x".repeat(20)]))),
    ],
  ])("%s", (_what, content) => {
    const { said, started, isKept } = lookThrough(content);
    expect(said).toMatch(/tags\.json: not what Serf can read, or over 512 bytes; removed/);
    expect([started, isKept]).toEqual(["start --no-block cbox-publish.service\n", false]);
  });
});

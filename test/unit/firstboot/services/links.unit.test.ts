// SPDX-License-Identifier: GPL-3.0-or-later
// Files of services in a context, where the account of a service has put links in its own folders: none of them leads to
// what is not the account's. `incus exec` is this machine's own shell here; needs root.
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { Box } from "../../../../firstboot/host/box.ts";
import { type Place, placeOf } from "../../../../firstboot/services/place.ts";
import { temporaryDirectory } from "../../../temporary.ts";

/** An account of every Debian. */
const ACCOUNT = "games";
const RIGHTS = { mode: "0640", owner: `${ACCOUNT}:${ACCOUNT}` };
const id = (kind: "-u" | "-g") => Number(execFileSync("id", [kind, ACCOUNT], { encoding: "utf8" }));

let root: string;
let place: Place;

beforeEach(() => {
  root = temporaryDirectory();
  chmodSync(root, 0o755);
  for (const folder of ["etc", "data"]) mkdirSync(join(root, folder));
  writeFileSync(join(root, "etc/file"), "secret", { mode: 0o600 });
  chownSync(join(root, "data"), id("-u"), id("-g"));
  const run: Box["run"] = async (_, words, options) => {
    const [command = "", ...args] = words.slice(words.indexOf("--") + 1);
    const { status, stdout, stderr } = spawnSync(command, args, {
      encoding: "utf8",
      input: options?.input ?? "",
    });
    return { code: status ?? 127, stdout, stderr };
  };
  place = placeOf({ run } as Box, "community");
});

const at = (path: string) => join(root, path);
const isUntouched = () => {
  const { mode, uid } = lstatSync(at("etc/file"));
  return readFileSync(at("etc/file"), "utf8") === "secret" && (mode & 0o777) === 0o600 && uid === 0;
};

it("files are written in a folder of the account, with its ownership and the wanted rights", async () => {
  expect(await place.writeFile(at("data/node/file"), "new", RIGHTS)).toBe(true);
  const { mode, uid } = lstatSync(at("data/node/file"));
  expect([readFileSync(at("data/node/file"), "utf8"), mode & 0o777, uid]).toEqual(["new", 0o640, id("-u")]);
  expect(await place.writeFile(at("data/node/file"), "new", RIGHTS)).toBe(false);
  await place.remove(at("data/node/file"));
  expect(await place.exists(at("data/node/file"))).toBe(false);
});

it("files are written in a folder of root for an account", async () => {
  await place.writeFile(at("etc/community/own"), "new", RIGHTS);
  expect(lstatSync(at("etc/community/own")).uid).toBe(id("-u"));
});

describe.each(["node", "node/file", "node/file.new"])("files with a link at %s", (name) => {
  beforeEach(() => {
    if (name !== "node") {
      mkdirSync(at("data/node"));
      chownSync(at("data/node"), id("-u"), id("-g"));
    }
    symlinkSync(at(name === "node" ? "etc" : "etc/file"), at(`data/${name}`));
  });

  it("do not change the target of the link when they are written", async () => {
    await Promise.allSettled([place.writeFile(at("data/node/file"), "new", RIGHTS)]);
    expect(isUntouched()).toBe(true);
  });

  it("do not change the target of the link when they are removed", async () => {
    await Promise.allSettled([place.remove(at("data/node/file"))]);
    expect(isUntouched()).toBe(true);
  });
});

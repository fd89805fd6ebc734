// SPDX-License-Identifier: GPL-3.0-or-later
// What evens out the differences between tool versions.
import { expect, it } from "vitest";
import { extendedStates, sortById, sortLike } from "../../../../image/stages/normalize.ts";

const PASSWD =
  "root:x:0:0::/root:/bin/bash\n_serf:x:101:101::/:/sbin/nologin\ndaemon:x:1:1::/:/sbin/nologin\n";

it("accounts are sorted by their numbers, and shadow files in the same order", () => {
  const sorted = sortById(PASSWD);
  expect(sorted.split("\n").map((line) => line.split(":")[0])).toEqual(["root", "daemon", "_serf", ""]);
  expect(sortLike("_serf:!::\nroot:!::\ndaemon:*::\n", sorted)).toBe("root:!::\ndaemon:*::\n_serf:!::\n");
  expect(sortById(sorted)).toBe(sorted);
});

it("APT's state distinguishes requested packages from automatically installed ones", () => {
  const pin = (name: string, architecture: string) => ({
    ...{ name, architecture, version: "1", size: 1, sha256: "", repository: "debian" as const, path: "" },
  });
  const packages = { serf: pin("serf", "amd64"), libc6: pin("libc6", "amd64"), tzdata: pin("tzdata", "all") };
  const set = { request: ["?essential", "serf/trixie-backports"], packages: ["libc6", "serf", "tzdata"] };
  expect(extendedStates({ set, packages, architecture: "amd64" })).toBe(
    "Package: libc6\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: tzdata\nArchitecture: amd64\nAuto-Installed: 1\n",
  );
});

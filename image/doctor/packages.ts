// SPDX-License-Identifier: GPL-3.0-or-later
// One check per Debian package of image/host/packages.txt: is its program or file there, and which version is it?
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { foreignState, THIS_PROCESSOR } from "../debian/binfmt.ts";
import { PROJECT } from "../host/paths.ts";
import type { Host } from "../host/this-host.ts";
import { asRoot, type Check, PURPOSES, type Purpose } from "./check.ts";

export interface HostPackage {
  readonly name: string;
  readonly neededFor: readonly Purpose[];
  /** Only for profiles of these architectures: `build:arm64,build:i386`. */
  readonly onlyFor?: readonly string[];
  readonly proof: string;
  readonly why: string;
}

export function hostPackages(
  list: string = readFileSync(join(PROJECT, "image/host/packages.txt"), "utf8"),
): readonly HostPackage[] {
  return list
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .map((line) => {
      const [fields = "", why = ""] = line.split(/\s+#\s*/);
      const [name = "", column = "", proof = ""] = fields.split(/\s+/);
      const needs = column.split(",").map((need) => need.split(":"));
      // `cli` is what ./cbox itself runs on.
      const purposes =
        column === "cli" ? PURPOSES : [...new Set(needs.map(([purpose]) => purpose as Purpose))];
      const onlyFor = needs.flatMap(([, architecture]) => architecture ?? []);
      return { name, neededFor: purposes, ...(onlyFor.length > 0 ? { onlyFor } : {}), proof, why };
    });
}

export function packageChecks(packages: readonly HostPackage[] = hostPackages()): readonly Check[] {
  return packages.map(({ name, neededFor, onlyFor, proof, why }) => ({
    id: `package-${name}`,
    title: `${name} (${why})`,
    neededFor,
    ...(onlyFor ? { onlyFor } : {}),
    async run(host, { architectures }) {
      const concerned = onlyFor?.filter((name) => architectures.includes(name));
      if (neededFor.includes("build") && concerned?.every((name) => runsHere(host, name)))
        return { ok: true, detail: "not needed: programs run on this processor" };
      const path = host.find(proof);
      if (path) return { ok: true, detail: (await versionOf(host, name)) ?? path };
      return {
        ok: false,
        detail: `${proof} is not there`,
        cure: asRoot(host, `apt-get install --no-install-recommends ${name}`),
      };
    },
  }));
}

function runsHere(host: Host, architecture: string): boolean {
  const state = foreignState(host, architecture);
  return state.kind === "runs" && state.by === THIS_PROCESSOR;
}

async function versionOf(host: Host, name: string): Promise<string | undefined> {
  const { exitCode, output } = await host.run(
    "dpkg-query",
    "--show",
    `--showformat=\${db:Status-Abbrev} \${Version}`,
    name,
  );
  const [, version] = /^ii\s+(\S+)$/.exec(output) ?? [];
  return exitCode === 0 ? version : undefined;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// One check per Debian package of image/host-packages.txt: is its program or file there, and which version is it?
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT } from "../paths.ts";
import { asRoot, type Check, PURPOSES, type Purpose } from "./check.ts";
import type { Host } from "./host.ts";

export interface HostPackage {
  readonly name: string;
  readonly neededFor: readonly Purpose[];
  /** Only for profiles of this architecture: `boot:arm64`. */
  readonly onlyFor?: string;
  readonly proof: string;
  readonly why: string;
}

export function hostPackages(
  list: string = readFileSync(join(PROJECT, "image/host-packages.txt"), "utf8"),
): readonly HostPackage[] {
  return list
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .map((line) => {
      const [fields = "", why = ""] = line.split(/\s+#\s*/);
      const [name = "", column = "", proof = ""] = fields.split(/\s+/);
      const [neededFor = "", onlyFor] = column.split(":");
      // `cli` is what ./cbox itself runs on.
      const purposes = neededFor === "cli" ? PURPOSES : (neededFor.split(",") as Purpose[]);
      return { name, neededFor: purposes, ...(onlyFor ? { onlyFor } : {}), proof, why };
    });
}

export function packageChecks(packages: readonly HostPackage[] = hostPackages()): readonly Check[] {
  return packages.map(({ name, neededFor, onlyFor, proof, why }) => ({
    id: `package-${name}`,
    title: `${name} (${why})`,
    neededFor,
    ...(onlyFor ? { onlyFor } : {}),
    async run(host) {
      if (neededFor.includes("build") && onlyFor === host.architecture)
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

// SPDX-License-Identifier: GPL-3.0-or-later
// Asks the Debian archive which packages a request needs, with a private APT state for the target release, so that
// the host's release, architecture and package state do not matter.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { $ } from "zx";
import type { Run } from "../host/session.ts";
import type { PackagePin } from "./lock.ts";
import type { Mirror, Repository } from "./mirror.ts";

export interface ArchiveOptions {
  readonly run: Run;
  readonly mirror: Mirror;
  readonly release: string;
  readonly architecture: string;
  /** Further suites, such as trixie-backports: APT takes from them only what is requested by suite. */
  readonly suites: readonly string[];
  /** False: without the release's security archive. */
  readonly security: boolean;
  /** Directory for the private APT state; kept between runs. */
  readonly directory: string;
  /** Packages of a local repository that are preferred to newer versions on the mirror. */
  readonly kept?: { readonly repository: string; readonly pins: readonly PackagePin[] };
}

export interface Archive {
  /** Downloads the index; APT checks its signature against Debian's keyring. */
  refresh(): Promise<void>;
  /** The packages that installing `request` on an empty system takes, without Recommends, by name. */
  resolve(request: readonly string[]): Promise<PackagePin[]>;
}

const COMPONENTS = "main non-free-firmware";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

export async function openArchive(options: ArchiveOptions): Promise<Archive> {
  const { run, mirror, release, architecture, suites, security, directory, kept } = options;
  for (const sub of ["lists/partial", "cache/archives/partial", "empty.d"]) {
    await mkdir(join(directory, sub), { recursive: true });
  }
  const source = (uri: string, suite: string) => `deb [signed-by=${KEYRING}] ${uri} ${suite} ${COMPONENTS}\n`;
  await writeFile(join(directory, "status"), "");
  await writeFile(
    join(directory, "sources.list"),
    source(mirror.debian, release) +
      source(mirror.debian, `${release}-updates`) +
      (security ? source(mirror.security, `${release}-security`) : "") +
      suites.map((suite) => source(mirror.debian, suite)).join("") +
      (kept ? `deb [trusted=yes] file:${kept.repository} ${release} main\n` : ""),
  );
  // A priority above 1000 selects a version even when a newer one exists.
  const preference = ({ name, version }: PackagePin) =>
    `Package: ${name}\nPin: version ${version}\nPin-Priority: 1001\n`;
  const preferences = join(directory, "preferences");
  await writeFile(preferences, (kept?.pins ?? []).map(preference).join("\n"));
  const keptPins = new Map(kept?.pins.map((pin) => [`${pin.name}=${pin.version}`, pin]));
  const settings: Record<string, string> = {
    "Dir::State": directory,
    "Dir::State::status": join(directory, "status"),
    "Dir::Cache": join(directory, "cache"),
    "Dir::Cache::pkgcache": "pkgcache.bin",
    "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
    "Dir::Etc::sourcelist": join(directory, "sources.list"),
    "Dir::Etc::sourceparts": join(directory, "empty.d"),
    "Dir::Etc::preferences": preferences,
    "Dir::Etc::preferencesparts": join(directory, "empty.d"),
    "APT::Architecture": architecture,
    "APT::Architectures": architecture,
    "APT::Install-Recommends": "false",
    "Acquire::Languages": "none",
    "Acquire::Retries": "3",
  };
  // On the command line they override the settings of this machine, except a proxy. The binary caches are switched on
  // because some machines disable them, and every command would then parse all lists again.
  const apt = Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  const repositoryOf = (uri: string): Repository => (uri.startsWith(mirror.security) ? "security" : "debian");

  // Package sets share most of their packages, and looking those up takes longer than resolving them.
  const known = new Map<string, PackagePin>();

  return {
    async refresh() {
      known.clear();
      await run(["apt-get", ...apt, "update", "--error-on=any"]);
    },

    async resolve(request) {
      const plan = await run(["apt-get", ...apt, "install", "--yes", "--print-uris", ...request]);
      const wanted = new Map<string, Repository>();
      for (const [, uri = "", file = ""] of plan.matchAll(/^'([^']+)' (\S+) \d+/gm)) {
        const [name, version] = file.split("_");
        wanted.set(`${name}=${decodeURIComponent(version ?? "")}`, repositoryOf(uri));
      }
      const others = [...wanted.keys()].filter((key) => !keptPins.has(key) && !known.has(key));
      // Not through `run`, which would log thousands of lines.
      const show = $({ quiet: true });
      const shown = others.length === 0 ? "" : (await show`apt-cache ${apt} show ${others}`).stdout;
      for (const stanza of shown.split(/\n\n+/)) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(stanza)?.[1] ?? "";
        const name = field("Package");
        const version = field("Version");
        const key = `${name}=${version}`;
        const repository = wanted.get(key);
        // A version in several archives is listed once for each; APT takes the first.
        if (!repository || known.has(key)) continue;
        known.set(key, {
          name,
          version,
          architecture: field("Architecture"),
          size: Number(field("Size")),
          sha256: field("SHA256"),
          repository,
          path: field("Filename"),
        });
      }
      const pins = [...wanted.keys()].flatMap((key) => keptPins.get(key) ?? known.get(key) ?? []);
      return pins.sort((a, b) => (a.name < b.name ? -1 : 1));
    },
  };
}

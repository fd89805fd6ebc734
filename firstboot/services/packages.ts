// SPDX-License-Identifier: GPL-3.0-or-later
// Installs a service's packages in the place where it runs, from the repository inside the image: APT sees nothing else
// and asks no network. What a package would start by itself stays off until it is configured.

import { fail } from "../../common/fail.ts";
import type { Service } from "../../common/service.ts";
import { paths } from "../paths.ts";
import type { Place } from "./place.ts";

/** Unpacking Docker on a card, on an emulated processor. */
const INSTALL_MS = 20 * 60_000;
const UPDATE_MS = 3 * 60_000;
/** dpkg and APT while somebody else installs packages: security updates, or the owner. */
export const IS_BUSY = /lock was locked by|Could not get lock/;
const BUSY_SECONDS = 10 * 60;

/** Of ours alone: the box's own package lists are left as they are. */
const POOL_OPTIONS = [
  `Dir::Etc::SourceList=${paths.pool}/pool.list`,
  "Dir::Etc::SourceParts=-",
  "Dir::State::Lists=/var/lib/community-box/apt",
  "Dir::Cache::pkgcache=",
  "Dir::Cache::srcpkgcache=",
].flatMap((option) => ["-o", option]);

const MANNERS = [
  "APT::Install-Recommends=false",
  "APT::Get::Assume-Yes=true",
  "Dpkg::Options::=--force-confdef",
  "Dpkg::Options::=--force-confold",
  "Dpkg::Use-Pty=0",
  "DPkg::Lock::Timeout=120",
].flatMap((option) => ["-o", option]);

// biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own form of a format.
const STATUS = "${db:Status-Status}\\n";

/** Idempotent; takes up an installation that a power cut left half done. Fails with `service-packages`. */
export async function installPackages(place: Place, service: Service): Promise<void> {
  if (service.packages.length === 0 || (await areInstalled(place, service.packages))) return;
  const options = service.source === "network" ? [] : POOL_OPTIONS;
  // A cut in the middle of unpacking: nothing else works before this is mended.
  await apt(place, service, "dpkg", ["--configure", "-a", "--force-confdef", "--force-confold"], INSTALL_MS);
  await place.run("mkdir", ["-p", "/var/lib/community-box/apt/partial"]);
  await apt(
    place,
    service,
    "apt-get",
    [...options, "-o", "APT::Update::Error-Mode=any", "update"],
    UPDATE_MS,
  );
  await apt(place, service, "apt-get", [...options, ...MANNERS, "install", ...service.packages], INSTALL_MS);
  await place.run("systemctl", ["daemon-reload"]);
}

/** Those of the service alone, from where its place has its own packages. Fails with `service-packages`. */
export async function upgradePackages(place: Place, service: Service): Promise<void> {
  if (service.packages.length === 0) return;
  await apt(place, service, "apt-get", ["-o", "APT::Update::Error-Mode=any", "update"], UPDATE_MS);
  const only = ["install", "--only-upgrade", ...service.packages];
  await apt(place, service, "apt-get", [...MANNERS, ...only], INSTALL_MS);
}

async function areInstalled(place: Place, packages: readonly string[]): Promise<boolean> {
  const { code, stdout } = await place.run("dpkg-query", ["-W", "-f", STATUS, ...packages]);
  const states = stdout.split("\n").filter(Boolean);
  return code === 0 && states.length === packages.length && states.every((state) => state === "installed");
}

async function apt(
  place: Place,
  service: Service,
  command: string,
  args: readonly string[],
  timeout: number,
): Promise<void> {
  // Offline, as systemctl calls it: the scripts of packages enable their units, and start none.
  const environment = ["DEBIAN_FRONTEND=noninteractive", "SYSTEMD_OFFLINE=1"];
  const attempt = () => place.run("env", [...environment, command, ...args], { timeout });
  let { code, stdout, stderr } = await attempt();
  for (let waited = 0; code !== 0 && IS_BUSY.test(stderr) && waited < BUSY_SECONDS; waited += 10) {
    await place.run("sleep", ["10"]);
    ({ code, stdout, stderr } = await attempt());
  }
  if (code === 0) return;
  const said = stderr.trim() || stdout.trim();
  fail({
    code: "service-packages",
    what: `The packages of ${service.title.en} could not be installed.`,
    found:
      said
        .split("\n")
        .filter((line) => /^(E|W|dpkg):/.test(line))
        .at(-1) ?? `exit code ${code}`,
    hint: "Try again. If there is no room left on the disk, make some first: df -h",
  });
}

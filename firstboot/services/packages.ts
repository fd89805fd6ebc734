// SPDX-License-Identifier: GPL-3.0-or-later
// Installs a service's packages where it runs, from the repository in the image: APT uses no other source and no
// network. Packages do not start their services before they are configured.

import { fail } from "../../common/fail.ts";
import type { Service } from "../../common/service.ts";
import { diskFull, IS_DISK_FULL, type RunResult } from "../host/box.ts";
import { errorText } from "../host/error-text.ts";
import { saidOr, sayFound } from "../host/found-text.ts";
import { paths } from "../host/paths.ts";
import type { Place } from "./place.ts";

/** Messages of dpkg and APT while another process installs packages: security updates, or the owner. */
export const IS_BUSY = /lock was locked by|Could not get lock/;
const BUSY_SECONDS = 10 * 60;

/** Only our repository: the box's own package lists stay unchanged. */
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

// Offline mode of systemctl: package scripts enable their units, but do not start any.
const ENVIRONMENT = ["DEBIAN_FRONTEND=noninteractive", "SYSTEMD_OFFLINE=1"];

/** For what dpkg and package scripts write in addition to the packages' files. */
const RESERVE_MIB = 32;

const optionsOf = ({ source }: Service) => (source === "network" ? [] : POOL_OPTIONS);

/**
 * Completes an installation that a power cut interrupted, and checks that the packages are available and fit: if the
 * disk fills up while they are unpacked, they stay half installed. Fails with `service-no-room`, `service-packages`,
 * `box-full`.
 */
export async function preparePackages(place: Place, service: Service): Promise<void> {
  if (service.packages.length === 0 || (await areInstalled(place, service.packages))) return;
  const options = optionsOf(service);
  // After a power cut while unpacking, APT first needs this. Packages with missing dependencies wait for APT.
  const configure = ["--configure", "-a", "--force-confdef", "--force-confold"];
  await patiently(place, "dpkg", configure);
  await place.run("mkdir", ["-p", "/var/lib/community-box/apt/partial"]);
  await apt(place, service, "apt-get", [...options, "-o", "APT::Update::Error-Mode=any", "update"]);
  const plan = await simulate(place, service, service.packages);
  if (plan.code === 0) return refuseWithoutRoom(place, service, plan.stdout);
  await mend(place, service);
  const mended = succeeded(service, await simulate(place, service, service.packages));
  await refuseWithoutRoom(place, service, mended);
}

/** Completes packages unpacked without dependencies, by a full disk or a power cut: APT requires it first. */
async function mend(place: Place, service: Service): Promise<void> {
  const plan = succeeded(service, await simulate(place, service, MENDING));
  await refuseWithoutRoom(place, service, plan);
  await apt(place, service, "apt-get", installing(service, MENDING));
}

const MENDING = ["--fix-broken", "--no-remove"];

const installing = (service: Service, what: readonly string[]) => [
  ...optionsOf(service),
  ...MANNERS,
  "install",
  ...what,
];

const simulate = (place: Place, service: Service, what: readonly string[]) =>
  patiently(place, "apt-get", [...installing(service, what), "--simulate"]);

async function refuseWithoutRoom(place: Place, service: Service, plan: string): Promise<void> {
  const [needed, free] = [await neededMib(place, service, plan), await place.freeMib()];
  if (needed === 0 || free === undefined || needed + RESERVE_MIB <= free) return;
  fail({
    code: "service-no-room",
    ...errorText("error.service-no-room", { title: service.title }, `error.service-no-room.${place.id}.hint`),
    ...sayFound("found.room", { needed: needed + RESERVE_MIB, free }),
  });
}

/** MiB that APT would unpack and, if not from the image, download; rounded up. */
async function neededMib(place: Place, service: Service, plan: string): Promise<number> {
  const wanted = [...plan.matchAll(/^Inst (\S+) (?:\[\S+\] )?\((\S+) /gm)].map(
    ([, name, version]) => `${name}=${version}`,
  );
  if (wanted.length === 0) return 0;
  const records = await apt(place, service, "apt-cache", [...optionsOf(service), "show", ...wanted]);
  const sum = (field: string) =>
    [...records.matchAll(new RegExp(`^${field}: (\\d+)$`, "gm"))].reduce(
      (total, [, number]) => total + Number(number),
      0,
    );
  const fetched = service.source === "network" ? sum("Size") / 1024 : 0;
  return Math.ceil((sum("Installed-Size") + fetched) / 1024);
}

/** Idempotent; call after {@link preparePackages}. Fails with `service-packages`, `box-full`. */
export async function installPackages(place: Place, service: Service): Promise<void> {
  if (service.packages.length === 0 || (await areInstalled(place, service.packages))) return;
  await apt(place, service, "apt-get", installing(service, service.packages));
  await place.run("systemctl", ["daemon-reload"]);
}

/** Only the service's packages, from the sources of its place. Fails with `service-packages`. */
export async function upgradePackages(place: Place, service: Service): Promise<void> {
  if (service.packages.length === 0) return;
  await apt(place, service, "apt-get", ["-o", "APT::Update::Error-Mode=any", "update"]);
  const only = ["install", "--only-upgrade", ...service.packages];
  await apt(place, service, "apt-get", [...MANNERS, ...only]);
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
): Promise<string> {
  return succeeded(service, await patiently(place, command, args));
}

function succeeded(service: Service, { code, stdout, stderr }: RunResult): string {
  if (code === 0) return stdout;
  if (IS_DISK_FULL.test(stderr)) diskFull(sayFound("found.full-packages", { title: service.title }));
  const said = stderr.trim() || stdout.trim();
  return fail({
    code: "service-packages",
    ...errorText("error.service-packages", { title: service.title }),
    ...saidOr(
      said
        .split("\n")
        .filter((line) => /^(E|W|dpkg):/.test(line))
        .at(-1) ?? "",
      "found.exit-code",
      { code },
    ),
  });
}

async function patiently(place: Place, command: string, args: readonly string[]): Promise<RunResult> {
  const attempt = () => place.run("env", [...ENVIRONMENT, command, ...args]);
  let result = await attempt();
  for (
    let waited = 0;
    result.code !== 0 && IS_BUSY.test(result.stderr) && waited < BUSY_SECONDS;
    waited += 10
  ) {
    await place.run("sleep", ["10"]);
    result = await attempt();
  }
  return result;
}

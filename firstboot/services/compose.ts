// SPDX-License-Identifier: GPL-3.0-or-later
// Services that are docker-compose projects: their images, containers and remains. The project's files and unit are
// like any service's (common/compose.ts); this part needs Docker.

import { BlockList, isIPv6 } from "node:net";
import { PROJECTS, projectDirectory, projectUnit } from "../../common/compose.ts";
import { type FailureDetails, fail } from "../../common/fail.ts";
import { parseJson } from "../../common/json.ts";
import type { Service, Words } from "../../common/service.ts";
import { diskFull, IS_DISK_FULL, runOrFail } from "../host/box.ts";
import { errorText } from "../host/error-text.ts";
import { saidOr, sayFound } from "../host/found-text.ts";
import { parseComposeConfig } from "./compose-config.ts";
import type { Place } from "./place.ts";
import { countOf, includes, inRanges, type PortRange, shortList } from "./ports.ts";
import { describeProject, nameInFile } from "./project-words.ts";

const compose = (id: string, ...words: readonly string[]) => [
  ...["compose", "--project-name", id, "--project-directory", projectDirectory(id)],
  ...words,
];

/**
 * Fetches missing images; if all are present, uses no network. `again`: also newer images of the same names. Fails
 * with `compose-invalid`, `service-images`, `box-full`.
 */
export async function fetchImages(place: Place, service: Service, { again = false } = {}): Promise<void> {
  const { id, title } = service;
  const images = await place.run("docker", compose(id, "config", "--images"));
  if (images.code !== 0) return invalid(title, { found: dockerWords(images.stderr).join("\n") });
  const names = [...new Set(images.stdout.split("\n").filter(Boolean))];
  const { code } = await place.run("docker", ["image", "inspect", ...names]);
  if (code === 0 && !again) return;
  // Images with a build section are built at the first start.
  const pull = ["pull", "--quiet", "--ignore-buildable"];
  const pulled = await place.run("docker", compose(id, ...pull));
  if (pulled.code === 0) return;
  if (IS_DISK_FULL.test(pulled.stderr)) diskFull(sayFound("found.full-images", { title }));
  fail({
    code: "service-images",
    ...errorText("error.service-images", { title }),
    ...saidOr([...dockerWords(pulled.stderr), ...dockerWords(pulled.stdout)].join("\n"), "found.exit-code", {
      code: pulled.code,
    }),
  });
}

/** `verb` for systemctl on its unit. Fails with `compose-start` and Docker's message, and with `box-full`. */
export async function startProject(
  place: Place,
  { id, title }: Service,
  verb: "start" | "restart",
): Promise<void> {
  const unit = projectUnit(id);
  const { code, stderr } = await place.run("systemctl", [verb, unit]);
  if (code === 0) return;
  const show = ["show", "--property=InvocationID", "--value", unit];
  const { stdout: invocation } = await place.run("systemctl", show);
  // Only the messages of this attempt.
  const which = [`_SYSTEMD_INVOCATION_ID=${invocation.trim()}`, "--output=cat", "--no-pager"];
  const { stdout: journal } = await place.run("journalctl", which);
  const words = dockerWords(journal).join("\n");
  if (IS_DISK_FULL.test(words)) diskFull(sayFound("found.full-containers", { title }));
  fail({
    code: "compose-start",
    ...errorText("error.compose-start", { title, id }),
    ...saidOr(words || stderr.trim(), "found.exit-code", { code }),
  });
}

/** Containers that do not run properly, such as "container db (restarting)". */
export async function faultsOfProject(place: Place, { id }: Service): Promise<string[]> {
  const format = "{{.Service}} {{.State}} {{.Health}} {{.ExitCode}}";
  const { code, stdout } = await place.run("docker", compose(id, "ps", "--all", "--format", format));
  const lines = stdout.split("\n").filter(Boolean);
  if (code !== 0 || lines.length === 0) return ["no container"];
  return lines.flatMap((line) => {
    const [name = "", state = "", health = "", exit = ""] = line.split(" ");
    const isWell =
      // A container that has done its work and ended with 0 is fine.
      state === "exited" ? exit === "0" : state === "running" && ["", "healthy"].includes(health);
    return isWell ? [] : [`container ${name} (${state === "running" ? health : state})`];
  });
}

/** Removes containers, networks, volumes and images of a project that is off. Docker stays on or off. */
export async function removeProject(place: Place, { id }: Service): Promise<void> {
  if (!(await place.exists(projectDirectory(id)))) return;
  const wasUp = (await place.run("systemctl", ["is-active", "--quiet", "docker.service"])).code === 0;
  if (!wasUp) await runOrFail(place, "systemctl", ["start", "docker.service"]);
  const all = ["down", "--volumes", "--remove-orphans", "--rmi", "all"];
  await runOrFail(place, "docker", compose(id, ...all));
  if (!wasUp) await runOrFail(place, "systemctl", ["stop", "docker.service"]);
}

/** The latest output of the containers. */
export async function projectLog(place: Place, { id }: Service): Promise<string> {
  const { stdout } = await place.run("docker", compose(id, "logs", "--no-color", "--tail=60"));
  return stdout.trimEnd();
}

export interface ProjectPort extends PortRange {
  readonly service: string;
  /** The only address where it is published, such as "127.0.0.1"; undefined: all addresses. */
  readonly bound?: string;
  /** Address where it answers on Docker's machine, if not 127.0.0.1. */
  readonly inside?: string;
}

export interface ProjectPlan {
  readonly images: readonly string[];
  /** As published on Docker's machine. */
  readonly ports: readonly ProjectPort[];
  /** Services in the host's network: the file does not say which ports they use. */
  readonly onHost: readonly string[];
  /** Variables that are passed to its containers but not set, such as "web: HTTP_PROXY". */
  readonly absent: readonly string[];
  /** Description in announcements, such as "gitea:1.22_forge". */
  readonly announcedAs: string;
  /** Docker's warnings about a file that it accepts. */
  readonly said: readonly string[];
}

/** Docker replaces it with an empty string, even for a password or the address of a port. */
const UNSET = /^The "(.+)" variable is not set\. Defaulting to a blank string\.$/;
/** `${NAME:?...}` in the file. */
const REQUIRED = /required variable (\S+) is missing a value/;

/**
 * Docker's interpretation of the project in that directory below {@link PROJECTS}. Fails with `compose-invalid`,
 * `compose-variables`.
 */
export async function readProject(place: Place, id: string, directory: string): Promise<ProjectPlan> {
  const command = ["compose", "--project-name", id, "--project-directory", `${PROJECTS}/${directory}`];
  const { code, stdout, stderr } = await place.run("docker", [...command, "config", "--format", "json"]);
  const words = dockerWords(stderr);
  const unset = words.flatMap((line) => UNSET.exec(line)?.[1] ?? REQUIRED.exec(line)?.[1] ?? []);
  if (unset.length) return withoutValue(id, unset);
  if (code !== 0) return invalid(id, { found: words.join("\n") });
  const { services, networks } =
    parseComposeConfig(stdout) ?? invalid(id, sayFound("found.docker-no-project"));
  if (services.length === 0) return invalid(id, sayFound("found.compose-no-services"));
  const onHost = services.flatMap(([service, { network_mode: mode, networks: own }]) => {
    const isHost = mode === "host" || own.some((name) => networks.get(name) === "host");
    return isHost ? [service] : [];
  });
  const ports = services.flatMap(([service, { ports }]) =>
    // Docker ignores the ports of these.
    (onHost.includes(service) ? [] : ports).flatMap(
      ({ published = "", target, protocol = "tcp", host_ip: address = "" }): ProjectPort[] => {
        const port = Number(published);
        const at = whereBound(address);
        if (protocol !== "tcp" && protocol !== "udp")
          return invalid(id, sayFound("found.compose-protocol", { service, protocol }));
        if (Number.isInteger(port) && port > 0) return [{ port, protocol, service, ...at }];
        // A port that is closed to other machines may get any number.
        if (at.bound !== undefined) return [];
        return invalid(id, sayFound("found.compose-number", { service, target, published }));
      },
    ),
  );
  const images = services.map(([service, { image }]) => image ?? `${id}-${service}`);
  const absent = services.flatMap(([service, { environment }]) =>
    environment.flatMap(([name, value]) => (value === null ? `${service}: ${name}` : [])),
  );
  const ranges = inRanges(onePerNumber(ports), isAlike);
  const announcedAs = describeProject(
    (await nameInFile(place, directory)) ?? id,
    Object.fromEntries(services),
  );
  return { images: [...new Set(images)], ports: ranges, onHost, absent, announcedAs, said: words };
}

/** The wanted part of these ports; undefined unless each of its numbers is published. */
export function within(ports: readonly ProjectPort[], wanted: PortRange): readonly ProjectPort[] | undefined {
  const singles = ports.flatMap(singlesOf).filter((each) => includes(wanted, each));
  return singles.length === countOf(wanted) ? inRanges(singles, isAlike) : undefined;
}

/** These ports without those of `gone`. */
export function without(ports: readonly ProjectPort[], gone: readonly ProjectPort[]): readonly ProjectPort[] {
  const left = ports.flatMap(singlesOf).filter((each) => !gone.some((range) => includes(range, each)));
  return inRanges(left, isAlike);
}

function singlesOf({ last, ...first }: ProjectPort): ProjectPort[] {
  const { port, protocol } = first;
  const range = { port, protocol, ...(last === undefined ? {} : { last }) };
  return Array.from({ length: countOf(range) }, (_, index) => ({ ...first, port: port + index }));
}

function isAlike(one: ProjectPort, other: ProjectPort): boolean {
  return one.service === other.service && one.bound === other.bound && one.inside === other.inside;
}

/**
 * Docker publishes at all addresses if none is named, or for the wildcard of IPv4 or IPv6. Any other address,
 * especially loopback, means that the port is closed to other machines.
 */
function whereBound(address: string): Pick<ProjectPort, "bound" | "inside"> {
  const plain = address.replace(/^\[(.*)\]$/, "$1").replace(/^::ffff:(?=[\d.]+$)/i, "");
  if (plain === "" || plain === "0.0.0.0") return {};
  // A port published only at the IPv6 wildcard does not answer on IPv4.
  if (isIPv6(plain) && WILDCARD.check(plain, "ipv6")) return { inside: "::1" };
  return plain === "127.0.0.1" ? { bound: plain } : { bound: plain, inside: plain };
}

const WILDCARD = new BlockList();
WILDCARD.addAddress("::", "ipv6");

/** A port published at several addresses is one: open if any is a wildcard, else at 127.0.0.1 if possible. */
function onePerNumber(ports: readonly ProjectPort[]): ProjectPort[] {
  const found = new Map<string, ProjectPort>();
  const rank = ({ bound, inside }: ProjectPort) =>
    (bound === undefined ? 0 : 2) + (inside === undefined ? 0 : 1);
  for (const port of ports) {
    const key = `${port.protocol}/${port.port}`;
    const other = found.get(key);
    if (!other || rank(port) < rank(other)) found.set(key, port);
  }
  return [...found.values()];
}

function withoutValue(name: string, unset: readonly string[]): never {
  return fail({
    code: "compose-variables",
    ...errorText("error.compose-variables", { name }),
    found: shortList([...new Set(unset)]),
  });
}

function invalid(name: string | Words, found: Pick<FailureDetails, "found" | "foundText">): never {
  return fail({ code: "compose-invalid", ...errorText("error.compose-invalid", { name }), ...found });
}

/** Docker mixes plain lines with log lines: time="…" level=warning msg="…". */
function dockerWords(output: string): string[] {
  const lines = output.split("\n").map((line) => {
    const quoted = /\blevel=\w+ msg=("(?:[^"\\]|\\.)*")/.exec(line)?.[1];
    return (quoted === undefined ? line : parseJson<string>(quoted, line)).trim();
  });
  return [...new Set(lines.filter(Boolean))];
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Switches services on and off, wherever they run. Every action can be repeated: its state is written before it
// begins and when it is done, so that the next call resumes it after a power cut.

import { fail } from "../../common/fail.ts";
import type { Value } from "../../common/json.ts";
import type { PlaceId, Service, ServiceStep } from "../../common/service.ts";
import { configureSerf, PUBLISH_TIMER, SERF_UNIT } from "../discovery/serf.ts";
import { type Box, runOrFail } from "../host/box.ts";
import { errorText } from "../host/error-text.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { isUnclaimed, wasClaimed } from "./claim.ts";
import { fetchImages, removeProject, startProject } from "./compose.ts";
import { everyService } from "./custom-projects.ts";
import { defaultInputs, templateData } from "./data.ts";
import { forwardPorts } from "./forward.ts";
import { conditionMet } from "./inputs.ts";
import { installPackages, preparePackages } from "./packages.ts";
import { type Place, type Port, placeOf } from "./place.ts";
import { numbersOf, portName, shortList } from "./ports.ts";
import { forgetSecrets } from "./secrets.ts";
import { readStates, type ServiceState, writeState } from "./state.ts";
import { portNumber, type Render, renderer, type TemplateData } from "./template.ts";

export interface Wanted {
  readonly where: PlaceId;
  readonly inputs: { readonly [name: string]: Value };
  /** Announced to the community; default: unchanged, or true. */
  readonly published?: boolean;
  /** Its number at the community's web site. */
  readonly declared?: string;
  /** Its owner has made its first account; default: unchanged. */
  readonly claimed?: boolean;
}

export interface EngineTools {
  readonly box: Box;
  readonly image: ImageInfo;
}

/**
 * Idempotent. Fails with `service-port-taken` and `service-no-room` before any change; with `service-packages`,
 * `service-images`, `compose-invalid`, `compose-start`, `service-template`, `box-full`, `command-failed`.
 */
export async function activate(tools: EngineTools, service: Service, wanted: Wanted): Promise<void> {
  const { box } = tools;
  const before = (await readStates(box))[service.id];
  const place = placeOf(box, wanted.where);
  if (service.managed) await preparePackages(place, service);
  if (before && before.where !== wanted.where && before.state !== "off") await deactivate(tools, service);
  const { trouble: _past, ...kept } = before ?? {};
  const claimed = wanted.claimed ?? (await wasClaimed(place, service, before));
  const state: ServiceState = {
    facts: {},
    ...kept,
    ...(wanted.declared === undefined ? {} : { declared: wanted.declared }),
    ...(claimed === undefined ? {} : { claimed }),
    state: before?.state === "on" && before.where === wanted.where ? "on" : "starting",
    where: wanted.where,
    inputs: wanted.inputs,
    published: wanted.published ?? before?.published ?? true,
  };
  if (state.state === "starting" && before?.state !== "starting")
    await refuseTakenPorts(tools, service, place, wanted.inputs);
  for (const needed of await neededBy(box, service)) {
    const inputs = (await readStates(box))[needed.id]?.inputs ?? defaultInputs(needed);
    await activate(tools, needed, { where: wanted.where, inputs });
  }
  await writeState(box, service.id, state);
  if (service.managed) await start(tools, service, place, state);
  const done = { ...state, state: "on", facts: await readFacts(tools, service, place, state) } as const;
  await writeState(box, service.id, done);
}

async function neededBy(box: Box, { needs }: Service): Promise<Service[]> {
  const wanted = needs.services ?? [];
  return wanted.length ? (await everyService(box)).filter(({ id }) => wanted.includes(id)) : [];
}

/** Stops it; its data stays. Fails with `service-needed`. */
export async function deactivate(tools: EngineTools, service: Service): Promise<void> {
  const { box } = tools;
  const state = (await readStates(box))[service.id];
  if (!state || state.state === "off") return;
  if (!service.managed) return writeState(box, service.id, { ...state, state: "off" });
  await refuseNeeded(box, service);
  await writeState(box, service.id, { ...state, state: "stopping" });
  if (service.discovery === "community") await stopSerf(box);
  else {
    const place = placeOf(box, state.where);
    const data = await templateData(tools, service, place, state);
    for (const port of allPortsOf(service, data)) await place.close(port);
    for (const unit of service.units.slice().reverse()) {
      // The unit may be missing, if its packages were removed by hand: then it is off already.
      await place.run("systemctl", ["disable", "--now", unit]);
    }
    await runSteps(place, service.deactivate, data, await renderer());
    if (place.id !== "host") await forwardPorts(box, tools.image);
  }
  await writeState(box, service.id, { ...state, state: "off" });
}

async function refuseNeeded(box: Box, { id, title }: Service): Promise<void> {
  const states = await readStates(box);
  const others = (await everyService(box)).filter(
    (other) => other.needs.services?.includes(id) && (states[other.id]?.state ?? "off") !== "off",
  );
  if (others.length === 0) return;
  fail({
    code: "service-needed",
    ...errorText("error.service-needed", { title, other: others[0]?.id ?? "" }),
    found: others.map((other) => other.id).join(", "),
  });
}

/** Removes the data of a service that is off; returns the paths as "where: path". */
export async function removeData({ box }: EngineTools, service: Service): Promise<readonly string[]> {
  const state = (await readStates(box))[service.id];
  if (!state) return [];
  if (state.state !== "off") {
    fail({
      code: "service-running",
      ...errorText("error.service-running", { title: service.title, id: service.id }),
    });
  }
  const place = placeOf(box, state.where);
  // Before its accounts are removed.
  if (service.first_account === "visitor") await writeState(box, service.id, { ...state, claimed: false });
  if (service.compose) await removeProject(place, service);
  for (const path of service.data) await place.remove(path);
  await forgetSecrets(box, service);
  return service.data.map((path) => `${state.where}: ${path}`);
}

async function start(tools: EngineTools, service: Service, place: Place, state: ServiceState): Promise<void> {
  const { box, image } = tools;
  if (service.discovery === "community") return startSerf(box, image);
  await installPackages(place, service);
  const render = await renderer();
  const data = await templateData(tools, service, place, state);
  await runSteps(place, service.prepare, data, render);
  const changed = await writeFiles(place, service, data, render);
  if (service.compose) await fetchImages(place, service);
  await runSteps(place, service.activate, data, render);
  if (changed) await runOrFail(place, "systemctl", ["daemon-reload"]);
  await runOrFail(place, "systemctl", ["enable", ...service.units]);
  // After a power cut it may run with its former files: unless its state is "on", it is restarted.
  const verb = changed || state.state === "starting" ? "restart" : "start";
  if (service.compose) await startProject(place, service, verb);
  else await runOrFail(place, "systemctl", [verb, ...service.units]);
  const ports = portsOf(service, data, state).filter(({ closed }) => !closed);
  for (const port of allPortsOf(service, data).filter((each) => !ports.some(isSame(each))))
    await place.close(port);
  for (const port of ports) await place.open(port);
  if (place.id !== "host") await forwardPorts(box, image);
}

function isSame(port: Port) {
  return (other: Port) => portName(other) === portName(port);
}

/** Serf's configuration depends on the address, which may not exist yet: see publish.ts. */
async function startSerf(box: Box, image: ImageInfo): Promise<void> {
  const { address, changed } = await configureSerf(box, image);
  // serf.service also has an old init script; the timer announces after every boot and every ten minutes.
  await runOrFail(box, "systemctl", ["enable", SERF_UNIT, PUBLISH_TIMER]);
  await runOrFail(box, "systemctl", ["start", PUBLISH_TIMER]);
  if (!address) return;
  await runOrFail(box, "systemctl", [changed ? "restart" : "start", SERF_UNIT]);
}

export async function stopSerf(box: Box): Promise<void> {
  await runOrFail(box, "systemctl", ["disable", "--now", PUBLISH_TIMER, SERF_UNIT]);
}

/** The ports with these inputs. `state`: whether others may reach them yet. */
export function portsOf(
  service: Service,
  data: Pick<TemplateData, "community" | "inputs">,
  state: Pick<ServiceState, "claimed"> = {},
): Port[] {
  const isOpen = !isUnclaimed(service, state);
  return service.ports
    .filter(({ when }) => conditionMet(when, { ...defaultInputs(service), ...data.inputs }))
    .map(({ port, last, protocol, public: isPublic, inside, closed }) => ({
      port: portNumber(port, data),
      ...(last === undefined ? {} : { last }),
      protocol,
      public: isPublic && isOpen,
      ...(inside === undefined ? {} : { inside }),
      ...(closed ? { closed } : {}),
    }));
}

/** The ports with any inputs. */
function allPortsOf(service: Service, data: Pick<TemplateData, "community" | "inputs">): Port[] {
  return portsOf({ ...service, ports: service.ports.map(({ when: _when, ...each }) => each) }, data);
}

/** Fails if another program uses a port: clearer than a unit that does not start. */
async function refuseTakenPorts(
  { box, image }: EngineTools,
  service: Service,
  place: Place,
  inputs: Wanted["inputs"],
): Promise<void> {
  if (!service.managed || service.discovery === "community") return;
  const here = await place.listening();
  const outside = place.id === "host" ? here : await placeOf(box, "host").listening();
  const data = { community: image.community, inputs };
  const own = { ...service, ports: service.ports.filter(({ shared }) => !shared) };
  const taken = portsOf(own, data).filter(({ protocol, port, last = port, closed }) =>
    Array.from({ length: last - port + 1 }, (_, index) => `${protocol}/${port + index}`).some(
      (name) => here.has(name) || (!closed && outside.has(name)),
    ),
  );
  if (taken.length === 0) return;
  fail({
    code: "service-port-taken",
    ...errorText("error.service-port-taken", { title: service.title }),
    found: shortList(taken.map((port) => `${port.protocol}/${numbersOf(port)}`)),
  });
}

/** All steps or none: see `creates`. */
export async function runSteps(
  place: Place,
  steps: readonly ServiceStep[],
  data: TemplateData,
  render: Render,
): Promise<void> {
  // A file that a step creates marks the steps before it as done.
  const isThere = new Map<string, boolean>();
  for (const { creates } of steps) {
    if (creates !== undefined && !isThere.has(creates)) isThere.set(creates, await place.exists(creates));
  }
  for (const { run, input, creates, timeout_seconds: seconds } of steps) {
    if (creates !== undefined && isThere.get(creates)) continue;
    const [command = "", ...args] = run.map((word) => render(word, data, run.join(" ")));
    await runOrFail(place, command, args, {
      ...(input === undefined ? {} : { input: render(input, data, `input of ${run[0]}`) }),
      ...(seconds === undefined ? {} : { timeout: seconds * 1000 }),
    });
  }
}

async function writeFiles(
  place: Place,
  service: Service,
  data: TemplateData,
  render: Render,
): Promise<boolean> {
  let changed = false;
  for (const { template, target, mode, owner, keep } of service.files) {
    if (keep && (await place.exists(target))) continue;
    const content = render(service.templates[template] ?? "", data, template);
    changed = (await place.writeFile(target, content, { mode, owner })) || changed;
  }
  return changed;
}

async function readFacts(
  tools: EngineTools,
  service: Service,
  place: Place,
  state: ServiceState,
): Promise<ServiceState["facts"]> {
  const wanted = Object.entries(service.facts);
  if (wanted.length === 0) return {};
  const [render, data] = [await renderer(), await templateData(tools, service, place, state)];
  const found: Record<string, string> = {};
  for (const [name, { run, pattern }] of wanted) {
    const [command = "", ...args] = run.map((word) => render(word, data, run.join(" ")));
    const { stdout } = await place.run(command, args);
    const value = stdout.trim();
    if (new RegExp(pattern).test(value)) found[name] = value;
  }
  return { ...state.facts, ...found };
}

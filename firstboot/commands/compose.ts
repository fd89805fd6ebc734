// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox services compose`: adds the owner's docker-compose project as a service of the box, or removes it.

import { basename, dirname, join, resolve } from "node:path";
import { ENGINE, PROJECTS, projectDirectory } from "../../common/compose.ts";
import { fail } from "../../common/fail.ts";
import type { Service } from "../../common/service.ts";
import { catalogue, findService } from "../catalogue/catalogue.ts";
import { runOrFail } from "../host/box.ts";
import { errorText } from "../host/error-text.ts";
import { saidOr, sayFound } from "../host/found-text.ts";
import { boxFacts, offer } from "../services/availability.ts";
import { type ProjectPlan, type ProjectPort, readProject, within, without } from "../services/compose.ts";
import { forget, isOwn, ownProject, ownServices, remember } from "../services/custom-projects.ts";
import { defaultInputs } from "../services/data.ts";
import { activate, deactivate, removeData } from "../services/engine.ts";
import { type Place, placeOf } from "../services/place.ts";
import { countOf, parsePort, portName, shortList } from "../services/ports.ts";
import { COMPOSE_FILES } from "../services/project-words.ts";
import { publish } from "../services/publish.ts";
import { forgetState, readStates, writeState } from "../services/state.ts";
import type { ServicesOptions, ServicesTools } from "./services-tools.ts";

const NAME = /^[a-z][a-z0-9-]{0,30}$/;
/** Directory of a project until it has been checked. */
const NEW = ".new";

/**
 * Copies the project into the community's context, checks it there, and registers it. An older one of the same name
 * is updated; its containers' data in the directory stays. Fails with `compose-source`, `compose-name`,
 * `compose-invalid`, `compose-variables`, `compose-port`, `compose-many-ports`, `service-impossible`.
 */
export async function addProject(
  tools: ServicesTools,
  source: string,
  { name, port = [], yes = false, claim = false }: ServicesOptions,
): Promise<Service> {
  const { box, image } = tools;
  const found = await findSource(tools, resolve(source));
  const id = name ?? nameOf(found.directory);
  await checkName(tools, id);
  await needDocker(tools);
  const place = placeOf(box, "community");
  const staged = await push(tools, place, found);
  await keepVariables(place, id, staged);
  const plan = await readProject(place, id, staged);
  const open = chosenPorts(id, plan, port);
  refuseMany(id, open, yes);
  // Its ports may have changed.
  const before = (await ownServices(box)).find((each) => each.id === id);
  const wasClosed = before?.first_account === "visitor";
  const service = ownProject(id, plan, open, { visitor: claim || wasClosed });
  const target = projectDirectory(id);
  await runOrFail(place, "mkdir", ["--parents", target]);
  await runOrFail(place, "cp", ["--archive", `${PROJECTS}/${staged}/.`, `${target}/`]);
  await place.remove(`${PROJECTS}/${NEW}`);
  if (before) await deactivate({ box, image }, before);
  const state = (await readStates(box))[id];
  if (state && claim && !wasClosed) await writeState(box, id, { ...state, claimed: false });
  await remember(box, service);
  tell(tools, plan, open);
  return service;
}

/** Docker's messages, and what a person may wrongly expect to be set, open or announced. */
function tell({ t, print }: ServicesTools, plan: ProjectPlan, open: readonly ProjectPort[]): void {
  for (const line of plan.said) print(`docker: ${line}`);
  if (plan.absent.length) print(t("services.compose.absent", { names: shortList(plan.absent) }));
  // The compose file does not open these ports to other machines, so the box does not either.
  const closed = without(plan.ports, open).filter(({ bound }) => bound !== undefined);
  if (closed.length) {
    const names = closed.map((each) => `${portName(each)} (${each.service}: ${each.bound})`);
    const options = [...open, ...closed].map((each) => `--port ${portName(each)}`).join(" ");
    print(t("services.compose.closed", { ports: shortList(names), options }));
  }
  const isUnknown = !open.some(({ service }) => plan.onHost.includes(service));
  if (plan.onHost.length && isUnknown) print(t("services.compose.host", { names: plan.onHost.join(", ") }));
  const ranges = open.filter(({ last }) => last !== undefined);
  if (ranges.length) print(t("services.compose.range", { ports: shortList(ranges.map(portName)) }));
}

/** Deletes the project with its data. Fails with `compose-not-own`, `service-data-kept`. */
export async function removeProject(
  { box, image, t, print }: ServicesTools,
  service: Service,
  { yes = false }: ServicesOptions,
): Promise<void> {
  const { id } = service;
  if (!(await isOwn(box, id))) {
    fail({ code: "compose-not-own", ...errorText("error.compose-not-own", { id }) });
  }
  if (!yes) {
    fail({
      code: "service-data-kept",
      ...errorText("error.service-data-kept.project", { id }),
      ...sayFound("found.project-data", { path: projectDirectory(id) }),
    });
  }
  await deactivate({ box, image }, service);
  await publish(box, image);
  for (const path of await removeData({ box, image }, service)) print(t("services.removed", { path }));
  await forgetState(box, id);
  await forget(box, id);
}

interface Source {
  readonly directory: string;
  /** Only this file is copied; otherwise the whole directory. */
  readonly file?: string;
}

async function findSource({ box }: ServicesTools, path: string): Promise<Source> {
  const names = await box.list(path).catch((): string[] => []);
  if (COMPOSE_FILES.some((each) => names.includes(each))) return { directory: path };
  if (names.length === 0 && (await box.readFile(path).catch(() => undefined)))
    return { directory: dirname(path), file: path };
  return fail({
    code: "compose-source",
    ...errorText("error.compose-source", { path }),
    ...(names.length
      ? sayFound("found.no-compose-file", { names: COMPOSE_FILES.join(", ") })
      : sayFound("found.no-directory")),
  });
}

function nameOf(directory: string): string {
  return basename(directory)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-");
}

async function checkName({ box }: ServicesTools, id: string): Promise<void> {
  if (!NAME.test(id)) {
    fail({
      code: "compose-name",
      ...errorText("error.compose-name", { id }),
      ...sayFound("found.project-name"),
    });
  }
  if (findService(id) && !(await isOwn(box, id))) {
    fail({
      code: "compose-name",
      ...errorText("error.compose-name.taken", { id }),
      ...sayFound("found.services", { names: catalogue.map((service) => service.id).join(", ") }),
    });
  }
}

async function needDocker({ box, image, t, print }: ServicesTools): Promise<void> {
  const docker = findService(ENGINE) as Service;
  const offered = offer(docker, await boxFacts(box, image));
  if ("reason" in offered) {
    return fail({
      code: "service-impossible",
      ...errorText("error.service-impossible.docker"),
      found: t(`problem.service-${offered.reason}`),
    });
  }
  print(t("progress.services.activate", { title: docker.title }));
  const inputs = (await readStates(box))[ENGINE]?.inputs ?? defaultInputs(docker);
  await activate({ box, image }, docker, { where: "community", inputs });
}

/** Copies into the context, into a staging directory. Returns the path below the directory of all projects. */
async function push({ box }: ServicesTools, place: Place, { directory, file }: Source): Promise<string> {
  // `incus file push` keeps the last part of a directory's path as its name.
  const staged = `${NEW}/${file ? "project" : basename(directory)}`;
  await place.remove(`${PROJECTS}/${NEW}`);
  await runOrFail(place, "mkdir", ["--parents", `${PROJECTS}/${file ? staged : NEW}`]);
  const beside = join(directory, ".env");
  const pushes = file
    ? [
        [file, `${place.id}${PROJECTS}/${staged}/${COMPOSE_FILES[0]}`],
        // Its variables are part of the project.
        ...((await box.exists(beside)) ? [[beside, `${place.id}${PROJECTS}/${staged}/.env`]] : []),
      ]
    : [["--recursive", directory, `${place.id}${PROJECTS}/${NEW}/`]];
  for (const words of pushes)
    await runOrFail(box, "incus", ["file", "push", "--project", place.id, ...words]);
  return staged;
}

/** The former variables stay if there are no new ones: files beside the compose file are kept. */
async function keepVariables(place: Place, id: string, staged: string): Promise<void> {
  const [before, now] = [`${projectDirectory(id)}/.env`, `${PROJECTS}/${staged}/.env`];
  if ((await place.exists(before)) && !(await place.exists(now)))
    await runOrFail(place, "cp", ["--archive", before, now]);
}

/**
 * The named ports; otherwise all ports except those that the compose file binds to one address, such as 127.0.0.1.
 * Fails with `compose-port`.
 */
export function chosenPorts(
  id: string,
  plan: ProjectPlan,
  wanted: readonly string[],
): readonly ProjectPort[] {
  const { ports, onHost } = plan;
  const [listener] = onHost;
  if (wanted.length === 0) return ports.filter(({ bound }) => bound === undefined);
  return wanted.flatMap((text) => {
    const range = parsePort(text);
    const found = range && within(ports, range);
    if (found) return found;
    if (range && listener !== undefined) return [{ ...range, service: listener }];
    return fail({
      code: "compose-port",
      ...errorText("error.compose-port", { id, port: text }),
      ...saidOr(shortList(ports.map(portName)), "found.publishes-none"),
    });
  });
}

/** More open ports are rarely intended. */
const MANY = 100;

function refuseMany(id: string, open: readonly ProjectPort[], yes: boolean): void {
  const count = open.reduce((sum, each) => sum + countOf(each), 0);
  if (yes || count <= MANY) return;
  fail({
    code: "compose-many-ports",
    ...errorText("error.compose-many-ports", { id, count }),
    found: shortList(open.map(portName)),
  });
}

// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox services`: what the box offers, and one service on, off, anew, in public or not, for the person who knows its
// name. The questions of the set-up are `cbox services setup`.

import { parseArgs } from "node:util";
import { didYouMean } from "../../common/did-you-mean.ts";
import { fail } from "../../common/fail.ts";
import type { PlaceId, Service } from "../../common/service.ts";
import type { Box } from "../box.ts";
import { must } from "../box.ts";
import { linuxBox } from "../box-linux.ts";
import { isTextKey, type Translate, translator } from "../i18n.ts";
import { type ImageInfo, readImageInfo } from "../image-info.ts";
import { publish } from "../publish.ts";
import { PUBLISH_TIMER } from "../serf.ts";
import { catalogue, findService } from "../services/catalogue.ts";
import { defaultInputs } from "../services/data.ts";
import { activate, deactivate, removeData } from "../services/engine.ts";
import { waitUntilHealthy } from "../services/health.ts";
import { boxFacts, offer } from "../services/offer.ts";
import { doing, overview, type ServiceView, viewData } from "../services/overview.ts";
import { placeOf } from "../services/place.ts";
import { readSecrets } from "../services/secrets.ts";
import { readStates, type ServiceState, writeState } from "../services/state.ts";
import { readChoices } from "../steps/system/apply.ts";
import { needRoot } from "./root.ts";

export interface ServicesTools {
  readonly box: Box;
  readonly image: ImageInfo;
  readonly t: Translate;
  readonly print: (line: string) => void;
}

interface Options {
  readonly json?: boolean;
  readonly context?: string;
  readonly yes?: boolean;
}

type Verb = (tools: ServicesTools, service: Service, options: Options) => Promise<void>;

const VERBS: { readonly [verb: string]: Verb } = {
  enable,
  disable,
  start: (tools, service) => control(tools, service, "start"),
  stop: (tools, service) => control(tools, service, "stop"),
  publish: (tools, service) => announce(tools, service, true),
  unpublish: (tools, service) => announce(tools, service, false),
  log,
  secret,
  "remove-data": forget,
};

const USAGE = `usage: cbox services [list] [--json]
       cbox services enable ID [--context host|owner|community]
       cbox services disable|start|stop|publish|unpublish|log|secret ID
       cbox services remove-data ID --yes
       cbox services setup
`;

export async function services(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: "boolean" },
      context: { type: "string" },
      yes: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  const [verb = "list", id] = positionals;
  if (values.help || verb === "help") return void process.stdout.write(USAGE);
  if (verb !== "list") needRoot(["cbox services", ...args].join(" "));
  const box = linuxBox();
  const image = await readImageInfo(box);
  const { language = image.community.default_language } = await readChoices(box);
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  await runServices({ box, image, t: translator(language), print }, verb, id, values);
}

/** Fails with `usage`, `service-unknown`, and as the verb does. */
export async function runServices(
  tools: ServicesTools,
  verb: string,
  id: string | undefined,
  options: Options,
): Promise<void> {
  if (verb === "list") return list(tools, options);
  const run = VERBS[verb];
  if (!run || id === undefined) {
    fail({
      code: "usage",
      what: run
        ? `cbox services ${verb} needs the name of a service.`
        : `cbox services has no command "${verb}".`,
      hint: "cbox services --help",
      exitCode: 2,
    });
  }
  await run(tools, named(id), options);
}

function named(id: string): Service {
  const names = catalogue.map((service) => service.id);
  const guess = didYouMean(id, names);
  return (
    findService(id) ??
    fail({
      code: "service-unknown",
      what: `There is no service "${id}".`,
      found: `services: ${names.join(", ")}`,
      hint: guess ? `did you mean "${guess}"?` : "cbox services",
      exitCode: 2,
    })
  );
}

async function list({ box, image, t, print }: ServicesTools, { json = false }: Options): Promise<void> {
  const views = await overview(box, image);
  if (json) return print(JSON.stringify({ services: views.map(viewData) }, undefined, 2));
  for (const view of views) print(listLine(view, t));
}

export function listLine(view: ServiceView, t: Translate): string {
  const { service, state, where = "", reason } = view;
  const key = `problem.service-${reason}`;
  const what = state === "off" && reason && isTextKey(key) ? `${doing(view, t)} (${t(key)})` : doing(view, t);
  return `${service.id.padEnd(12)} ${(state === "off" ? "" : where).padEnd(10)} ${what}`.trimEnd();
}

async function enable(tools: ServicesTools, service: Service, { context }: Options): Promise<void> {
  const { box, image, t, print } = tools;
  const offered = offer(service, await boxFacts(box, image));
  const before = (await readStates(box))[service.id];
  const places: readonly PlaceId[] = offered.places;
  const where =
    places.find((place) => place === (context ?? before?.where)) ?? (context ? undefined : places[0]);
  if (!where) {
    const key = "reason" in offered ? `problem.service-${offered.reason}` : "problem.service-where";
    fail({
      code: "service-impossible",
      what: `${service.title.en} cannot be switched on here.`,
      found: isTextKey(key) ? t(key, { names: places.join(", ") }) : key,
      hint: "cbox services",
    });
  }
  print(t(`progress.services.activate.${service.id}` as "step.services"));
  await activate(tools, service, { where, inputs: before?.inputs ?? defaultInputs(service) });
  const state = await stateOf(tools, service);
  print(t(`progress.services.wait.${service.id}` as "step.services"));
  const faults = await waitUntilHealthy(tools, service, state);
  await publish(box, image);
  if (faults.length) {
    fail({
      code: "service-failed",
      what: `${service.title.en} was switched on, but does not work.`,
      found: faults.join(", "),
      hint: `sudo cbox services log ${service.id}`,
    });
  }
  await secret(tools, service);
}

async function disable({ box, image, print }: ServicesTools, service: Service): Promise<void> {
  const before = (await readStates(box))[service.id];
  await deactivate({ box, image }, service);
  await publish(box, image);
  if (before && service.data.length && service.managed)
    print(`kept in ${before.where}: ${service.data.join(", ")}`);
}

/** Until the next restart of the box; `enable` and `disable` are for good. */
async function control(tools: ServicesTools, service: Service, verb: "start" | "stop"): Promise<void> {
  const state = await stateOf(tools, service);
  if (!service.managed) {
    fail({
      code: "service-not-ours",
      what: `${service.title.en} belongs to the system; it is only announced here.`,
      hint: `cbox services unpublish ${service.id}`,
    });
  }
  // Else the timer would bring Serf back within minutes.
  const units = service.id === "serf" ? [...service.units, PUBLISH_TIMER] : service.units;
  await must(placeOf(tools.box, state.where), "systemctl", [verb, ...units], { timeout: 180_000 });
  if (service.id !== "serf" || verb === "start") await publish(tools.box, tools.image);
}

async function announce(tools: ServicesTools, service: Service, published: boolean): Promise<void> {
  if (!service.publication) {
    fail({
      code: "service-not-public",
      what: `${service.title.en} has nothing to announce.`,
      hint: "cbox services",
    });
  }
  await writeState(tools.box, service.id, { ...(await stateOf(tools, service)), published });
  await publish(tools.box, tools.image, tools.print);
}

async function log(tools: ServicesTools, service: Service): Promise<void> {
  const state = await stateOf(tools, service, "any");
  const units = service.units.flatMap((unit) => ["--unit", unit]);
  const place = placeOf(tools.box, state.where);
  const { stdout } = await place.run("journalctl", [...units, "--lines=60", "--no-pager", "--no-hostname"]);
  if (state.trouble) tools.print(state.trouble.what);
  tools.print(stdout.trimEnd());
}

async function secret({ box, t, print }: ServicesTools, service: Service): Promise<void> {
  for (const [name, value] of Object.entries(await readSecrets(box, service))) {
    const key = `hand-over.services.${service.id}.${name}` as "hand-over.services.secret";
    print(t(key, { secret: value }));
  }
}

async function forget(tools: ServicesTools, service: Service, { yes = false }: Options): Promise<void> {
  const state = (await readStates(tools.box))[service.id];
  if (!yes) {
    const where = service.data.map((path) => `${state?.where ?? "host"}: ${path}`).join(", ");
    fail({
      code: "service-data-kept",
      what: `This removes for good what ${service.title.en} has stored.`,
      found: where || "nothing",
      hint: `cbox services remove-data ${service.id} --yes`,
    });
  }
  for (const path of await removeData(tools, service)) tools.print(`removed ${path}`);
}

/** `any`: also of a service that is off. Fails with `service-off`. */
async function stateOf(
  { box }: ServicesTools,
  service: Service,
  which: "on" | "any" = "on",
): Promise<ServiceState> {
  const state = (await readStates(box))[service.id];
  if (state && (which === "any" || state.state === "on")) return state;
  if (which === "any")
    return {
      state: "off",
      where: service.where.allowed[0] ?? "host",
      published: true,
      inputs: {},
      facts: {},
    };
  return fail({
    code: "service-off",
    what: `${service.title.en} is not on.`,
    hint: `sudo cbox services enable ${service.id}`,
  });
}

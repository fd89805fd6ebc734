// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox services`: lists the box's services, and switches one on or off, restarts or publishes it by name. The
// questions of the set-up are `cbox services setup`.

import { parseArgs } from "node:util";
import { imagesByTag } from "../../common/container-image.ts";
import { didYouMean } from "../../common/did-you-mean.ts";
import { fail } from "../../common/fail.ts";
import { jsonLines, quoted, say, sayLines } from "../../common/say.ts";
import type { PlaceId, Service } from "../../common/service.ts";
import type { ACTS } from "../catalogue/texts.ts";
import { PUBLISH_TIMER } from "../discovery/serf.ts";
import { runOrFail } from "../host/box.ts";
import { errorText } from "../host/error-text.ts";
import { foundSentence, saidOr, sayFound } from "../host/found-text.ts";
import { readImageInfo } from "../host/image-info.ts";
import { boxLanguage } from "../host/language.ts";
import { linuxBox } from "../host/linux.ts";
import { alone } from "../host/lock.ts";
import { readChoices } from "../host/owner-settings.ts";
import { isTextKey, type Translate, translator } from "../i18n/translate.ts";
import { boxFacts, offer } from "../services/availability.ts";
import { isUnclaimed } from "../services/claim.ts";
import { projectLog } from "../services/compose.ts";
import { copiesOf, spreadFiles } from "../services/copies.ts";
import { everyService } from "../services/custom-projects.ts";
import { defaultInputs } from "../services/data.ts";
import { activate, deactivate, removeData } from "../services/engine.ts";
import { waitUntilHealthy } from "../services/health.ts";
import { doing, overview, type ServiceView, viewData } from "../services/overview.ts";
import { placeOf } from "../services/place.ts";
import { publish } from "../services/publish.ts";
import { eachSecret, secretsForPeople } from "../services/secrets.ts";
import { readStates, type ServiceState, writeState } from "../services/state.ts";
import { upgrade } from "../services/upgrade.ts";
import { needAccount, wayIn } from "./claim.ts";
import { addProject, removeProject } from "./compose.ts";
import { usageText } from "./help.ts";
import { needRoot } from "./root.ts";
import type { ServicesOptions, ServicesTools } from "./services-tools.ts";

/** Maximum number of entries listed for people; programs get all. */
const MOST_LEFT_OUT = 10;

/** Subcommands that do not change the box's settings. */
const LOOKING = ["list", "log", "secret", "spread"];

type Verb = (tools: ServicesTools, service: Service, options: ServicesOptions) => Promise<void>;

export const VERBS: { readonly [verb: string]: Verb } = {
  enable,
  disable,
  start: (tools, service) => control(tools, service, "start"),
  stop: (tools, service) => control(tools, service, "stop"),
  publish: (tools, service) => announce(tools, service, true),
  unpublish: (tools, service) => announce(tools, service, false),
  log,
  secret,
  claim,
  upgrade: renew,
  spread,
  "remove-data": forget,
};

export const USAGE = `usage: cbox services [list] [--json]
       cbox services enable ID [--context host|owner|community]
       cbox services disable|start|stop|publish|unpublish|log|secret|upgrade ID
       cbox services claim ID [--yes]
       cbox services remove-data ID --yes
       cbox services spread ID < FILE-WITH-KEYS
       cbox services compose add DIRECTORY|FILE [--name NAME] [--port PORT[-LAST][/udp]]... [--claim] [--yes]
       cbox services compose remove NAME --yes
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
      name: { type: "string" },
      port: { type: "string", multiple: true },
      claim: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  const [verb = "list", id, what] = positionals;
  if (values.help || verb === "help") return sayLines(usageText(USAGE, translator(await boxLanguage())));
  if (verb !== "list") needRoot(["cbox services", ...args].join(" "));
  const box = linuxBox();
  const image = await readImageInfo(box);
  const { language = image.community.default_language } = await readChoices(box);
  const tools = { box, image, t: translator(language), print: say };
  const run = () =>
    verb === "compose" ? runCompose(tools, id, what, values) : runServices(tools, verb, id, values);
  await (LOOKING.includes(verb) ? run() : alone(run));
}

/** Fails with `usage`, `service-unknown`, and with the subcommand's errors. */
export async function runServices(
  tools: ServicesTools,
  verb: string,
  id: string | undefined,
  options: ServicesOptions,
): Promise<void> {
  if (verb === "list") return list(tools, options);
  const run = VERBS[verb];
  if (!run || id === undefined) {
    fail({
      code: "usage",
      ...errorText(run ? "error.usage.service" : "error.usage.services", { verb }),
      exitCode: 2,
    });
  }
  await run(tools, await named(tools, id), options);
}

/** Fails with `usage`, and with the subcommand's errors. */
export async function runCompose(
  tools: ServicesTools,
  act: string | undefined,
  what: string | undefined,
  options: ServicesOptions,
): Promise<void> {
  if (what === undefined || (act !== "add" && act !== "remove")) {
    fail({ code: "usage", ...errorText("error.usage.compose"), exitCode: 2 });
  }
  if (act === "remove") return removeProject(tools, await named(tools, what), options);
  await enable(tools, await addProject(tools, what, options), {});
}

async function named({ box }: ServicesTools, id: string): Promise<Service> {
  const all = await everyService(box);
  const names = all.map((service) => service.id);
  const guess = didYouMean(id, names);
  return (
    all.find((service) => service.id === id) ??
    fail({
      code: "service-unknown",
      ...errorText(
        "error.service-unknown",
        { id, suggestion: guess ?? "" },
        guess ? "did-you-mean" : undefined,
      ),
      ...sayFound("found.services", { names: names.join(", ") }),
      exitCode: 2,
    })
  );
}

async function list(
  { box, image, t, print }: ServicesTools,
  { json = false }: ServicesOptions,
): Promise<void> {
  const views = await overview(box, image);
  if (json) {
    for (const line of jsonLines({ services: views.map(viewData) })) print(line);
    return;
  }
  for (const view of views) print(listLine(view, t));
  for (const { service, leftOut = [] } of views) {
    for (const each of leftOut.slice(0, MOST_LEFT_OUT)) print(`  ${service.id}: ${each}`);
    const more = leftOut.length - MOST_LEFT_OUT;
    if (more > 0) print(t("services.left-out.more", { id: service.id, count: more }));
  }
  for (const { service, copies } of views) {
    if (copies && copies.boxes > 1)
      print(t("services.copies.spread", { title: service.title, id: service.id }));
  }
  for (const { service, state } of views) if (state !== "off") tellImagesByTag({ t, print }, service);
}

/** Not for the owner's projects: their images are the owner's choice. */
function tellImagesByTag({ t, print }: Pick<ServicesTools, "t" | "print">, service: Service): void {
  const images = imagesByTag(service);
  if (images.length) print(t("services.by-tag", { title: service.title.en, images: images.join(", ") }));
}

export function listLine(view: ServiceView, t: Translate): string {
  const { service, state, where = "", reason } = view;
  const key = `problem.service-${reason}`;
  const what = state === "off" && reason && isTextKey(key) ? `${doing(view, t)} (${t(key)})` : doing(view, t);
  return `${service.id.padEnd(15)} ${(state === "off" ? "" : where).padEnd(10)} ${what}`.trimEnd();
}

async function enable(tools: ServicesTools, service: Service, { context }: ServicesOptions): Promise<void> {
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
      ...errorText("error.service-impossible", { title: service.title }),
      found: isTextKey(key) ? t(key, { names: places.join(", ") }) : key,
    });
  }
  tellImagesByTag(tools, service);
  print(sayAct(t, "activate", service));
  await activate(tools, service, { where, inputs: before?.inputs ?? defaultInputs(service) });
  const state = await stateOf(tools, service);
  print(sayAct(t, "wait", service));
  const faults = await waitUntilHealthy(tools, service, state);
  await publish(box, image);
  if (faults.length) notWorking(service, "enabled", faults);
  if ((await copiesOf({ box, image }, service, state))?.boxes === 1)
    print(t("services.copies.one", { title: service.title }));
  await secret(tools, service);
  if (isUnclaimed(service, state)) await tellWayIn(tools, service);
}

async function tellWayIn({ box, image, t, print }: ServicesTools, service: Service): Promise<void> {
  const text = t("services.claim.how", await wayIn(box, image, service));
  for (const line of text.split("\n")) print(line);
}

/**
 * The owner has made its first account: from now on other machines can reach it. `--yes`: without checking its page.
 * Fails with `service-no-claim`, `service-unclaimed`, `service-off`.
 */
async function claim(
  tools: ServicesTools,
  service: Service,
  { yes = false }: ServicesOptions,
): Promise<void> {
  const { box, image, t, print } = tools;
  if (service.first_account !== "visitor") {
    fail({ code: "service-no-claim", ...errorText("error.service-no-claim", { title: service.title }) });
  }
  const { where, inputs, ...before } = await stateOf(tools, service);
  if (isUnclaimed(service, before) && !yes) {
    try {
      await needAccount(box, service);
    } catch (error) {
      await tellWayIn(tools, service);
      throw error;
    }
  }
  await activate(tools, service, { where, inputs, claimed: true });
  const state = await stateOf(tools, service);
  print(sayAct(t, "wait", service));
  const faults = await waitUntilHealthy(tools, service, state);
  await publish(box, image);
  if (faults.length) notWorking(service, "claimed", faults);
  print(t("services.claim.open", await wayIn(box, image, service)));
}

/** Keys of files are read from standard input: they are secrets, and everyone can see a command line. */
async function spread(tools: ServicesTools, service: Service, { keys }: ServicesOptions): Promise<void> {
  const { box, image, t, print } = tools;
  if (!service.copies) {
    fail({ code: "service-no-copies", ...errorText("error.service-no-copies", { title: service.title }) });
  }
  const state = await stateOf(tools, service);
  if (keys === undefined && process.stdin.isTTY) print(t("services.copies.ask"));
  const given = keys ?? (await readAll(process.stdin));
  for (const { boxes, key, isNew } of await spreadFiles({ box, image }, service, state, given)) {
    const name = isNew ? key : `${key.slice(0, 20)}...`;
    const done = boxes === 0 ? "unreadable" : isNew ? "spread-anew" : "spread-done";
    const word = boxes === undefined ? "not-spread" : done;
    print(t(`services.copies.${word}`, { key: name, count: boxes ?? 0 }));
  }
}

async function readAll(stream: AsyncIterable<Buffer | string>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += chunk;
  return text;
}

/** Also for a service without texts in the catalogues. */
function sayAct(t: Translate, act: (typeof ACTS)[number], { id, title }: Service): string {
  const key = `progress.services.${act}.${id}`;
  return isTextKey(key) ? t(key) : t(`progress.services.${act}`, { title });
}

async function disable({ box, image, t, print }: ServicesTools, service: Service): Promise<void> {
  const before = (await readStates(box))[service.id];
  await deactivate({ box, image }, service);
  await publish(box, image);
  if (before && service.data.length && service.managed)
    print(t("services.kept", { where: before.where, paths: service.data.join(", ") }));
}

/** Until the next restart of the box; `enable` and `disable` are permanent. */
async function control(tools: ServicesTools, service: Service, verb: "start" | "stop"): Promise<void> {
  const state = await stateOf(tools, service);
  if (!service.managed) {
    fail({
      code: "service-not-ours",
      ...errorText("error.service-not-ours", { title: service.title, id: service.id }),
    });
  }
  // Otherwise the timer would start Serf again within minutes.
  const isDiscovery = service.discovery === "community";
  const units = isDiscovery ? [...service.units, PUBLISH_TIMER] : service.units;
  await runOrFail(placeOf(tools.box, state.where), "systemctl", [verb, ...units]);
  if (!isDiscovery || verb === "start") await publish(tools.box, tools.image);
}

async function announce(tools: ServicesTools, service: Service, published: boolean): Promise<void> {
  if (!service.publication) {
    fail({ code: "service-not-public", ...errorText("error.service-not-public", { title: service.title }) });
  }
  await writeState(tools.box, service.id, { ...(await stateOf(tools, service)), published });
  await publish(tools.box, tools.image, tools.print, tools.t);
}

async function log(tools: ServicesTools, service: Service): Promise<void> {
  const state = await stateOf(tools, service, "any");
  const units = service.units.flatMap((unit) => ["--unit", unit]);
  const place = placeOf(tools.box, state.where);
  const { stdout } = await place.run("journalctl", [...units, "--lines=60", "--no-pager", "--no-hostname"]);
  if (state.trouble) tools.print(troubleLine(tools.t, state.trouble));
  const containers = service.compose ? await projectLog(place, service) : "";
  for (const text of [stdout.trimEnd(), containers].filter(Boolean))
    for (const line of quoted(text)) tools.print(line);
}

/** Why the set-up could not switch it on, with what was found. */
function troubleLine(t: Translate, trouble: NonNullable<ServiceState["trouble"]>): string {
  const { what, text } = trouble;
  if (!text || !isTextKey(text.key)) return what;
  return [t(text.key, text.values), foundSentence(t, trouble)].filter(Boolean).join(" ");
}

async function renew(tools: ServicesTools, service: Service): Promise<void> {
  const state = await stateOf(tools, service);
  await upgrade(tools, service, state);
  const faults = await waitUntilHealthy(tools, service, state);
  await publish(tools.box, tools.image);
  if (faults.length) notWorking(service, "renewed", faults);
}

function notWorking(
  { id, title }: Service,
  done: "enabled" | "claimed" | "renewed",
  faults: readonly string[],
): never {
  return fail({
    code: "service-failed",
    ...errorText(`error.service-failed.${done}`, { title, id }),
    found: faults.join(", "),
  });
}

async function secret({ box, t, print }: ServicesTools, service: Service): Promise<void> {
  for (const { name, word = "", secret: value } of eachSecret(await secretsForPeople(box, service))) {
    const key = `hand-over.services.${service.id}.${name}` as "hand-over.services.secret";
    print(t(key, { secret: value, name: word }));
  }
}

async function forget(
  tools: ServicesTools,
  service: Service,
  { yes = false }: ServicesOptions,
): Promise<void> {
  const state = (await readStates(tools.box))[service.id];
  if (!yes) {
    const where = service.data.map((path) => `${state?.where ?? "host"}: ${path}`).join(", ");
    fail({
      code: "service-data-kept",
      ...errorText("error.service-data-kept", { title: service.title, id: service.id }),
      ...saidOr(where, "found.nothing"),
    });
  }
  for (const path of await removeData(tools, service)) tools.print(tools.t("services.removed", { path }));
}

/** `any`: also for a service that is off. Fails with `service-off`. */
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
    ...errorText("error.service-off", { title: service.title, id: service.id }),
  });
}

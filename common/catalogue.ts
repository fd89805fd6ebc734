// SPDX-License-Identifier: GPL-3.0-or-later
// Reads the catalogue of services from its directories, validates each service, and returns it with its templates:
// the form that is packed into the image.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { asProject } from "./compose.ts";
import { Failure, fail, foundList } from "./fail.ts";
import { compileSchema, sentence } from "./schema.ts";
import { type Service, type ServiceFile, serviceSchema } from "./service.ts";
import { textOf } from "./text-encoding.ts";

const check = compileSchema<ServiceFile>(serviceSchema, { name: "service.yaml" });

/** All services below `directory`, most important first. Throws Failure `service-invalid` with all mistakes. */
export function readCatalogue(directory: string): Service[] {
  const ids = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
  const services = ids.map((id) => readService(directory, id)).sort((a, b) => a.priority - b.priority);
  for (const service of services) {
    const unknown = (service.needs.services ?? []).filter((id) => !ids.includes(id));
    if (unknown.length)
      invalidService(
        service.id,
        unknown.map((id) => `needs.services: there is no service "${id}"`),
      );
  }
  return services;
}

/** The service in `directory`/`id`. Throws Failure `service-invalid` with all mistakes. */
export function readService(directory: string, id: string): Service {
  const folder = join(directory, id);
  let data: unknown;
  try {
    data = parse(textOf(readFileSync(join(folder, "service.yaml")), "service.yaml"));
  } catch (error) {
    const found = error instanceof Failure ? ` It is ${error.found}.` : "";
    return invalidService(id, [`${(error as Error).message.split("\n")[0]}${found}`]);
  }
  const checked = check(data);
  if (!checked.ok) return invalidService(id, checked.errors.map(sentence));
  const templates = Object.fromEntries(
    readdirSync(folder)
      .filter((name) => name.endsWith(".hbs"))
      .sort()
      .map((name) => [name, textOf(readFileSync(join(folder, name)), name)]),
  );
  const service = { ...asProject(checked.value), templates };
  const mistakes = semanticErrors(id, service);
  return mistakes.length ? invalidService(id, mistakes) : service;
}

/** Rules that a schema cannot express. */
function semanticErrors(id: string, service: Service): string[] {
  const named = new Set(service.files.map(({ template }) => template));
  const present = Object.keys(service.templates);
  return [
    ...(service.id === id ? [] : [`id: expected "${id}", the folder's name, found "${service.id}"`]),
    ...[...named].filter((file) => !present.includes(file)).map((file) => `files: there is no ${file}`),
    ...present.filter((file) => !named.has(file)).map((file) => `${file} is used by no entry of files`),
    ...(service.source === "image" || service.packages.length || service.compose
      ? []
      : ["packages: expected at least one"]),
    ...(service.units.length ? [] : ["units: expected at least one, or compose"]),
    ...(service.compose ? senseOfProject(service) : []),
    ...Object.keys(service.found?.join?.inputs ?? {})
      .filter((name) => !Object.hasOwn(service.inputs, name))
      .map((name) => `found.join.inputs: there is no input "${name}"`),
    ...(service.publication && !service.ports.some(({ public: isPublic }) => isPublic)
      ? ["publication: expected a public port to announce"]
      : []),
    ...senseOfAccount(service),
    ...Object.entries(service.inputs).flatMap(([name, input]) => senseOfInput(name, input)),
    ...inputsNamed(service)
      .filter(([, input]) => !Object.hasOwn(service.inputs, input))
      .map(([at, input]) => `${at}: there is no input "${input}"`),
  ];
}

/** Where inputs are referred to, and which. */
function inputsNamed({ inputs, ports, publication, secrets }: Service): [string, string][] {
  const of = (at: string, when: object = {}) =>
    Object.keys(when).map((input): [string, string] => [`${at}.when`, input]);
  return [
    ...Object.entries(inputs).flatMap(([name, { when }]) => of(`inputs.${name}`, when)),
    ...ports.flatMap(({ when }) => of("ports", when)),
    ...of("publication", publication?.when),
    ...Object.entries(secrets).flatMap(([name, { each }]): [string, string][] =>
      each === undefined ? [] : [[`secrets.${name}.each`, each]],
    ),
  ];
}

function senseOfProject({ where, source, units }: Service): string[] {
  const elsewhere = where.allowed.filter((place) => place !== "community");
  return [
    ...elsewhere.map((place) => `where.allowed: expected community alone for compose, found ${place}`),
    ...(source === "network" ? [] : [`source: expected network for compose, found ${source}`]),
    ...(units.length === 1 ? [] : ["units: expected none beside compose"]),
  ];
}

/** Checks a first account: the ports that the box closes until it exists, and its page. */
function senseOfAccount({ first_account: account, account_made: page, compose, ports }: Service): string[] {
  if (account !== "visitor")
    return page === undefined
      ? []
      : [`account_made: expected with first_account: visitor alone, found ${account ?? "no first_account"}`];
  const first = ports.find((port) => port.public);
  const isAsked = first?.protocol === "tcp" && typeof first.port === "number";
  return [
    ...(compose ? [] : ["first_account: visitor expects compose, whose ports the box can close; found none"]),
    ...(isAsked ? [] : ["first_account: visitor expects a number of a tcp port as the first public one"]),
  ];
}

function senseOfInput(name: string, input: Service["inputs"][string]): string[] {
  const { default: value, ...rules } = input.schema;
  const checked = compileSchema(rules, { name: "default" })(value);
  const values = Array.isArray(rules.enum) ? rules.enum.map(String) : [];
  const said = ["ask", "help", "label"] as const;
  return [
    ...(checked.ok ? [] : [`inputs.${name}.schema.default: ${checked.errors.map(sentence).join(" ")}`]),
    ...said
      .filter((word) => !input.file_only && !input[word])
      .map((word) => `inputs.${name}.${word}: expected the words for the person at the console`),
    ...values
      .filter((each) => !input.file_only && !input.options?.[each])
      .map((each) => `inputs.${name}.options.${each}: expected the words for this choice`),
  ];
}

function invalidService(id: string, mistakes: readonly string[]): never {
  return fail({
    code: "service-invalid",
    what: `The service "${id}" of the catalogue has mistakes.`,
    found: foundList(mistakes.map((each) => `${id}/service.yaml: ${each}`)),
    hint: "correct the file; its form is in profiles/schemas/service.schema.json",
  });
}

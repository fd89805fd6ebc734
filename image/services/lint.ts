// SPDX-License-Identifier: GPL-3.0-or-later
// Checks a service's folder beyond its schema: whether its templates render, its ports are free and declared once,
// its texts are translated, and its images are pinned. Each mistake is a sentence that begins with the field.
import { parse } from "yaml";
import { IS_DIGEST, imagesOf, readImageName } from "../../common/container-image.ts";
import type { Service, Words } from "../../common/service.ts";
import { type RenderTemplate, templateRenderer } from "../../common/service-template.ts";
import type { loadCommunity } from "../profile/index.ts";
import { STILL_TO_WRITE } from "./scaffold.ts";

type Community = ReturnType<typeof loadCommunity>;

/** Ports of the box itself, which no service may take. */
const TAKEN: ReadonlyMap<string, string> = new Map([
  ["tcp/22", "the box's SSH server"],
  ["tcp/655", "the VPN"],
  ["udp/655", "the VPN"],
  ["tcp/8443", "Incus"],
]);
const LANGUAGES = ["ca", "es"] as const;
const LONGEST_TITLE = 30;
const LONGEST_LABEL = 18;

/** `others`: the rest of the catalogue. Returns the mistakes; none when all is well. */
export async function lint(
  service: Service,
  others: readonly Service[],
  community: Community,
): Promise<string[]> {
  const render = await templateRenderer();
  const data = sampleData(service, community);
  return [
    ...textsOf(service).flatMap(([field, words]) => lintWords(field, words)),
    ...(service.title.en.length > LONGEST_TITLE
      ? [`title: expected at most ${LONGEST_TITLE} letters, found ${service.title.en.length}`]
      : []),
    ...lintLabels(service),
    ...lintPorts(service, others, community),
    ...lintAccount(service),
    ...templatesOf(service).flatMap(([field, template]) => lintTemplate(render, field, template, data)),
    ...templatesOfFound(service).flatMap(([field, template]) =>
      lintTemplate(render, field, template, { ...data, found: sampleFound(service) }),
    ),
    ...Object.entries(service.templates).flatMap(([file, text]) => lintShell(file, text)),
    ...Object.entries(service.templates).flatMap(([file, text]) => lintSandbox(file, text)),
    ...lintPublication(render, service, data),
    ...(service.compose ? lintProject(render, service, data) : []),
    ...(service.first_account === "visitor" ? lintClosed(render, service, data) : []),
  ];
}

/** Units that start programs; `test/unit/overlays/unit-sandboxes.unit.test.ts` has what a sandbox must keep. */
function lintSandbox(file: string, text: string): string[] {
  const isUnit = /\.service\b.*\.hbs$/.test(file) && /^Exec\w+=./m.test(text);
  if (!isUnit || text.includes("{{> sandbox}}") || /^# No sandbox: \S/m.test(text)) return [];
  return [`${file}: expected the line {{> sandbox}}, or "# No sandbox: " with the reason, found neither`];
}

/** What templates see on some box. `inputs`: laid over the defaults. */
export function sampleData(
  service: Service,
  community: Community,
  inputs: Readonly<Record<string, unknown>> = {},
) {
  const defaults = Object.entries(service.inputs).map(([name, { schema }]) => [name, schema.default]);
  const secret = ({ each }: { readonly each?: string | undefined }) =>
    each === undefined ? "5a5a5a5a" : { anna: "5a5a5a5a" };
  return {
    community,
    box: { hostname: "can-bruixa", address: "10.1.2.3" },
    service: { id: service.id, where: service.where.allowed[0] ?? "host", bind: "" },
    inputs: { ...Object.fromEntries(defaults), ...inputs },
    secrets: Object.fromEntries(Object.entries(service.secrets).map(([name, of]) => [name, secret(of)])),
    facts: Object.fromEntries(Object.keys(service.facts).map((name) => [name, "ABC"])),
    registration: {
      node_id: "54052",
      device_id: "70000",
      service_id: "80000",
      federation_url: "https://guifi.net/guifi/export/80000/federation",
      proxy_users_dn: "o=proxyusers,dc=guifi,dc=net",
    },
    authorities: "/etc/ssl/certs/ca-certificates.crt",
    user_agent: "community-box/0.1.0",
  };
}

/** Data of a service that another box announces; only the templates below `found` see it. */
function sampleFound({ found }: Service): object {
  const txt = Object.fromEntries(Object.keys(found?.join?.txt ?? {}).map((name) => [name, "ABC"]));
  return {
    type: "any",
    description: "any",
    host: "can-serra.guifi.local",
    address: "10.1.2.4",
    port: "80",
    txt,
  };
}

function templatesOfFound({ found }: Service): [string, string][] {
  const { inputs = {}, run = [] } = found?.join ?? {};
  return [
    ["found.open", found?.open ?? ""],
    ...Object.entries(inputs).map(([name, text]): [string, string] => [`found.join.inputs.${name}`, text]),
    ...run.flatMap(({ run: words }, index) =>
      words.map((word): [string, string] => [`found.join.run[${index}]`, word]),
    ),
  ];
}

/** Every text of a service for people, by its field. */
function textsOf({ title, description, ask, inputs, secrets, found }: Service): [string, Words][] {
  const all: [string, Words | undefined][] = [
    ["title", title],
    ["description", description],
    ["ask", ask],
    ["found.join.says", found?.join?.says],
    ...Object.entries(inputs).flatMap(([name, input]) => [
      [`inputs.${name}.ask`, input.ask] as [string, Words | undefined],
      [`inputs.${name}.help`, input.help] as [string, Words | undefined],
      ...Object.entries(input.options ?? {}).map(([value, words]): [string, Words] => [
        `inputs.${name}.options.${value}`,
        words,
      ]),
    ]),
    ...Object.entries(secrets).map(([name, { label }]): [string, Words | undefined] => [
      `secrets.${name}.label`,
      label,
    ]),
  ];
  return all.filter((each): each is [string, Words] => each[1] !== undefined);
}

/** Names are the same everywhere; a sentence is not. */
const SENTENCE = /\s\S+\s\S+\s/;

function lintWords(field: string, words: Words): string[] {
  const unwritten = (["en", ...LANGUAGES] as const).filter((each) => words[each].includes(STILL_TO_WRITE));
  return [
    ...unwritten.map((each) => `${field}.${each}: expected your own words, found those of the scaffold`),
    ...LANGUAGES.filter(
      (each) => !unwritten.includes(each) && SENTENCE.test(words.en) && words[each] === words.en,
    ).map((each) => `${field}.${each}: expected a translation, found the English words`),
  ];
}

/** By name of the file: comments that still say what is to be written. */
export function lintComments(files: Readonly<Record<string, string>>): string[] {
  // Of YAML and shell, of INI, of C, of HTML, of Handlebars.
  const comment = /(?:^|\s)(?:#|;|\/\/|\/?\*|<!--|\{\{!)(.*)$/;
  return Object.entries(files).flatMap(([file, text]) =>
    text
      .split("\n")
      .flatMap((line, index) =>
        comment.exec(line)?.[1]?.includes(STILL_TO_WRITE)
          ? [`${file}:${index + 1}: expected your own words in the comment, found those of the scaffold`]
          : [],
      ),
  );
}

function lintLabels({ inputs }: Service): string[] {
  return Object.entries(inputs).flatMap(([name, { label }]) =>
    Object.entries(label ?? {})
      .filter(([, text]) => text.length > LONGEST_LABEL)
      .map(
        ([language, text]) =>
          `inputs.${name}.label.${language}: expected at most ${LONGEST_LABEL} letters, found ${text.length}`,
      ),
  );
}

/** "tcp/3128"; a port that is said elsewhere keeps its name. */
function portNames({ ports }: Pick<Service, "ports">): string[] {
  return ports.map(({ port, protocol }) => `${protocol}/${port}`);
}

function lintPorts(service: Service, others: readonly Service[], community: Community): string[] {
  // With conditions, one port may be said twice: open in one case, closed in the other.
  const own = [...new Set(portNames(service))];
  const certain = portNames({ ...service, ports: service.ports.filter(({ when }) => !when) });
  const serf = community.serf.port;
  const taken = new Map([...TAKEN, [`tcp/${serf}`, "Serf"], [`udp/${serf}`, "Serf"]]);
  const belongsToSystem = !service.managed || service.discovery === "community";
  return [
    ...certain
      .filter((port, index) => certain.indexOf(port) !== index)
      .map((port) => `ports: expected each port once, found ${port} again`),
    ...own
      .filter((port) => !belongsToSystem && taken.has(port))
      .map((port) => `ports: ${port} belongs to ${taken.get(port)}`),
    ...own
      .filter((port) => !taken.has(port))
      .flatMap((port) =>
        others
          .filter((other) => portNames(other).includes(port))
          .map(
            (other) => `ports: ${port} is that of the service "${other.id}", so only one of both could be on`,
          ),
      ),
    ...service.ports.flatMap(({ port }) => {
      const [from, name] = String(port).split(".");
      const isUnknown = from === "inputs" && service.inputs[name ?? ""]?.schema.type !== "integer";
      return isUnknown ? [`ports: ${port} is not the name of an input with a whole number`] : [];
    }),
  ];
}

function lintAccount({ first_account: account, ports }: Service): string[] {
  const first = ports.find((port) => port.public);
  if (!first || account !== undefined) return [];
  return [
    `first_account: expected none, made or visitor, since others reach ${first.protocol}/${first.port}: who gets the administrator's account?`,
  ];
}

/** Everything that is rendered on the box, by its field or file. */
function templatesOf(service: Service): [string, string][] {
  const steps = (["prepare", "activate", "deactivate"] as const).flatMap((when) =>
    service[when].flatMap(({ run, input }, index): [string, string][] => [
      ...run.map((word): [string, string] => [`${when}[${index}].run`, word]),
      ...(input === undefined ? [] : ([[`${when}[${index}].input`, input]] as [string, string][])),
    ]),
  );
  return [
    ...Object.entries(service.templates),
    ...steps,
    ...(service.health.run ?? []).map((word): [string, string] => ["health.run", word]),
    ...Object.entries(service.facts).flatMap(([name, { run }]) =>
      run.map((word): [string, string] => [`facts.${name}.run`, word]),
    ),
    ["publication.description", service.publication?.description ?? ""],
    ["publication.txt", service.publication?.txt ?? ""],
    ["guifi.name", service.guifi?.name ?? ""],
    ["guifi.nick", service.guifi?.nick ?? ""],
  ];
}

function lintTemplate(render: RenderTemplate, field: string, template: string, data: object): string[] {
  try {
    render(template, data);
    return [];
  } catch (error) {
    const [line = ""] = (error as Error).message.split("\n");
    return [
      `${field}: the template cannot be rendered: ${line}; it may name ${Object.keys(data).join(", ")}`,
    ];
  }
}

/** `. FILE`, `source FILE` and `eval TEXT`, where a command may begin. */
const READS_AS_SHELL = /(?:^|[;&|({]|\b(?:then|do|else)\b)\s*(\.|source|eval)\s+([^\s;&|)]+)/g;

/** A shell runs whatever it reads by these commands: that may come from the image alone, from a file below /usr. */
export function lintShell(file: string, text: string): string[] {
  if (!/^#!\s*\S*\b(?:env\s+)?(?:ba|da)?sh\b/.test(text)) return [];
  return text.split("\n").flatMap((line, index) => {
    if (/^\s*#/.test(line)) return [];
    return [...line.matchAll(READS_AS_SHELL)].flatMap(([, word = "", what = ""]) => {
      if (word !== "eval" && /^\/usr\/(?!.*\.\.)[\w./-]+$/.test(what)) return [];
      const expected = word === "eval" ? 'no "eval"' : `a file below /usr after "${word}"`;
      return [
        `${file}:${index + 1}: expected ${expected}, since the shell runs whatever it reads there; found ${JSON.stringify(line.trim())}`,
      ];
    });
  });
}

/** Older nodes take what is announced apart at white space, and read an apostrophe as a quotation mark. */
function lintPublication(render: RenderTemplate, { publication }: Service, data: object): string[] {
  const txt = rendered(render, publication?.txt ?? "", data) ?? "";
  if (!/[\s']/u.test(txt)) return [];
  return [
    `publication.txt: expected no white space and no apostrophe, pairs joined by "&", found ${JSON.stringify(txt)}`,
  ];
}

/** Undefined when it cannot be rendered, which is said of its field already. */
function rendered(render: RenderTemplate, template: string, data: object): string | undefined {
  try {
    return render(template, data);
  } catch {
    return undefined;
  }
}

interface Project {
  readonly services?: Record<string, { image?: unknown; ports?: unknown; build?: unknown } | null>;
}

/** Settings that Docker accepts, and a box should not use. */
function lintProject(render: RenderTemplate, service: Service, data: object): string[] {
  const file = service.compose?.file ?? "";
  let project: Project | null;
  try {
    project = parse(render(service.templates[file] ?? "", data)) as Project | null;
  } catch (error) {
    return [`${file}: ${(error as Error).message.split("\n")[0]}`];
  }
  const parts = Object.entries(project?.services ?? {});
  if (parts.length === 0) return [`${file}: expected services`];
  const published: string[] = [];
  const mistakes: string[] = [];
  const closed = portNames({ ports: service.ports.filter((port) => !port.public) });
  const written = imagesOf(service);
  for (const [name, part] of parts) {
    const at = `${file}: services.${name}`;
    const { image, ports = [] } = part ?? {};
    mistakes.push(...lintImage(image, written).map((mistake) => `${at}.image: ${mistake}`));
    for (const port of Array.isArray(ports) ? ports : [ports]) {
      const found = /^(127\.0\.0\.1:)?(\d+):\d+(?:\/(tcp|udp))?$/.exec(String(port));
      if (!found) {
        mistakes.push(`${at}.ports: expected "8080:80", found ${JSON.stringify(port)}`);
        continue;
      }
      const [, loopback = "", number, protocol = "tcp"] = found;
      published.push(`${protocol}/${number}`);
      // A client comes by its own address to what is published at every address of the context.
      const wanted = closed.includes(`${protocol}/${number}`) ? "127.0.0.1:" : "";
      if (loopback !== wanted) {
        const right = `${wanted}${String(port).slice(loopback.length)}`;
        mistakes.push(`${at}.ports: expected "${right}", found "${port}"`);
      }
    }
  }
  const own = portNames(service);
  return [
    ...mistakes,
    ...own
      .filter((port) => !published.includes(port))
      .map((port) => `ports: ${port} is published by no service of ${file}`),
    ...published
      .filter((port) => !own.includes(port))
      .map((port) => `ports: expected ${port}, too, which ${file} publishes`),
  ];
}

/** Until it is claimed, nothing of it answers beyond its own place. */
function lintClosed(render: RenderTemplate, service: Service, data: ReturnType<typeof sampleData>): string[] {
  const file = service.compose?.file ?? "";
  const closed = { ...data, service: { ...data.service, bind: "127.0.0.1:" } };
  const text = rendered(render, service.templates[file] ?? "", closed) ?? "";
  let project: Project | null;
  try {
    project = parse(text) as Project | null;
  } catch {
    return [];
  }
  return Object.entries(project?.services ?? {}).flatMap(([name, part]) =>
    [part?.ports ?? []]
      .flat()
      .map(String)
      .filter((port) => !port.startsWith("127.0.0.1:"))
      .map(
        (port) =>
          `${file}: services.${name}.ports: expected "{{service.bind}}${port}" for first_account: visitor, found "${port}"`,
      ),
  );
}

/** `written`: those that a digest can be written beside. */
function lintImage(image: unknown, written: readonly string[]): string[] {
  if (typeof image !== "string") return ["expected the name of an image with its version"];
  const { name, tag, digest } = readImageName(image);
  const isDigestWrong = digest !== undefined && !IS_DIGEST.test(digest);
  return [
    // "latest" is another image each month.
    ...(/^v?\d[\w.-]*$/.test(tag ?? "") ? [] : [`expected a version, such as ${name}:1.2.3, found ${image}`]),
    ...(isDigestWrong
      ? [
          `expected sha256: and 64 hexadecimal digits after "@", as ./cbox services digests writes them, found ${digest || "nothing"}`,
        ]
      : []),
    ...(written.includes(image)
      ? []
      : [
          "expected a line of its own, image: NAME:VERSION, without {{ }}, so that a digest can be written there",
        ]),
  ];
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Renders the templates of services, on the box and in checks. Strict: an unknown name is an error, not an empty line
// in a configuration.

/** Throws an Error that describes the mistake in the template. */
export type RenderTemplate = (template: string, data: object) => string;

/**
 * `{{> sandbox}}` in a unit: write access only to its StateDirectory, no devices, no capabilities. A forbidden system
 * call fails instead of killing the program. Later lines of the unit may override it. Only options that also work in
 * an unprivileged container.
 */
export const SANDBOX = `NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
LockPersonality=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectSystem=strict
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
UMask=0077
`;

let shared: Promise<RenderTemplate> | undefined;

/** Loads Handlebars, which is only needed here. */
export function templateRenderer(): Promise<RenderTemplate> {
  shared ??= load();
  return shared;
}

type Helper = (this: unknown, ...words: unknown[]) => unknown;

async function load(): Promise<RenderTemplate> {
  const { default: Handlebars } = await import("handlebars");
  const own = Handlebars.create();
  own.registerHelper("join", (items: readonly unknown[], separator: string) => items.join(separator));
  own.registerHelper("is", (one: unknown, other: unknown) => one === other);
  own.registerPartial("sandbox", SANDBOX);
  own.registerHelper("shell", (text: unknown) => `'${String(text).replaceAll("'", "'\\''")}'`);
  // Handlebars is strict about `{{inputs.usr}}`, but not about arguments of helpers, such as `{{shell inputs.usr}}`.
  let rendering = "";
  for (const [name, helper] of Object.entries(own.helpers as Record<string, Helper>)) {
    if (name === "helperMissing" || name === "blockHelperMissing") continue;
    own.registerHelper(name, function strict(this: unknown, ...words) {
      const options = words.at(-1) as HelperOptions;
      const given = [...words.slice(0, -1), ...Object.values(options.hash)];
      if (given.includes(undefined))
        throw new Error(`${tagAt(rendering, options)} names what is not defined`);
      return helper.apply(this, words);
    });
  }
  const compiled = new Map<string, (data: object) => string>();
  return (template, data) => {
    if (!template.includes("{{")) return template;
    const ready = compiled.get(template) ?? own.compile(template, { strict: true, noEscape: true });
    compiled.set(template, ready);
    rendering = template;
    try {
      return ready(data);
    } catch (error) {
      // JavaScript's message for `input.users` if there is no `input`.
      const [, name] =
        /^Cannot read properties of undefined \(reading '(.*)'\)/.exec(String((error as Error).message)) ??
        [];
      throw name === undefined
        ? error
        : new Error(`what stands before ".${name}" is not defined`, { cause: error });
    }
  };
}

/** The last argument of every helper. Lines count from 1, columns from 0. */
interface HelperOptions {
  readonly name: string;
  readonly hash: Readonly<Record<string, unknown>>;
  readonly loc?: { readonly start: { readonly line: number; readonly column: number } };
}

/** The tag in the template, such as "{{shell inputs.usr}}" in line 3. */
function tagAt(template: string, { name, loc }: HelperOptions): string {
  const line = template.split("\n")[(loc?.start.line ?? 0) - 1] ?? "";
  const [tag = name] = /^(?:\{\{.*?\}\}|\(.*?\))/.exec(line.slice(loc?.start.column)) ?? [];
  return loc ? `"${tag}" in line ${loc.start.line}` : `"${tag}"`;
}

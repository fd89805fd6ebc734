// SPDX-License-Identifier: GPL-3.0-or-later
// Renders the templates of services, on the box and where an entry is checked. Strict: a name that does not exist is a
// mistake of the entry, not an empty line in a configuration.

/** Throws an Error that says what is wrong with the template. */
export type RenderTemplate = (template: string, data: object) => string;

/**
 * `{{> sandbox}}` in a unit: nothing to write to but its own StateDirectory, no device, no capability. A call that is not
 * allowed fails, for which programs are prepared; they are not killed for it. What follows it in the file may say
 * otherwise. Only what also works inside a context, which is a container without privileges.
 */
const SANDBOX = `NoNewPrivileges=yes
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

/** Loads Handlebars, which only this needs. */
export function templateRenderer(): Promise<RenderTemplate> {
  shared ??= load();
  return shared;
}

async function load(): Promise<RenderTemplate> {
  const { default: Handlebars } = await import("handlebars");
  const own = Handlebars.create();
  own.registerHelper("join", (items: readonly unknown[], separator: string) => items.join(separator));
  own.registerHelper("is", (one: unknown, other: unknown) => one === other);
  own.registerPartial("sandbox", SANDBOX);
  own.registerHelper("shell", (text: unknown) => `'${String(text).replaceAll("'", "'\\''")}'`);
  const compiled = new Map<string, (data: object) => string>();
  return (template, data) => {
    if (!template.includes("{{")) return template;
    const ready = compiled.get(template) ?? own.compile(template, { strict: true, noEscape: true });
    compiled.set(template, ready);
    return ready(data);
  };
}

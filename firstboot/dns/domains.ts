// SPDX-License-Identifier: GPL-3.0-or-later
// The names that a DNS server of the community serves, from its site: CNML, action "domains". Invalid names and
// addresses are left out and reported, since all of it is written into BIND's files.

import { isIPv4, isIPv6 } from "node:net";
import { formatIpv4, parseIpv4 } from "../../common/ipv4.ts";
import { all, type Element, parseCnml } from "../guifi/xml.ts";

export interface Domains {
  /** For the community's own addresses. */
  readonly internal: View;
  /** For all other clients. */
  readonly external: View;
  /** What is invalid in it, one line each; everything else is included. */
  readonly left: readonly string[];
}

export interface View {
  readonly masters: readonly Master[];
  /** Copied from their primary servers. */
  readonly slaves: readonly Elsewhere[];
  /** Forwarded to their own servers. */
  readonly forwards: readonly Elsewhere[];
}

export interface Elsewhere {
  readonly zone: string;
  readonly servers: readonly string[];
}

export interface Master {
  readonly zone: string;
  /** Address of the zone's server. */
  readonly ipv4?: string;
  /** First label of that server's name. */
  readonly nameserver: string;
  /** Address of the zone's own name, and of all names in it without an entry. */
  readonly domainIpv4?: string;
  readonly domainIpv6?: string;
  readonly mayBeCopied: boolean;
  /** E-mail address. */
  readonly contact: string;
  /** Full names of external servers: for its mail, in order of priority, and for its names. */
  readonly externalMail: readonly string[];
  readonly externalNameservers: readonly string[];
  readonly hosts: readonly Host[];
  readonly delegations: readonly Delegation[];
}

export interface Host {
  /** Relative to the zone; "@" is the zone itself. */
  readonly name: string;
  readonly ipv4?: string;
  readonly ipv6?: string;
  /** Relative to the zone; if `name` ends with a dot, it is an alias of that name. */
  readonly aliases: readonly string[];
  readonly isNameserver: boolean;
  readonly isMailserver: boolean;
  readonly priority: number;
}

export interface Delegation {
  /** Full names. */
  readonly name: string;
  readonly nameserver: string;
  readonly ipv4?: string;
}

/** Returns domains for any text, or throws Failure `api-reply-invalid`. Each zone of a view appears once. */
export async function parseDomains(text: string): Promise<Domains> {
  const domains = all(await parseCnml(text), "domains");
  const left: string[] = [];
  const view = (scope: "internal" | "external") =>
    toView(
      domains.flatMap((element) => all(element, scope)),
      (what) => left.push(`${scope} ${what}`),
    );
  return { internal: view("internal"), external: view("external"), left };
}

/** Called with what is left out: "zone a.local, host www: IPv6 ":::::" is no IPv6 address". */
type Leave = (what: string) => void;

function toView(elements: readonly Element[], leave: Leave): View {
  const of = (name: string) => elements.flatMap((element) => all(element, name));
  const known = new Set<string>();
  const once = <T extends { readonly zone: string }>(list: readonly T[]) =>
    list.filter(({ zone }) => !known.has(zone) && known.add(zone));
  return {
    masters: once(of("master").flatMap((element) => toMaster(element, leave))),
    slaves: once(of("slave").flatMap((element) => toElsewhere(element, "master", leave))),
    forwards: once(of("forward").flatMap((element) => toElsewhere(element, "forwarder", leave))),
  };
}

/** Reads the attributes of one element. An invalid value is reported to `leave`; an empty one counts as missing. */
class Reader {
  readonly #attributes: Element["attributes"];
  readonly #leave: Leave;

  constructor({ attributes }: Element, about: string, leave: Leave) {
    this.#attributes = attributes;
    this.#leave = (what) => leave(`${about}: ${what}`);
  }

  one(name: string, kind: Kind): string | undefined {
    return this.#read(name, this.#attributes[name] ?? "", kind);
  }

  /** The valid items of a list. */
  several(name: string, kind: Kind, between: RegExp | string = ","): string[] {
    const parts = (this.#attributes[name] ?? "").split(between);
    return parts.flatMap((part) => this.#read(name, part, kind) ?? []);
  }

  #read(name: string, text: string, kind: Kind): string | undefined {
    if (text.trim() === "") return undefined;
    const value = KINDS[kind].read(text);
    if (value === undefined) this.leave(`${name} ${quote(text)} ${KINDS[kind].fault}`);
    return value;
  }

  leave(what: string): void {
    this.#leave(what);
  }
}

const QUOTED = 60;

function quote(text: string): string {
  return JSON.stringify(text.length > QUOTED ? `${text.slice(0, QUOTED)}...` : text);
}

type Kind = "ipv4" | "ipv6" | "label" | "name" | "whole" | "mailbox" | "priority";
const KINDS: Readonly<
  Record<Kind, { readonly read: (text: string) => string | undefined; readonly fault: string }>
> = {
  ipv4: { read: ipv4, fault: "is no IPv4 address" },
  ipv6: { read: ipv6, fault: "is no IPv6 address" },
  label: { read: label, fault: "is no name of one part" },
  name: { read: relativeName, fault: "is no name" },
  whole: { read: (text) => domainName(text.trim().replace(/\.$/, "")), fault: "is no whole name" },
  mailbox: { read: mailbox, fault: "is no e-mail address" },
  priority: { read: priority, fault: "is no number from 0 to 65535" },
};

function toElsewhere(element: Element, list: string, leave: Leave): Elsewhere[] {
  const zone = zoneOf(element, leave);
  if (!zone) return [];
  const reader = new Reader(element, `zone ${zone}`, leave);
  const servers = reader.several(list, "ipv4");
  if (servers.length) return [{ zone, servers }];
  reader.leave("it names no server");
  return [];
}

function zoneOf({ attributes }: Element, leave: Leave): string | undefined {
  const zone = domainName(attributes.zone);
  if (!zone) leave(`zone ${quote(attributes.zone ?? "")}: this is no whole name`);
  return zone;
}

function toMaster(element: Element, leave: Leave): Master[] {
  const zone = zoneOf(element, leave);
  if (!zone) return [];
  const reader = new Reader(element, `zone ${zone}`, leave);
  const nameserver = reader.one("nameserver", "label");
  const contact = reader.one("contact", "mailbox");
  return [
    {
      zone,
      ...some("ipv4", reader.one("IPv4", "ipv4")),
      nameserver: nameserver && fits(nameserver, zone) ? nameserver : "ns1",
      ...some("domainIpv4", reader.one("domain_ip", "ipv4")),
      ...some("domainIpv6", reader.one("domain_ip_v6", "ipv6")),
      externalMail: unique(reader.several("externalMX", "whole", /[,\s]+/)),
      externalNameservers: unique(reader.several("externalNS", "whole", /[,\s]+/)),
      mayBeCopied: element.attributes["allow-transfer"] === "any",
      contact: contact ?? `nobody@${zone}`,
      hosts: all(element, "host").flatMap((host) => toHost(host, zone, leave)),
      delegations: all(element, "delegation").flatMap((each) => toDelegation(each, zone, leave)),
    },
  ];
}

/** The first address only. An invalid mailbox in the SOA record would invalidate the zone. */
function mailbox(text: string): string | undefined {
  const [, user, host] = /^([A-Za-z0-9._+-]{1,60})@([^@]+)$/.exec(text.split(/[,\s]/)[0] ?? "") ?? [];
  const domain = domainName(host);
  return user && domain && fits(user, domain) ? `${user}@${domain}` : undefined;
}

function priority(text: string): string | undefined {
  const value = Number(text);
  return Number.isInteger(value) && value >= 0 && value < 65536 ? String(value) : undefined;
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}

/** A full name has at most 255 bytes, including the length of each label and the root (RFC 1035, section 3.1). */
function fits(name: string, zone: string): boolean {
  return name.length + 1 + zone.length <= LONGEST_NAME;
}

function toHost(element: Element, zone: string, leave: Leave): Host[] {
  const { attributes } = element;
  const name = attributes.name?.trim() === "@" ? "@" : relativeName(attributes.name);
  if (!name || !fits(name, zone)) {
    leave(`zone ${zone}: host ${quote(attributes.name ?? "")} ${name ? "is too long" : "is no name"}`);
    return [];
  }
  const reader = new Reader(element, `zone ${zone}, host ${name}`, leave);
  const aliases = (attributes.CNAME ?? "").split(",").flatMap((each) => {
    const isWhole = each.trim().endsWith(".");
    const alias = isWhole ? domainName(each.trim().slice(0, -1)) : relativeName(each);
    if (alias && (isWhole || fits(alias, zone))) return [isWhole ? `${alias}.` : alias];
    if (each.trim() !== "") reader.leave(`CNAME ${quote(each)} is no name`);
    return [];
  });
  return [
    {
      name,
      ...some("ipv4", reader.one("IPv4", "ipv4")),
      ...some("ipv6", reader.one("IPv6", "ipv6")),
      aliases,
      isNameserver: attributes.NS === "y",
      isMailserver: attributes.MX === "y",
      priority: Number(reader.one("Priority", "priority") ?? 10),
    },
  ];
}

function toDelegation(element: Element, zone: string, leave: Leave): Delegation[] {
  const reader = new Reader(
    element,
    `zone ${zone}, delegation ${quote(element.attributes.name ?? "")}`,
    leave,
  );
  const [name, nameserver] = [reader.one("name", "whole"), reader.one("NS", "whole")];
  if (name && nameserver) return [{ name, nameserver, ...some("ipv4", reader.one("IPv4", "ipv4")) }];
  return [];
}

function some<Name extends string>(name: Name, value: string | undefined) {
  return (value === undefined ? {} : { [name]: value }) as { readonly [name in Name]?: string };
}

function label(text: string | undefined): string | undefined {
  const small = (text ?? "").trim().toLowerCase();
  return /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(small) ? small : undefined;
}

/** Leaves room for the view in the name of the zone's file. */
const LONGEST_ZONE = 200;
const LONGEST_NAME = 253;

function relativeName(text: string | undefined): string | undefined {
  const labels = (text ?? "").trim().split(".").map(label);
  const whole = labels.join(".");
  return labels.every((each) => each !== undefined) && whole.length < LONGEST_ZONE ? whole : undefined;
}

/** At least two labels: a top-level domain must not be replaced. */
function domainName(text: string | undefined): string | undefined {
  const name = relativeName(text);
  return name?.includes(".") ? name : undefined;
}

function ipv4(text: string): string | undefined {
  const small = text.trim();
  const parsed = isIPv4(small) ? parseIpv4(small) : undefined;
  return parsed === undefined ? undefined : formatIpv4(parsed);
}

function ipv6(text: string): string | undefined {
  const small = text.trim().toLowerCase();
  return isIPv6(small) && /^[0-9a-f:.]+$/.test(small) ? small : undefined;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The names that a DNS server of the community answers for, as its site lists them: CNML, action "domains". Whatever does
// not look like a name or an address is left out, since all of it goes into BIND's files.

import { isIPv6 } from "node:net";
import { all, type Element, parseCnml } from "../guifi/xml.ts";
import { formatIpv4, parseIpv4 } from "../steps/network/ipv4.ts";

export interface Domains {
  /** For the community's own addresses. */
  readonly internal: View;
  /** For everybody else. */
  readonly external: View;
}

export interface View {
  readonly masters: readonly Master[];
  /** Copied from their masters. */
  readonly slaves: readonly Elsewhere[];
  /** Asked at their own servers. */
  readonly forwards: readonly Elsewhere[];
}

export interface Elsewhere {
  readonly zone: string;
  readonly servers: readonly string[];
}

export interface Master {
  readonly zone: string;
  /** Of the server that answers for it. */
  readonly ipv4?: string;
  /** First label of that server's name. */
  readonly nameserver: string;
  /** What the zone's own name, and every name in it without an entry, stands for. */
  readonly domainIpv4?: string;
  readonly domainIpv6?: string;
  readonly mayBeCopied: boolean;
  /** E-mail address. */
  readonly contact: string;
  /** Whole names of other people's servers: for its mail, the first one first, and for its names. */
  readonly externalMail: readonly string[];
  readonly externalNameservers: readonly string[];
  readonly hosts: readonly Host[];
  readonly delegations: readonly Delegation[];
}

export interface Host {
  /** Below the zone; "@" is the zone itself. */
  readonly name: string;
  readonly ipv4?: string;
  readonly ipv6?: string;
  /** Below the zone; with a dot at the end `name` is an alias of it. */
  readonly aliases: readonly string[];
  readonly isNameserver: boolean;
  readonly isMailserver: boolean;
  readonly priority: number;
}

export interface Delegation {
  /** Whole names. */
  readonly name: string;
  readonly nameserver: string;
  readonly ipv4?: string;
}

/** Any text makes domains, or a Failure `api-reply-invalid`. Each zone of a view comes once. */
export async function parseDomains(text: string): Promise<Domains> {
  const domains = all(await parseCnml(text), "domains");
  const view = (scope: string) => toView(domains.flatMap((element) => all(element, scope)));
  return { internal: view("internal"), external: view("external") };
}

function toView(elements: readonly Element[]): View {
  const of = (name: string) => elements.flatMap((element) => all(element, name));
  const known = new Set<string>();
  const once = <T extends { readonly zone: string }>(list: readonly T[]) =>
    list.filter(({ zone }) => !known.has(zone) && known.add(zone));
  return {
    masters: once(of("master").flatMap(toMaster)),
    slaves: once(of("slave").flatMap((element) => toElsewhere(element, "master"))),
    forwards: once(of("forward").flatMap((element) => toElsewhere(element, "forwarder"))),
  };
}

function toElsewhere({ attributes }: Element, list: string): Elsewhere[] {
  const zone = domainName(attributes.zone);
  const servers = (attributes[list] ?? "").split(",").flatMap((each) => ipv4(each) ?? []);
  return zone && servers.length ? [{ zone, servers }] : [];
}

function toMaster(element: Element): Master[] {
  const { attributes } = element;
  const zone = domainName(attributes.zone);
  if (!zone) return [];
  return [
    {
      zone,
      ...some("ipv4", ipv4(attributes.IPv4)),
      nameserver: label(attributes.nameserver) ?? "ns1",
      ...some("domainIpv4", ipv4(attributes.domain_ip)),
      ...some("domainIpv6", ipv6(attributes.domain_ip_v6)),
      externalMail: wholeNames(attributes.externalMX),
      externalNameservers: wholeNames(attributes.externalNS),
      mayBeCopied: attributes["allow-transfer"] === "any",
      contact: mailbox(attributes.contact) ?? `nobody@${zone}`,
      hosts: all(element, "host").flatMap(toHost),
      delegations: all(element, "delegation").flatMap(toDelegation),
    },
  ];
}

/** The first of them. What BIND does not take in a zone's first record costs the zone. */
function mailbox(text: string | undefined): string | undefined {
  const [, user, host] = /^([A-Za-z0-9._+-]{1,60})@([^@]+)$/.exec((text ?? "").split(/[,\s]/)[0] ?? "") ?? [];
  const domain = domainName(host);
  return user && domain ? `${user}@${domain}` : undefined;
}

/** "mx1.example.net,mx2.example.net." */
function wholeNames(text: string | undefined): string[] {
  const names = (text ?? "").split(/[,\s]+/).flatMap((each) => domainName(each.replace(/\.$/, "")) ?? []);
  return [...new Set(names)];
}

function toHost({ attributes }: Element): Host[] {
  const name = attributes.name?.trim() === "@" ? "@" : relativeName(attributes.name);
  if (!name) return [];
  const aliases = (attributes.CNAME ?? "").split(",").flatMap((each) => {
    const isWhole = each.trim().endsWith(".");
    const alias = isWhole ? domainName(each.trim().slice(0, -1)) : relativeName(each);
    return alias ? [isWhole ? `${alias}.` : alias] : [];
  });
  const priority = Number(attributes.Priority ?? 10);
  return [
    {
      name,
      ...some("ipv4", ipv4(attributes.IPv4)),
      ...some("ipv6", ipv6(attributes.IPv6)),
      aliases,
      isNameserver: attributes.NS === "y",
      isMailserver: attributes.MX === "y",
      priority: Number.isInteger(priority) && priority >= 0 && priority < 65536 ? priority : 10,
    },
  ];
}

function toDelegation({ attributes }: Element): Delegation[] {
  const [name, nameserver] = [domainName(attributes.name), domainName(attributes.NS)];
  return name && nameserver ? [{ name, nameserver, ...some("ipv4", ipv4(attributes.IPv4)) }] : [];
}

function some<Name extends string>(name: Name, value: string | undefined) {
  return (value === undefined ? {} : { [name]: value }) as { readonly [name in Name]?: string };
}

function label(text: string | undefined): string | undefined {
  const small = (text ?? "").trim().toLowerCase();
  return /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(small) ? small : undefined;
}

function relativeName(text: string | undefined): string | undefined {
  const labels = (text ?? "").trim().split(".").map(label);
  const whole = labels.join(".");
  return labels.every((each) => each !== undefined) && whole.length < 200 ? whole : undefined;
}

/** At least two labels: nobody's whole top-level domain. */
function domainName(text: string | undefined): string | undefined {
  const name = relativeName(text);
  return name?.includes(".") ? name : undefined;
}

function ipv4(text: string | undefined): string | undefined {
  const parsed = parseIpv4(text?.trim() ?? "");
  return parsed === undefined ? undefined : formatIpv4(parsed);
}

function ipv6(text: string | undefined): string | undefined {
  const small = (text ?? "").trim().toLowerCase();
  return isIPv6(small) && /^[0-9a-f:.]+$/.test(small) ? small : undefined;
}

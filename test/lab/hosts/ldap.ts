// SPDX-License-Identifier: GPL-3.0-or-later
// The community's directory: a real slapd with LDAPS only. A member may bind, but read nothing; anonymous searches
// are refused. Its log has each bind with its result.
import { createHash } from "node:crypto";
import { isIP } from "node:net";
import type { Community, LabHost } from "../host.ts";
import { type LabMember, MEMBERS } from "../members.ts";
import { PROXY_READER, PROXY_USERS } from "../proxy-users.ts";

const LDAPS_PORT = 636;

// The directory is made anew at each start, so that earlier changes do not matter.
const START = `
rm -rf /srv/db && mkdir /srv/db
slapadd -q -f /srv/slapd.conf -l /srv/people.ldif
exec slapd -f /srv/slapd.conf -h "$1" -d stats
`;

/** @param place which of the community's servers it stands in for: 0 the first, 1 the second. */
export function ldap(name: string, address: string, place: number): LabHost {
  const url = ({ ldap }: Community) => ldap.servers[place];
  return {
    name,
    address,
    answersFor: (community) => namesIn(url(community)),
    async server(community) {
      const port = new URL(url(community) ?? "ldaps://any").port || LDAPS_PORT;
      return {
        command: ["sh", "-euc", START, "ldap", `ldaps://0.0.0.0:${port}/`],
        files: {
          "slapd.conf": configuration(community.ldap.base_dn),
          "people.ldif": directory(community.ldap.base_dn),
        },
        tls: [`${name}.lab`, ...namesIn(url(community))],
        ready: /slapd starting/,
      };
    },
  };
}

/** A server's own certificate is for its names; the community's file may also name an address. */
function namesIn(url: string | undefined): string[] {
  if (!url) return [];
  const { hostname } = new URL(url);
  return isIP(hostname) ? [] : [hostname];
}

function configuration(base: string): string {
  const suffix = suffixOf(base);
  return `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile /tmp/slapd.pid
TLSCertificateFile /srv/tls.crt
TLSCertificateKeyFile /srv/tls.key

database mdb
suffix "${suffix}"
directory /srv/db
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="${branch(suffix)}" by dn.exact="${readerDn(suffix)}" read by * none
access to * by * none
`;
}

function directory(base: string): string {
  const suffix = suffixOf(base);
  const proxy = branch(suffix);
  const services = new Set(PROXY_USERS.map(({ service }) => service));
  const branchOf = (service: string) => `ou=${service},${proxy}`;
  return [
    ...[suffix, base, proxy, ...[...services].map(branchOf)].map(container),
    ...MEMBERS.filter(({ inDirectory }) => inDirectory).map((member) => person(member, base)),
    ...PROXY_USERS.map((user) => person(user, branchOf(user.service), ["ou", user.service])),
    person(PROXY_READER, proxy),
  ].join("\n");
}

const branch = (suffix: string) => `o=proxyusers,${suffix}`;
const readerDn = (suffix: string) => `uid=${PROXY_READER.name},${branch(suffix)}`;

/** All but the first part of the members' branch. */
function suffixOf(base: string): string {
  return base.slice(base.indexOf(",") + 1);
}

const CONTAINERS: Readonly<Record<string, readonly string[]>> = {
  dc: ["dcObject", "organization"],
  o: ["organization"],
  ou: ["organizationalUnit"],
};

function container(dn: string): string {
  const [type = "", value = ""] = (dn.split(",")[0] ?? "").split("=");
  const classes = CONTAINERS[type.toLowerCase()] ?? [];
  return entry(dn, [
    ...classes.map((name) => ["objectClass", name] as const),
    [type, value],
    ...(type.toLowerCase() === "dc" ? ([["o", value]] as const) : []),
  ]);
}

type Person = Pick<LabMember, "name" | "password" | "mail">;

function person({ name, password, mail }: Person, base: string, ...more: (readonly [string, string])[]) {
  return entry(`uid=${escapeRdn(name)},${base}`, [
    ["objectClass", "inetOrgPerson"],
    ["uid", name],
    ["cn", name],
    ["sn", name],
    ["mail", mail],
    ["userPassword", hashed(password)],
    ...more,
  ]);
}

/** Everything as base64: names and passwords of people may hold anything. */
function entry(dn: string, attributes: readonly (readonly [string, string])[]): string {
  const lines = [["dn", dn] as const, ...attributes];
  return lines.map(([key, value]) => `${key}:: ${Buffer.from(value).toString("base64")}\n`).join("");
}

/** A value in a distinguished name, by RFC 4514. */
export function escapeRdn(value: string): string {
  return value.replace(/[,+"\\<>;=]/g, "\\$&").replace(/^[# ]| $/g, "\\$&");
}

/** As slappasswd makes it ({SSHA}), with a salt that is the same each time. */
function hashed(password: string): string {
  const salt = createHash("sha1").update(`salt of ${password}`).digest().subarray(0, 8);
  const hash = createHash("sha1").update(password).update(salt).digest();
  return `{SSHA}${Buffer.concat([hash, salt]).toString("base64")}`;
}

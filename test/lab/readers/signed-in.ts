// SPDX-License-Identifier: GPL-3.0-or-later
// Who has shown a password to the community's directory, from slapd's own log.

import type { Reader, Row } from "../reader.ts";
import { serverLog } from "../server.ts";

const SERVERS = ["ldap", "ldap2"];

export const signedIn: Reader = {
  name: "signedIn",
  title: "members who signed in at the directory",
  read: async (lab) =>
    SERVERS.flatMap((server) =>
      parseBinds(serverLog(lab.place(server).directory)).map((bind) => describe(server, bind)),
    ),
};

export interface Bind {
  /** Distinguished name, as slapd writes it. */
  readonly dn: string;
  /** LDAP result: 0 accepted, 49 refused. */
  readonly result: number;
  /** IPv4 address. */
  readonly from: string;
  readonly at: Date;
}

function describe(server: string, { dn, result, from, at }: Bind): Row {
  return {
    member: nameIn(dn),
    branch: /^(?:\\.|[^,\\])*,(.*?)(?:,dc=.*)?$/i.exec(dn)?.[1] ?? "",
    server,
    from,
    result: result === 0 ? "accepted" : `refused (${result})`,
    at: at.toISOString().slice(0, 19),
  };
}

/** Binds with their results, oldest first. Each line starts with the seconds since 1970, in hexadecimal. */
export function parseBinds(log: string): Bind[] {
  const connections = new Map<string, string>();
  const asked = new Map<string, string>();
  const binds: Bind[] = [];
  for (const line of log.split("\n")) {
    const [, seconds = "", connection = "", rest = ""] =
      /^([0-9a-f]+)\.[0-9a-f]+ 0x[0-9a-f]+ conn=(\d+) (.*)$/.exec(line) ?? [];
    const accept = /^fd=\d+ ACCEPT from IP=([\d.]+):/.exec(rest);
    if (accept) connections.set(connection, accept[1]!);
    const bind = /^(op=\d+) BIND dn="(.*)" method=/.exec(rest);
    if (bind) asked.set(`${connection} ${bind[1]}`, bind[2]!);
    const result = /^(op=\d+) RESULT tag=97 err=(\d+) /.exec(rest);
    const dn = result && asked.get(`${connection} ${result[1]}`);
    if (!dn) continue;
    const at = new Date(Number.parseInt(seconds, 16) * 1000);
    binds.push({ dn, result: Number(result[2]), from: connections.get(connection) ?? "", at });
  }
  return binds;
}

/** The value of the first part of a distinguished name, whose odd characters slapd writes as \2C or the like. */
export function nameIn(dn: string): string {
  const [, value = ""] = /^[A-Za-z.0-9]+=((?:\\.|[^,+\\])*)/.exec(dn) ?? [];
  return value.replace(/((?:\\[0-9A-F]{2})+)|\\(.)/gi, (_, bytes?: string, character?: string) =>
    bytes ? Buffer.from(bytes.replaceAll("\\", ""), "hex").toString() : (character ?? ""),
  );
}

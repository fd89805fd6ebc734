// SPDX-License-Identifier: GPL-3.0-or-later
// The community's servers for a box in memory: the stand-in for the web site, and a directory that knows the lab's
// members. Each can be broken; what was asked of them is kept.

import { fail } from "../../../common/fail.ts";
import type { HttpRequest, HttpResponse, LdapBind } from "../../../firstboot/host/box.ts";
import { asBoxRequest } from "../../lab/guifi-site/box-request.ts";
import { seed } from "../../lab/guifi-site/seed.ts";
import { createSite, type Site } from "../../lab/guifi-site/site.ts";
import { allDevices, type Device } from "../../lab/guifi-site/state.ts";
import { MEMBERS } from "../../lab/members.ts";

type Trouble = "server-unreachable" | "server-slow" | "server-untrusted" | "ldap-error" | "reply-too-large";

export class SimulatedCommunity {
  readonly site: Site = createSite(seed());
  /** Host names of directories that do not answer, and how. */
  readonly deadDirectories = new Map<string, Trouble>();
  /** The web site does not answer, or answers this. */
  siteAnswers: Trouble | ((request: HttpRequest) => HttpResponse | undefined) | undefined;
  readonly requests: HttpRequest[] = [];
  readonly binds: LdapBind[] = [];
  readonly #request;

  constructor(now: () => Date = () => new Date(Date.UTC(2026, 0, 1))) {
    this.#request = asBoxRequest(this.site, now);
  }

  request = async (request: HttpRequest): Promise<HttpResponse> => {
    this.requests.push(request);
    const { siteAnswers } = this;
    if (typeof siteAnswers === "string") return broken(siteAnswers, new URL(request.url).hostname);
    return siteAnswers?.(request) ?? this.#request(request);
  };

  ldapBind = async (bind: LdapBind): Promise<"accepted" | "refused"> => {
    this.binds.push(bind);
    const { hostname } = new URL(bind.url);
    const trouble = this.deadDirectories.get(hostname);
    if (trouble) return broken(trouble, hostname);
    const isIt = MEMBERS.some(
      ({ name, password, inDirectory }) =>
        inDirectory && bind.password === password && readDn(bind.dn)?.toLowerCase() === name.toLowerCase(),
    );
    return isIt ? "accepted" : "refused";
  };

  breakDirectories(trouble: Trouble = "server-slow"): void {
    for (const host of ["ldap.guifi.net", "ldap2.guifi.net"]) this.deadDirectories.set(host, trouble);
  }

  /** Devices of the type that a box is, in the whole network. */
  get boxes(): readonly Device[] {
    return allDevices(this.site.state).filter(({ type }) => type === "cloudy");
  }

  /** Commands that the web API was asked for. */
  get commands(): readonly string[] {
    return this.requests.flatMap(({ url }) => new URL(url).searchParams.get("command") ?? []);
  }
}

function broken(code: Trouble, host: string): never {
  // Written out, so that the list of codes finds no new one here.
  const details = { code, what: `${host} is broken.`, found: `${host}: ECONNREFUSED` };
  return fail(details);
}

/** The user's name in a DN of the directory, read as RFC 4514 says; undefined when it is not one. */
export function readDn(dn: string): string | undefined {
  const base = ",o=webusers,dc=guifi,dc=net";
  if (!dn.startsWith("uid=") || !dn.endsWith(base)) return undefined;
  const value = dn.slice("uid=".length, -base.length);
  const text = [...value.matchAll(/\\([0-9a-fA-F]{2})|\\([ "#+,;<=>\\])|([^\\])/gsu)];
  // What is neither a pair nor a plain character is a mistake in the DN.
  if (text.map(([all]) => all).join("") !== value) return undefined;
  if (/(?<!\\)(\\\\)*["+,;<>]/.test(value) || /^[ #]/.test(value) || /(?<!\\)(\\\\)* $/.test(value))
    return undefined;
  return text
    .map(([, hex, special, plain]) =>
      hex ? String.fromCharCode(Number.parseInt(hex, 16)) : (special ?? plain),
    )
    .join("");
}

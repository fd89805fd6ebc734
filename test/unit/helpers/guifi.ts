// SPDX-License-Identifier: GPL-3.0-or-later
// Talking to the stand-in for the Guifi site without a network, as a client with its own clock.
import { seed } from "../../lab/guifi-site/seed.ts";
import { createSite, type Site } from "../../lab/guifi-site/site.ts";
import { labMember } from "../../lab/members.ts";

export interface ApiReply {
  readonly command: string;
  readonly code: { readonly code: number; readonly str: string };
  readonly responses?: Readonly<Record<string, unknown>>;
  readonly errors?: readonly { readonly code: number; readonly str: string; readonly extra?: string }[];
}

type Parameters = Readonly<Record<string, string | number>>;

/** Encoded twice, as the site decodes twice. */
export const encoded = (text: string | number) => encodeURIComponent(encodeURIComponent(text));

export class GuifiSite {
  readonly site: Site = createSite(seed());
  now = new Date(Date.UTC(2026, 0, 1));

  get(path: string, query = "", headers: readonly (readonly [string, string])[] = []) {
    return this.site.handle({ method: "GET", path, query, headers, now: this.now });
  }

  /** With the query string as it is. */
  raw(query: string, headers: readonly (readonly [string, string])[] = []): ApiReply {
    return JSON.parse(this.posted(query, headers).replace(/^.*?(?={"command")/s, "")) as ApiReply;
  }

  /** The body of the answer to a call, as it is. */
  posted(query: string, headers: readonly (readonly [string, string])[] = []): string {
    return this.site.handle({ method: "POST", path: "/api", query, headers, now: this.now }).body;
  }

  call(command: string, parameters: Parameters = {}, token?: string): ApiReply {
    const words = Object.entries(parameters).map(([name, value]) => `${name}=${encoded(value)}`);
    const headers = token ? [["Authorization", `GuifiLogin auth=${token}`] as const] : [];
    return this.raw([`command=${command}`, ...words].join("&"), headers);
  }

  login(name: string, password = labMember(name).password): string {
    const { responses } = this.call("guifi.auth.login", { username: name, password });
    return String(responses?.authToken);
  }

  /** The page as it is now, whatever is kept of it. */
  node(id: number): string {
    this.call("guifi.cnml.clear");
    return this.get(`/guifi/cnml/${id}/node`).body;
  }

  pass(seconds: number): void {
    this.now = new Date(this.now.getTime() + seconds * 1000);
  }
}

/** Errors as `code extra`, to compare at a glance. */
export function errorsOf({ errors = [] }: ApiReply): string[] {
  return errors.map(({ code, extra }) => (extra === undefined ? String(code) : `${code} ${extra}`));
}

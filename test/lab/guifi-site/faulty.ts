// SPDX-License-Identifier: GPL-3.0-or-later
// The site with a fault. It may have done what a request asked for although the answer does not show it.
import { shellTexts, TERMINAL_TEXT } from "../hostile/texts.ts";
import { parseQuery } from "./php.ts";
import type { SiteRequest, SiteResponse } from "./request.ts";
import type { Site } from "./site.ts";

/** As on the program's command line: `--fault=api-slow`. One kind of garbage after the other, unless one is named. */
export const SITE_FAULTS = [
  "api-500",
  "api-502",
  "api-slow",
  "api-garbage",
  "api-garbage:html",
  "api-garbage:truncated",
  "api-garbage:huge",
  "api-hostile",
] as const;

export type SiteFault = (typeof SITE_FAULTS)[number];

export interface SlowResponse extends SiteResponse {
  /** Milliseconds to wait before it is sent. */
  readonly delay?: number;
}

/** Whether a request is for one of these commands; for no command in particular when there are none. */
export function isFor(commands: readonly string[], { query }: Pick<SiteRequest, "query">): boolean {
  return commands.length === 0 || commands.includes(parseQuery(query).get("command") ?? "");
}

const SLOW_MS = 30_000;
const HUGE_BYTES = 10 * 1024 * 1024;

export function isSiteFault(name: string): name is SiteFault {
  return (SITE_FAULTS as readonly string[]).includes(name);
}

/** @param turn how many requests there have been; garbage goes by it */
export function answerWith(
  faults: readonly SiteFault[],
  site: Site,
  request: SiteRequest,
  turn: number,
): SlowResponse {
  const garbage = faults.map((fault) => garbageOf(fault, turn)).find((kind) => kind !== undefined);
  if (faults.includes("api-500")) return errorPage();
  if (garbage === "html") return portal();
  if (garbage === "huge") return { ...portal(), body: "x".repeat(HUGE_BYTES) };
  if (faults.includes("api-hostile") && !isFor(["guifi.auth.login"], request)) {
    return hostile(site.handle(request));
  }
  const answer = site.handle(faults.includes("api-502") ? withoutGoodToken(request) : request);
  return {
    ...answer,
    ...(garbage === "truncated" ? { body: answer.body.slice(0, answer.body.length / 2) } : {}),
    ...(faults.includes("api-slow") ? { delay: SLOW_MS } : {}),
  };
}

const KINDS = ["html", "truncated", "huge"] as const;

function garbageOf(fault: SiteFault, turn: number): (typeof KINDS)[number] | undefined {
  const [name, kind] = fault.split(":");
  if (name !== "api-garbage") return undefined;
  return KINDS.find((known) => known === kind) ?? KINDS[turn % KINDS.length];
}

/** Refuses requests, and names everything on its map, with text that attacks shells and terminals. */
function hostile(honest: SiteResponse): SiteResponse {
  const [substitution, , chain, line] = shellTexts();
  if (honest.contentType.startsWith("application/xml")) {
    const title = `title="${substitution}&#13;&#10;[error] ${chain}"`;
    return { ...honest, body: honest.body.replace(/\btitle=("[^"]*"|'[^']*')/g, () => title) };
  }
  const errors = [
    { code: 999, str: TERMINAL_TEXT, extra: substitution },
    { code: 998, str: `${TERMINAL_TEXT}${line}` },
  ];
  const code = { code: 201, str: TERMINAL_TEXT };
  return { ...honest, body: JSON.stringify({ command: substitution, code, errors }) };
}

/** Every token is unknown. */
function withoutGoodToken(request: SiteRequest): SiteRequest {
  return {
    ...request,
    headers: request.headers.map(([name, value]) => [name, value.replace(/auth=.*/, "auth=forgotten")]),
  };
}

function errorPage(): SiteResponse {
  return {
    status: 500,
    contentType: "text/html; charset=iso-8859-1",
    body: "<!DOCTYPE HTML>\n<title>500 Internal Server Error</title>\n<h1>Internal Server Error</h1>\n",
  };
}

/** A page as of a captive portal, or of a site under maintenance, with a status of success. */
function portal(): SiteResponse {
  return {
    status: 200,
    contentType: "text/html; charset=utf-8",
    body: '<!DOCTYPE html>\n<title>Site under maintenance</title>\n<p>We will be "back" soon.\n',
  };
}

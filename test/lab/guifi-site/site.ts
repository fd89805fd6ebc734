// SPDX-License-Identifier: GPL-3.0-or-later
// The stand-in for the Guifi web application: answers requests from its state and changes nothing else. What it does
// is what the public code of the site (drupal-guifi) does, mistakes included; those are what a box has to cope with.
import { answerApi } from "./api.ts";
import { domainsPage, type MapAction, nodePage, zonePage } from "./cnml.ts";
import { federation } from "./federation.ts";
import type { SiteRequest, SiteResponse } from "./request.ts";
import { type SiteState, unixTime } from "./state.ts";

export interface Site {
  readonly state: SiteState;
  handle(request: SiteRequest): SiteResponse;
}

/** How long a page is cached unless it is cleared. */
export const PAGE_SECONDS = 6 * 3600;

export function createSite(state: SiteState): Site {
  return { state, handle: (request) => answer(state, request) };
}

function answer(state: SiteState, request: SiteRequest): SiteResponse {
  const path = request.path.replace(/^\/[a-z]{2}(?=\/)/, "").replace(/\/$/, "");
  if (path === "/api" || path === "/api/auth") return api(state, request);
  const [, part, id = "", action = ""] = /^\/guifi\/(\w+)\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
  if (part === "cnml" && action) return cnml(state, request, id, action);
  if (part === "refresh") return html(String(state.changed));
  if (part === "export" && action === "federation") {
    return { status: 200, contentType: "text/plain; charset=utf-8", body: federation(state, Number(id)) };
  }
  return html("<!DOCTYPE html>\n<title>Page not found | guifi.net</title>\n<h1>Page not found</h1>\n", 404);
}

/**
 * Request bodies are ignored. A GET request without a session is answered from the site's cache of pages, if it has
 * the address, before the token is read: all requests get the answer to the first one.
 */
function api(state: SiteState, request: SiteRequest): SiteResponse {
  if (request.method !== "GET") return html(answerApi(state, request));
  return html(cached(state, request, () => answerApi(state, request)) ?? "");
}

/** The cached answer for this address, unless it is too old. */
function cached(state: SiteState, request: SiteRequest, make: () => string | undefined): string | undefined {
  const address = `${request.path}?${request.query}`;
  const now = unixTime(request.now);
  const kept = state.pages[address];
  if (kept && now - kept.made < PAGE_SECONDS) return kept.body;
  const body = make();
  if (body !== undefined) state.pages[address] = { body, made: now };
  return body;
}

function cnml(state: SiteState, request: SiteRequest, id: string, action: string): SiteResponse {
  // The site sends an empty answer for an id that is no number.
  if (!/^\d+$/.test(id)) return html("");
  const body = cached(state, request, () => made(state, Number(id), action, request.now));
  if (body === undefined) return html("<!DOCTYPE html>\n<title>Page not found | guifi.net</title>\n", 404);
  return xml(body);
}

function made(state: SiteState, id: number, action: string, now: Date): string | undefined {
  switch (action) {
    case "node":
      return nodePage(state, id, now);
    case "zones":
    case "nodes":
    case "detail":
      return zonePage(state, id, action satisfies MapAction, now);
    case "domains":
      return domainsPage(state, id, now);
    default:
      return undefined;
  }
}

const xml = (body: string): SiteResponse => ({
  status: 200,
  contentType: "application/xml; charset=utf-8",
  body,
});

/** What the site calls everything that it does not call otherwise, its JSON too. */
const html = (body: string, status = 200): SiteResponse => ({
  status,
  contentType: "text/html; charset=utf-8",
  body,
});

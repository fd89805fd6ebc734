// SPDX-License-Identifier: GPL-3.0-or-later
// The web API of the community's site, as the Guifi.net application implements it. The query string has the commands
// and values, even a password, so URLs are never logged. POST with an empty body: GET without a session would get
// cached pages.

import { Failure, fail } from "../../common/fail.ts";
import { tlsTrust } from "../host/authorities.ts";
import type { Box, HttpResponse } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { type Credentials, quotable, toWellFormed } from "./credentials.ts";
import { refuseReadable } from "./way.ts";

export type Params = { readonly [name: string]: string | number };
export type Responses = { readonly [name: string]: unknown };

/** One of the errors in a reply of the API. */
export interface ApiError {
  readonly code: number;
  readonly text: string;
}

export type ApiAnswer =
  | { readonly isDone: true; readonly responses: Responses }
  | { readonly isDone: false; readonly errors: readonly ApiError[] };

/** Error numbers of the API. */
export const API = { rejected: 403, notFound: 500, forbidden: 501, badToken: 502 } as const;

const OK = 200;
const ERRORS = 201;

/**
 * A member's session at the site. Logs in when first needed. A new log-in ends the member's other sessions, and a
 * token is valid for hours: do not keep an instance for longer.
 */
export class GuifiApi {
  readonly #box: Box;
  readonly #image: ImageInfo;
  readonly #credentials: Credentials;
  readonly #timeout: number;
  #token: string | undefined;

  /** `timeout`: milliseconds for each exchange. */
  constructor(box: Box, image: ImageInfo, credentials: Credentials, { timeout = 15_000 } = {}) {
    this.#box = box;
    this.#image = image;
    this.#credentials = credentials;
    this.#timeout = timeout;
  }

  /** Fails with `api-login-refused`, or as {@link call} does. */
  async logIn(): Promise<void> {
    const { username, password } = this.#credentials;
    // Without the token: an invalid one would make the log-in fail, too.
    this.#token = undefined;
    const answer = await this.#ask(this.#image.community.api.auth_url, "guifi.auth.login", {
      username,
      password,
    });
    if (!answer.isDone) {
      if (answer.errors.some(({ code }) => code === API.rejected)) return loginRefused();
      return failWith(answer.errors);
    }
    const { authToken } = answer.responses;
    // It is used in a header.
    if (typeof authToken !== "string" || !/^[\x21-\x7e]{1,1000}$/.test(authToken)) {
      return invalid("no usable token");
    }
    this.#token = authToken;
  }

  /** A command that has to succeed. Fails with `api-…` and `server-…`. */
  async call(command: string, params: Params = {}): Promise<Responses> {
    const answer = await this.try(command, params);
    return answer.isDone ? answer.responses : failWith(answer.errors);
  }

  /** A command that may be refused. A token that expired, or was ended by another log-in, is renewed once. */
  async try(command: string, params: Params = {}): Promise<ApiAnswer> {
    if (this.#token === undefined) await this.logIn();
    const answer = await this.#ask(this.#image.community.api.url, command, params);
    if (!isBadToken(answer)) return answer;
    await this.logIn();
    const again = await this.#ask(this.#image.community.api.url, command, params);
    return isBadToken(again) ? loggedOut() : again;
  }

  async #ask(base: string, command: string, params: Params): Promise<ApiAnswer> {
    refuseReadable(base, this.#image.community.api.plain_http);
    const { password } = this.#credentials;
    const secrets = [password, password.trim(), this.#token ?? ""];
    const query = Object.entries({ command, ...params }).map(
      ([name, value]) => `${name}=${this.#encode(String(value))}`,
    );
    const token = this.#token === undefined ? {} : { Authorization: `GuifiLogin auth=${this.#token}` };
    const response = await ask(this.#box, {
      method: "POST",
      url: `${base}?${query.join("&")}`,
      headers: { Accept: "application/json", ...token },
      body: new Uint8Array(0),
      timeout: this.#timeout,
      tls: await tlsTrust(this.#box, this.#image),
    });
    return parseAnswer(response, secrets);
  }

  /** The site decodes values twice: if encoded only once, "+" and "%" are damaged. */
  #encode(value: string): string {
    const once = encodeURIComponent(toWellFormed(value));
    return this.#image.community.api.decodes_twice === false ? once : encodeURIComponent(once);
  }
}

/** A request to the site. A reply that is far too long counts as invalid. */
export async function ask(box: Box, request: Parameters<Box["request"]>[0]): Promise<HttpResponse> {
  try {
    return await box.request(request);
  } catch (error) {
    if (error instanceof Failure && error.code === "reply-too-large") return invalid(error.found ?? "");
    throw error;
  }
}

/** Returns an answer for any bytes, or throws a Failure. */
export function parseAnswer({ status, body }: HttpResponse, secrets: readonly string[] = []): ApiAnswer {
  const reply = asRecord(parse(answerIn(body.toString("utf8"))));
  const result = asRecord(reply?.code)?.code;
  if (typeof result !== "number") {
    return status === OK ? invalid(shapeOf(body)) : unavailable(status);
  }
  // PHP writes an empty map as a list.
  if (result === OK) return { isDone: true, responses: asRecord(reply?.responses) ?? {} };
  if (result !== ERRORS) return invalid(`result ${result}`);
  const errors = (Array.isArray(reply?.errors) ? reply.errors : []).flatMap((each): ApiError[] => {
    const { code, str, extra } = asRecord(each) ?? {};
    if (typeof code !== "number") return [];
    const words = [extra, str].find((text) => typeof text === "string" && text.trim() !== "");
    return [{ code, text: quotable(String(words ?? ""), secrets) }];
  });
  return errors.length ? { isDone: false, errors } : invalid("errors without a number");
}

/** Without the site's output before it, such as `false wLanLan: 5001 ` for each old bridge of a device. */
function answerIn(text: string): string {
  const start = text.indexOf('{"command"');
  return start === -1 ? text : text.slice(start);
}

/** Throws the API's errors as a sentence with a hint. */
export function failWith(errors: readonly ApiError[]): never {
  const found = errors.map(({ code, text }) => `${text} (${code})`).join("; ");
  const codes = new Set(errors.map(({ code }) => code));
  if (codes.has(API.forbidden)) {
    return fail({
      code: "api-forbidden",
      what: "The community's web site does not let this member do that.",
      found,
      hint: "Sign in as a member who looks after the node, or ask that member to let you in.",
    });
  }
  if (codes.has(API.notFound)) {
    return fail({
      code: "api-not-found",
      what: "The community's web site does not find what was named.",
      found,
      hint: "Look at the number of the node and at the device that gives the address.",
    });
  }
  return fail({
    code: "api-rejected",
    what: "The community's web site does not accept the data.",
    found,
    hint: "Change the answers and try again.",
  });
}

function loginRefused(): never {
  return fail({
    code: "api-login-refused",
    what: "The community's web site does not accept this user name and password.",
    hint: "Type them again, or log in at the web site with a browser to see whether they are right.",
  });
}

function loggedOut(): never {
  return fail({
    code: "api-logged-out",
    what: "The community's web site logs the box out again and again.",
    hint: "Another box or program may be using the same account at this moment: wait until it is done.",
  });
}

export function unavailable(status: number): never {
  return fail({
    code: "api-unavailable",
    what: "The community's web site is out of order.",
    found: `HTTP status ${status}`,
    hint: "Try again later.",
  });
}

export function invalid(found: string): never {
  return fail({
    code: "api-reply-invalid",
    what: "The community's web site sent an invalid answer.",
    found,
    hint: "Try again later; if it stays so, tell the community.",
  });
}

function isBadToken(answer: ApiAnswer): boolean {
  return !answer.isDone && answer.errors.some(({ code }) => code === API.badToken);
}

function shapeOf(body: Buffer): string {
  const start = body.subarray(0, 200).toString("latin1").trimStart();
  if (start === "") return "an empty answer";
  return /^<(!doctype|html|\?xml)/i.test(start) ? "a web page" : "not the expected JSON";
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Only own properties, whatever names the sender uses. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.assign(Object.create(null) as Record<string, unknown>, value);
}

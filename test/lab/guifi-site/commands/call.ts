// SPDX-License-Identifier: GPL-3.0-or-later
// What a command of the API is given, and how it refuses.
import { type Account, type Device, nodeOf, type SiteState } from "../state.ts";

export interface Call {
  readonly state: SiteState;
  /** The account of the request; absent without a token. */
  readonly account: Account | undefined;
  readonly parameters: ReadonlyMap<string, string>;
  readonly now: Date;
  /** Writes text before the answer. */
  readonly print: (text: string) => void;
}

/** Answers with the `responses` of the reply, or with nothing to tell. */
export type Command = (call: Call) => Record<string, unknown> | undefined;

export interface ApiError {
  readonly code: keyof typeof MEANING;
  readonly extra?: string;
}

/** The site's own words. */
export const MEANING = {
  200: "Request completed successfully",
  201: "Request could not be completed, errors found",
  400: "Request is not well-formatted: input command is empty or invalid",
  401: "Request is not valid: input command is not implemented",
  402: "Request is not valid: some mandatory fields are missing",
  403: "Request is not valid: some input data is incorrect",
  404: "Request is not valid: operation is not allowed",
  500: "Request could not be completed. The object was not found",
  501: "You don't have the required permissions",
  502: "The given Auth token is invalid",
} as const;

export class Refusal extends Error {
  readonly errors: readonly ApiError[];

  constructor(errors: readonly ApiError[]) {
    super(errors.map(({ code }) => code).join(", "));
    this.errors = errors;
  }
}

export function refuse(code: ApiError["code"], extra?: string): never {
  throw new Refusal([extra === undefined ? { code } : { code, extra }]);
}

/** The parameters of these names; one error for each that is missing. An empty one is there. */
export function required<Name extends string>(call: Call, ...names: Name[]): Record<Name, string> {
  const missing = names.filter((name) => !call.parameters.has(name));
  if (missing.length) throw new Refusal(missing.map((extra) => ({ code: 402, extra })));
  return Object.fromEntries(names.map((name) => [name, call.parameters.get(name)])) as Record<Name, string>;
}

/** Whoever asks must have logged in. Every member may add devices and nodes. */
export function member({ account }: Call): Account {
  return account ?? refuse(501);
}

/** The one who made it, its maintainers, and for a device without maintainers the owner of the node. */
export function mayChange({ account, state }: Call, device: Device): boolean {
  if (!account) return false;
  if (device.owner === account.uid || device.maintainers.includes(account.uid)) return true;
  return device.maintainers.length === 0 && nodeOf(state, device).owner === account.uid;
}

/** A numeric id as a database reads it: what does not begin with a number is 0. */
export function idOf(text: string): number {
  return Number.parseInt(text, 10) || 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Logging in, and recognising who has logged in by the token that was given.
import { createHash } from "node:crypto";
import { fromBytes, parseQuery } from "../php.ts";
import { type Account, type SiteState, unixTime } from "../state.ts";
import { type Command, refuse, required } from "./call.ts";

export const TOKEN_SECONDS = 12 * 3600;

export const login: Command = (call) => {
  const { state, parameters, now } = call;
  // An unknown method gives neither an error nor a login.
  if ((parameters.get("method") || "password") !== "password") return undefined;
  const { username, password } = required(call, "username", "password");
  const account = state.accounts.find(
    ({ name, password: right }) =>
      name.toLowerCase() === username.toLowerCase() && right === trimmed(password),
  );
  if (!account) return refuse(403, "Either the supplied username or password are not correct");
  return { authToken: newToken(state, account, unixTime(now)) };
};

/** The account of an `Authorization` header, or nothing when it is not a good one. */
export function accountOf(state: SiteState, header: string, now: Date): Account | undefined {
  if (!/^GuifiLogin/i.test(header)) return undefined;
  const token = fromBytes(parseQuery(header.slice("GuifiLogin".length).trim()).get("auth") ?? "");
  forget(state, ({ created }) => created < unixTime(now) - TOKEN_SECONDS);
  const known = state.tokens.find((other) => other.token === token);
  const account = state.accounts.find(({ uid }) => uid === known?.uid);
  if (!known || !account) return undefined;
  // The token depends on the account's data: a new mail address or password makes it invalid.
  return tokenOf(account, known.created, known.random) === token ? account : undefined;
}

function newToken(state: SiteState, account: Account, time: number): string {
  state.logins += 1;
  const random = 100_000 + (state.logins % 900_000);
  const token = tokenOf(account, time, random);
  // Each member has one token: a login elsewhere ends this one.
  forget(state, ({ uid }) => uid === account.uid);
  state.tokens.push({ uid: account.uid, token, random, created: time });
  return token;
}

function tokenOf({ uid, mail, password, created }: Account, time: number, random: number): string {
  const proof = md5(`${mail}${md5(password)}${created}${uid}${time}${random}`);
  return Buffer.from(`${uid}:${proof}:${time}`).toString("base64");
}

function forget(state: SiteState, which: (token: SiteState["tokens"][number]) => boolean): void {
  for (const token of state.tokens.filter(which)) state.tokens.splice(state.tokens.indexOf(token), 1);
}

/** PHP's `trim()`: ASCII white space and NUL only. */
function trimmed(text: string): string {
  return text.replace(/^[ \t\n\r\0\v]+|[ \t\n\r\0\v]+$/g, "");
}

const md5 = (text: string) => createHash("md5").update(text).digest("hex");

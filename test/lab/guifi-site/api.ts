// SPDX-License-Identifier: GPL-3.0-or-later
// The API of the site: a header identifies the account, the query string has everything else, the answer is JSON. The
// HTTP status is always the same; errors are in the answer.
import { accountOf } from "./commands/auth.ts";
import { type ApiError, MEANING, Refusal } from "./commands/call.ts";
import { COMMANDS } from "./commands/index.ts";
import { fromBytes, jsonEncode, parseQuery, urlDecode } from "./php.ts";
import type { SiteRequest } from "./request.ts";
import type { Account, SiteState } from "./state.ts";

export function answerApi(state: SiteState, { query, headers, now }: SiteRequest): string {
  let account: Account | undefined;
  // With another spelling the header is ignored, and the request has no login.
  for (const [, value] of headers.filter(([name]) => name === "Authorization")) {
    account = accountOf(state, value, now);
    // Comes before the command is read.
    if (!account) return reply("", { errors: [{ code: 502 }] });
  }
  const { command = "", ...found } = Object.fromEntries(parseQuery(query));
  const name = fromBytes(command);
  const [first, area, operation] = name.split(".");
  const malformed: ApiError = { code: 400 };
  // The site continues after the first mistake and reports it again.
  if (first !== "guifi" || operation === undefined) return reply(name, { errors: [malformed, malformed] });
  if (!area || !operation) return reply(name, { errors: [malformed] });
  // Functions have no upper and lower case in PHP.
  const run = COMMANDS.get(`${area}.${operation}`.toLowerCase());
  if (!run) return reply(name, { errors: [{ code: 401 }] });
  // Decoded a second time; see php.ts for the first.
  const parameters = new Map(Object.entries(found).map(([key, value]) => [key, fromBytes(urlDecode(value))]));
  parameters.delete("q");
  // What PHP prints on the way stands before the answer, which is then no JSON any more.
  let printed = "";
  const print = (text: string) => {
    printed += text;
  };
  try {
    const responses = run({ state, account, parameters, now, print });
    return printed + reply(name, { responses });
  } catch (error) {
    if (error instanceof Refusal) return printed + reply(name, { errors: error.errors });
    throw error;
  }
}

function reply(
  command: string,
  { errors, responses }: { errors?: readonly ApiError[]; responses?: Record<string, unknown> | undefined },
): string {
  const code = errors ? 201 : 200;
  return jsonEncode({
    command,
    code: { code, str: MEANING[code] },
    ...(errors
      ? {
          errors: errors.map(({ code: number, extra }) => ({
            code: number,
            str: MEANING[number],
            ...(extra ? { extra } : {}),
          })),
        }
      : {}),
    ...(responses ? { responses } : {}),
  });
}

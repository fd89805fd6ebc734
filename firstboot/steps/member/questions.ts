// SPDX-License-Identifier: GPL-3.0-or-later
// What the step "member" asks: the member who maintains the box. It can be put off.

import type { FromSchema } from "json-schema-to-ts";
import type { DeepPartial } from "../../setup/step.ts";

export const schema = {
  type: "object",
  description: "Who looks after the box, as the community knows that person. Left out: signs in later.",
  additionalProperties: false,
  properties: {
    sign_in: {
      type: "string",
      enum: ["now", "later"],
      description: "Left out: now when there is a user name.",
    },
    username: {
      type: "string",
      description: "User name at the community's web site.",
      examples: ["anna"],
      "x-when": { sign_in: "now" },
    },
    password: {
      type: "string",
      description:
        "Password at the community's web site. Used and forgotten; the box wipes it from this file.",
      "x-secret": true,
      "x-expected": "a text, in quotes",
      "x-when": { sign_in: "now" },
    },
  },
} as const;

export type MemberAnswers = FromSchema<typeof schema>;

export const MEMBER_PASSWORD = "member.password";

/** In an answers file the user name alone means "now". */
export function signsIn({ sign_in, username }: DeepPartial<MemberAnswers>): boolean {
  return sign_in === undefined ? username !== undefined : sign_in === "now";
}

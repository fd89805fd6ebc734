// SPDX-License-Identifier: GPL-3.0-or-later
// Sizes as a person types them: 512M, 1.5G, 8GiB. A bare number is in MiB.
import { fail } from "../../common/fail.ts";

const FACTORS: Readonly<Record<string, number>> = { "": 1, M: 1, G: 1024, T: 1024 * 1024 };

/**
 * @param option the name of the option it came from, for the message.
 * @returns whole MiB, at least 1.
 * @throws Failure `size-invalid`
 */
export function parseMib(text: string, option: string): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)\s*([MGT]?)(?:i?B)?$/i.exec(text.trim()) ?? [];
  const mib = Math.round(Number(number) * (FACTORS[unit.toUpperCase()] ?? Number.NaN));
  if (number !== "" && mib >= 1) return mib;
  return fail({
    code: "size-invalid",
    what: `${option} expects a size such as 512M or 8G.`,
    found: text,
    hint: `${option} 8G`,
  });
}

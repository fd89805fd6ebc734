// SPDX-License-Identifier: GPL-3.0-or-later
// Checks the answers of "system" against facts about this box: its time zones and the names in use.

import { didYouMean } from "../../../common/did-you-mean.ts";
import { transliterate } from "../../../common/transliterate.ts";
import { type TimeZones, zoneOf } from "../../host/time-zones.ts";
import { HIDDEN, type Problem, problem } from "../../setup/problems.ts";
import type { DeepPartial, ProbeResult } from "../../setup/step.ts";
import { hostNameProblem, suggestHostName } from "./hostname.ts";
import { checkKeyboard, type Keyboard } from "./keyboard.ts";
import { namesKnown, PASSWORD_MINIMUM, passwordFormProblem, passwordProblem } from "./password.ts";
import { PASSWORD_PATH, type SystemAnswers } from "./questions.ts";
import { parseSshKey, SSH_KEY_TYPES, sshKeyForm, unknownSshOption } from "./ssh-key.ts";

export interface SystemFacts extends ProbeResult, TimeZones {
  readonly keyboard: Keyboard;
  /** Users and groups of the system. */
  readonly takenNames: ReadonlySet<string>;
  /** Names that people nearby may know: those of the community, the member, and the box at its web site. */
  readonly namesAround: readonly string[];
  /** On a configured box: the owner's account, which is in use. */
  readonly owner?: string;
}

/** What Debian's adduser accepts, without capitals and dots, which other tools do not support. */
const OWNER_NAME = /^[a-z][a-z0-9_-]{0,30}$/;

/** The nearest available name; undefined if no characters of the typed one remain. */
export function suggestOwnerName(name: string, taken: ReadonlySet<string>): string | undefined {
  const suggestion = transliterate(name.trim())
    .toLowerCase()
    .replace(/[\s.]+/g, "-")
    .replace(/[^a-z0-9_-]/g, "")
    .replace(/^[^a-z]+/, "")
    .slice(0, 31)
    .replace(/[-_]+$/, "");
  return OWNER_NAME.test(suggestion) && !taken.has(suggestion) ? suggestion : undefined;
}

export function check(
  answers: DeepPartial<SystemAnswers>,
  facts: SystemFacts,
  providedSecrets: ReadonlySet<string>,
): Problem[] {
  const { keyboard, timezone, hostname, owner, ssh } = answers;
  return [
    ...(keyboard === undefined ? [] : checkKeyboard(keyboard, facts.keyboard)),
    ...(timezone === undefined ? [] : checkTimeZone(timezone, facts)),
    ...(hostname === undefined ? [] : checkHostName(hostname)),
    ...(owner === undefined ? [] : checkOwner(owner, facts, providedSecrets)),
    ...(ssh?.keys_only && owner?.ssh_keys?.length === 0
      ? [problem("system.ssh.keys_only", "ssh-no-keys", { found: "true" })]
      : []),
  ];
}

/** A slower check: whether the password is easy to guess. */
export async function examine(
  { hostname, owner }: DeepPartial<SystemAnswers>,
  { namesAround }: SystemFacts,
): Promise<Problem[]> {
  const { name, password } = owner ?? {};
  if (password === undefined || passwordFormProblem(password) !== undefined) return [];
  const code = await passwordProblem(password, namesKnown([name, hostname, ...namesAround]));
  return code ? [problem(PASSWORD_PATH, code, { found: HIDDEN })] : [];
}

function checkTimeZone(timezone: string, zones: TimeZones): Problem[] {
  if (zoneOf(timezone, zones) !== undefined) return [];
  return [
    problem("system.timezone", "timezone-unknown", {
      found: timezone,
      suggestion: nearestZone(timezone, zones.zones),
    }),
  ];
}

/** People also type only the city: "madrid", or "madrit". */
function nearestZone(typed: string, zones: ReadonlySet<string>): string | undefined {
  const wanted = typed.trim().replaceAll(" ", "_");
  if (wanted.includes("/")) return didYouMean(wanted, [...zones]);
  const byCity = new Map([...zones].map((zone) => [zone.split("/").at(-1) ?? zone, zone]));
  return byCity.get(didYouMean(wanted, [...byCity.keys()]) ?? "");
}

function checkHostName(hostname: string): Problem[] {
  const code = hostNameProblem(hostname);
  return code
    ? [problem("system.hostname", code, { found: hostname, suggestion: suggestHostName(hostname) })]
    : [];
}

function checkOwner(
  owner: DeepPartial<SystemAnswers["owner"]>,
  { takenNames, owner: present }: SystemFacts,
  providedSecrets: ReadonlySet<string>,
): Problem[] {
  const found: Problem[] = [];
  const { name, password, ssh_keys: keys } = owner;
  if (name !== undefined && present !== undefined && name !== present) {
    found.push(problem("system.owner.name", "owner-name-fixed", { found: name, suggestion: present }));
  } else if (name !== undefined && !OWNER_NAME.test(name)) {
    const suggestion = suggestOwnerName(name, takenNames);
    found.push(problem("system.owner.name", "owner-name-syntax", { found: name, suggestion }));
  } else if (name !== undefined && takenNames.has(name)) {
    found.push(problem("system.owner.name", "owner-name-taken", { found: name }));
  }
  if (password !== undefined) {
    const code = passwordFormProblem(password);
    if (code)
      found.push(problem(PASSWORD_PATH, code, { found: HIDDEN, values: { minimum: PASSWORD_MINIMUM } }));
  }
  for (const [index, line] of (keys ?? []).entries()) {
    const key = parseSshKey(line);
    if (typeof key !== "string") continue;
    found.push(
      problem(`system.owner.ssh_keys[${index}]`, key, {
        // A private key pasted by mistake must not appear on the screen or in the report.
        found: key === "ssh-key-private" ? HIDDEN : shorten(line),
        values: {
          types: SSH_KEY_TYPES.join(", "),
          form: sshKeyForm(line) ?? "PEM",
          option: unknownSshOption(line.trim()) ?? line.trim().split(" ", 1).join(""),
        },
      }),
    );
  }
  const hasPassword = password !== undefined || providedSecrets.has(PASSWORD_PATH);
  // The keys are asked last, so the missing log-in method is reported there.
  if (!hasPassword && keys?.length === 0) found.push(problem("system.owner.ssh_keys", "owner-no-entrance"));
  return found;
}

function shorten(line: string): string {
  return line.length > 40 ? `${line.slice(0, 37)}...` : line;
}

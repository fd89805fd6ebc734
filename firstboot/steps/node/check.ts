// SPDX-License-Identifier: GPL-3.0-or-later
// Checks the answers of "node". What only the community's site knows (the node, the name) is looked up there.

import { type Problem, problem } from "../../setup/problems.ts";
import type { DeepPartial, ProbeResult } from "../../setup/step.ts";
import {
  isDeviceName,
  NOTES_LONGEST,
  type NodeAnswers,
  parseNodeId,
  registers,
  suggestDeviceName,
  textOf,
} from "./questions.ts";

export interface NodeFacts extends ProbeResult {
  /** A member has signed in; only members can register a box. */
  readonly hasMember: boolean;
}

export function check(answers: DeepPartial<NodeAnswers>, { hasMember }: NodeFacts): Problem[] {
  const found = formOf(answers);
  // Without a member nothing is asked, so nothing could be corrected either.
  if (!hasMember || !registers(answers)) return found;
  if (answers.id === undefined) found.push(problem("node.id", "register-needs"));
  if (answers.accept_licence === undefined) found.push(problem("node.accept_licence", "licence-needed"));
  if (answers.accept_licence === false) {
    found.push(problem("node.accept_licence", "licence-needed", { found: "false" }));
  }
  return found;
}

function formOf({ id, name, email, notes, address_from }: DeepPartial<NodeAnswers>): Problem[] {
  const found: Problem[] = [];
  if (id !== undefined && parseNodeId(id) === undefined) {
    found.push(problem("node.id", "node-id-syntax", { found: shorten(String(id)) }));
  }
  const device = textOf(name);
  if (device !== undefined && !isDeviceName(device)) {
    const suggestion = suggestDeviceName(device);
    found.push(problem("node.name", "device-name-syntax", { found: shorten(device), suggestion }));
  }
  if (address_from !== undefined && !/^(auto|none|[1-9]\d{0,8})$/.test(address_from)) {
    found.push(problem("node.address_from", "address-from-syntax", { found: shorten(address_from) }));
  }
  const mails = textOf(email);
  if (mails !== undefined && !mails.split(",").every((mail) => isMail(mail.trim()))) {
    found.push(problem("node.email", "email-syntax", { found: shorten(mails) }));
  }
  const text = textOf(notes) ?? "";
  if (text.length > NOTES_LONGEST || /\p{Cc}/u.test(text)) {
    found.push(problem("node.notes", "notes-long", { values: { maximum: NOTES_LONGEST } }));
  }
  return found;
}

/** Checks the form only; whether the address exists is unknown. */
function isMail(text: string): boolean {
  return text.length <= 254 && /^[^\s@<>"',;:\\()[\]\p{Cc}]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/u.test(text);
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Looks a node up as soon as its number is typed: shows its name for confirmation, and gets from its page the choices
// of the following questions.

import { Failure } from "../../../common/fail.ts";
import { addressOf, type NodePage, readNode } from "../../guifi/cnml.ts";
import { givers } from "../../guifi/registration.ts";
import { problem } from "../../setup/problems.ts";
import type { Answers, Choice, Finding, LookUpTools } from "../../setup/step.ts";
import { defaultDeviceName, type NodeAnswers, parseNodeId } from "./questions.ts";

/** As many as fit on the page, one per line. */
const MOST_GIVERS = 8;

export async function lookUp(_path: string, answers: Answers, tools: LookUpTools): Promise<Finding> {
  const { box, image } = tools;
  const { id: typed = "" } = answers as Partial<NodeAnswers>;
  const id = parseNodeId(typed);
  if (id === undefined) return {};
  let page: NodePage | undefined;
  try {
    page = await readNode(box, image, id);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { notes: [{ key: "look-up.node.silent", values: { id } }] };
  }
  if (!page) return { problems: [problem("node.id", "node-unknown", { found: String(id) })] };
  return {
    confirm: { key: "look-up.node.confirm", values: { id, name: page.title } },
    probe: {
      defaults: { name: defaultDeviceName(page.title, id) },
      choices: { address_from: addressChoices(page) },
    },
  };
}

export const PLAIN_CHOICES: readonly Choice[] = [{ value: "auto" }, { value: "none" }];

function addressChoices(page: NodePage): Choice[] {
  const devices = givers(page).slice(0, MOST_GIVERS);
  return [
    ...PLAIN_CHOICES,
    ...devices.map((device) => ({
      value: String(device.id),
      label: `${device.title.slice(0, 40)} (${addressOf(device)?.ipv4})`,
    })),
  ];
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Verifies "node" without logging in: does the node's public page show the box, and with its address?

import { fail } from "../../../common/fail.ts";
import { outerAddresses } from "../../contexts/outer-addresses.ts";
import { GuifiApi } from "../../guifi/api.ts";
import { addressOf, type Device, readNode } from "../../guifi/cnml.ts";
import { freshNode } from "../../guifi/registration.ts";
import { type Registration, readRegistration } from "../../guifi/store.ts";
import { sayFound } from "../../host/found-text.ts";
import type { StepTools, Warning } from "../../setup/step.ts";
import { signsIn } from "../member/questions.ts";
import { credentialsOf, isWanted } from "./apply.ts";
import { type NodeAnswers, registers, textOf } from "./questions.ts";

export async function verify(answers: NodeAnswers, tools: StepTools): Promise<Warning[]> {
  if (!isWanted(answers, tools)) return whyNot(answers, tools);
  const kept = await readRegistration(tools.box);
  const device = await shownDevice(kept, tools);
  const shown = addressOf(device)?.ipv4;
  if (kept.device?.address !== shown) {
    return fail({
      code: "device-not-shown",
      what: "The node's page shows the box with another address than the one it was given.",
      ...sayFound("found.instead", { shown: shown ?? "-", kept: kept.device?.address ?? "-" }),
      hint: "Try again.",
    });
  }
  return warningsOf(answers, kept, await addressesOf(tools));
}

/** Without a member, that is the only warning. */
function whyNot(answers: NodeAnswers, { answersOf }: StepTools): Warning[] {
  if (registers(answers)) return [{ code: "node-needs-member" }];
  return signsIn(answersOf("member")) ? [{ code: "node-later" }] : [];
}

/** The page may be an old copy; with the password a new one can be requested. */
async function shownDevice({ node, device }: Registration, tools: StepTools): Promise<Device> {
  const { box, image } = tools;
  const id = node?.id ?? 0;
  const isOwn = (each: Device) => each.id === device?.id;
  const page = await readNode(box, image, id);
  const shown = page?.devices.find(isOwn);
  if (shown) return shown;
  const credentials = credentialsOf(tools);
  const session = credentials && { box, image, api: new GuifiApi(box, image, credentials) };
  const found = session ? (await freshNode(session, id)).devices.find(isOwn) : undefined;
  return (
    found ??
    fail({
      code: "device-not-shown",
      what: `The page of the node ${node?.name ?? ""} does not show the box.`,
      ...sayFound("found.other-devices", { count: page?.devices.length ?? 0 }),
      hint: "Try again; the web site may take a while.",
    })
  );
}

async function addressesOf({ box }: StepTools): Promise<string[]> {
  return (await outerAddresses(box)).map(({ address }) => address);
}

function warningsOf(answers: NodeAnswers, kept: Registration, own: readonly string[]): Warning[] {
  const { device, former } = kept;
  const { name = "", address } = device ?? {};
  const wanted = textOf(answers.name);
  const found: Warning[] = [];
  if (wanted !== undefined && wanted.toLowerCase() !== name.toLowerCase()) {
    found.push({ code: "node-renamed", values: { wanted, name } });
  }
  if (!address && answers.address_from !== "none") found.push({ code: "node-no-address" });
  // The site only assigns an address; the box has to be configured with it as well.
  if (address && !own.includes(address)) {
    found.push({ code: "node-address-differs", values: { address, mask: device?.mask ?? "" } });
  }
  if (former) {
    found.push({ code: "node-left-behind", values: { name: former.device.name, node: former.node.name } });
  }
  return found;
}

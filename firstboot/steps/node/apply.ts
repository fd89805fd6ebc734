// SPDX-License-Identifier: GPL-3.0-or-later
// Applies "node": records the consent, ensures that the box is exactly one device at the node, and gets it an
// address. Results from the site are stored at once, so that they survive a power cut.

import { Failure, fail } from "../../../common/fail.ts";
import { GuifiApi } from "../../guifi/api.ts";
import { parseMac } from "../../guifi/cnml.ts";
import type { Credentials } from "../../guifi/credentials.ts";
import { freshNode, linkAddress, registerDevice, type Session } from "../../guifi/registration.ts";
import { type Registration, readRegistration, remember } from "../../guifi/store.ts";
import type { Box } from "../../host/box.ts";
import { foremost, settleInterfaces } from "../../network/interfaces.ts";
import type { StepTools } from "../../setup/step.ts";
import { type MemberAnswers, signsIn } from "../member/questions.ts";
import { defaultDeviceName, type NodeAnswers, parseNodeId, registers, textOf } from "./questions.ts";

export async function apply(answers: NodeAnswers, tools: StepTools): Promise<void> {
  const { box, image, progress } = tools;
  if (!isWanted(answers, tools)) {
    return progress(hasMember(tools) ? "progress.node.later" : "progress.node.needs-member");
  }
  const credentials = credentialsOf(tools);
  // Already applied, and the password was lost in a power cut since.
  if (!credentials) return;
  const session = { box, image, api: new GuifiApi(box, image, credentials) };
  progress("progress.node.log-in", { username: credentials.username });
  await logIn(session);
  await recordConsent(session, credentials.username);
  await register(session, answers, tools);
}

/** Wanted, and possible because a member has signed in. */
export function isWanted(answers: NodeAnswers, tools: StepTools): boolean {
  return registers(answers) && hasMember(tools);
}

function hasMember({ answersOf, skippedSteps }: StepTools): boolean {
  return signsIn(answersOf("member") as MemberAnswers) && !skippedSteps.has("member");
}

export function credentialsOf({ answersOf }: Pick<StepTools, "answersOf">): Credentials | undefined {
  const { username, password } = answersOf("member") as MemberAnswers;
  return username === undefined || password === undefined ? undefined : { username, password };
}

async function logIn({ box, api }: Session): Promise<void> {
  try {
    await api.logIn();
  } catch (error) {
    const isRefused = error instanceof Failure && error.code === "api-login-refused";
    const { member } = await readRegistration(box);
    if (!isRefused || member?.confirmed_by !== "directory") throw error;
    fail({
      code: "api-login-disagrees",
      what: "The directory of members accepts this user name and password, but the web site does not.",
      found: member.name,
      hint: "The directory is a day behind: a password that was changed today is the new one at the web site. An account can also be blocked there.",
    });
  }
}

/** Keeps the date of the first consent, as long as person and text are the same. */
async function recordConsent({ box, image }: Session, member: string): Promise<void> {
  const { licence: before } = await readRegistration(box);
  const { title, version, url } = image.community.licence;
  if (before?.version === version && before.title === title && before.member === member) return;
  const accepted = box.now().toISOString().slice(0, 10);
  await remember(box, { licence: { title, version, url, member, accepted } });
}

async function register(session: Session, answers: NodeAnswers, tools: StepTools): Promise<void> {
  const { box } = session;
  const { progress } = tools;
  const id = parseNodeId(answers.id ?? "") ?? 0;
  progress("progress.node.look", { id });
  const page = await freshNode(session, id);
  const node = { id, name: page.title };
  const before = await readRegistration(box);
  const isOnMap = before.node?.id === id;

  const name = textOf(answers.name) ?? defaultDeviceName(page.title, id);
  const mac = await communityMac(box, tools);
  progress("progress.node.register", { name, node: page.title });
  const device = await registerDevice(session, page, {
    node: id,
    name,
    mac,
    notification: textOf(answers.email)?.replaceAll(/\s/g, ""),
    notes: textOf(answers.notes),
    recorded: isOnMap ? before.device?.id : undefined,
  });
  if (device.name.toLowerCase() !== name.toLowerCase()) {
    progress("progress.node.renamed", { wanted: name, name: device.name });
  }
  const kept: Registration["device"] = { ...device, ...(mac ? { mac } : {}) };
  await remember(box, {
    node,
    device: { ...addressIn(before, device.id), ...kept },
    ...leftBehind(before, id),
  });

  const from = answers.address_from ?? "auto";
  const linked = await linkAddress(session, await freshNode(session, id), device, from, (giver) =>
    progress("progress.node.link", { giver }),
  );
  if (!("address" in linked)) return remember(box, { device: kept });
  const { ipv4 = "", mask } = linked.address;
  progress("progress.node.address", { address: ipv4 });
  await remember(box, { device: { ...kept, address: ipv4, ...(mask ? { mask } : {}) } });
}

function addressIn({ device }: Registration, id: number): Partial<Registration["device"]> {
  if (device?.id !== id) return {};
  const { address, mask } = device;
  return { ...(address ? { address } : {}), ...(mask ? { mask } : {}) };
}

/** After a change of node, the device at the old node stays until its member removes it, with its services. */
function leftBehind({ node, device, former }: Registration, id: number): Partial<Registration> {
  const hasMoved = node !== undefined && device !== undefined && node.id !== id;
  if (hasMoved) return { former: { node, device: { id: device.id, name: device.name } }, services: {} };
  return former ? { former } : {};
}

/** The MAC address of the port that leads to the community, or of any other port. */
async function communityMac(box: Box, { answersOf }: StepTools): Promise<string | undefined> {
  await settleInterfaces(box);
  const { interface: chosen } = answersOf("network") as { interface?: string };
  const own = await foremost(box, { chosen });
  return own && parseMac(own.mac);
}

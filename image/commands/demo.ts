// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox demo`: the whole set-up on any machine. Image, lab, and a box plugged into it with its console right here.
import { say, sayLines } from "../../common/say.ts";
import { labUp, MEMBERS, NODES } from "../../test/lab/index.ts";
import { requireChecks } from "../doctor/index.ts";
import { interruption } from "../host/interrupt.ts";
import { table } from "../host/table.ts";
import { labRoot } from "../lab-root.ts";
import { loadCommunity, machineOf, resolveProfile } from "../profile/index.ts";
import { locateImage } from "../published/locate-image.ts";
import { bootOnTerminal, readMachine } from "./boot.ts";
import { buildCommand, defaultOut } from "./build.ts";

const PROFILE = "vm-amd64";
/** A lab of its own: one that was started with `cbox lab up` is not touched. */
const LAB = "demo";
const COMMUNITY = "guifi";
/** Enough to share a part of it: below 1 GiB a box goes without contexts. */
const MEMORY = "2G";

export async function demoCommand(): Promise<void> {
  await requireChecks("lab");
  await buildCommand(PROFILE, { community: COMMUNITY });
  const profile = machineOf(resolveProfile(PROFILE));
  const image = await locateImage(PROFILE, defaultOut(PROFILE));
  const community = loadCommunity(COMMUNITY);
  const lab = await labUp({ name: LAB, community, root: await labRoot(), signal: interruption() });
  // Fails while another demo runs; the lab then belongs to that demo and is not removed.
  const network = await lab.attach("demo");
  try {
    sayLines(introduction());
    await bootOnTerminal(profile, image, readMachine(profile, { memory: MEMORY }), network, {
      "ca.pem": lab.authority(),
      "note.txt": note(),
    });
  } finally {
    await lab.down();
    say("The box and the lab are gone. Start again with ./cbox demo");
  }
}

/** The same at the box, where it is needed: on its first page and in the help of each question. */
function note(): string {
  const members = MEMBERS.map(({ name, password }) => `  ${name}: ${password}`);
  return ["Demo: you are one of these members, by name and password;", `your node is ${NODES.own} (Anna's).`]
    .concat(members)
    .join("\n");
}

/** What a person at the box has to know to answer its questions. */
function introduction(): string {
  const members = MEMBERS.map(({ name, password, about }) => [name, password, about]);
  return [
    "A box starts now, and its serial console is this terminal: press Enter when it asks you to, and answer.",
    "It is plugged into a closed lab: a community of real servers, made up; nothing leaves this machine.",
    "",
    "You are one of these members, by name and password:",
    table(members, "  "),
    `Your place on the map is node ${NODES.own} (Anna's). The box shows this, too: ? at a question.`,
    "",
    "The lab is the box's home network, too, and the community's context does not reach that. For a service there that",
    "asks the lab's servers, such as the web proxy: sudo cbox contexts walls open 10.139.40.0/24",
    "",
    "In another terminal:",
    `  ./cbox lab show --name ${LAB}    what the community knows of your box`,
    `  ./cbox lab fault --name ${LAB}   what can be broken while you set it up`,
    "Leave with Ctrl-A x: the box, its disk and the lab are then gone.",
    "",
  ].join("\n");
}

// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox demo`: the whole walk on any machine. Image, lab, and a box plugged into it with its console right here.

import { labUp } from "../../test/lab/lab.ts";
import { labRoot } from "../debian/lab-root.ts";
import { requireChecks } from "../doctor/index.ts";
import { interruption } from "../interruption.ts";
import { locateImage } from "../locate-image.ts";
import { loadCommunity, resolveProfile } from "../profile/index.ts";
import { bootOnTerminal, readMachine } from "./boot.ts";
import { buildCommand, defaultOut } from "./build.ts";

const PROFILE = "vm-amd64";
/** A lab of its own: the one a person put up with `cbox lab up` is left alone. */
const LAB = "demo";
const COMMUNITY = "guifi";

export async function demoCommand(): Promise<void> {
  await requireChecks("lab");
  await buildCommand(PROFILE, { community: COMMUNITY });
  const profile = resolveProfile(PROFILE);
  const image = await locateImage(PROFILE, defaultOut(PROFILE));
  const community = loadCommunity(COMMUNITY);
  const lab = await labUp({ name: LAB, community, root: await labRoot(), signal: interruption() });
  // Refused while another demo runs, whose lab this then is: it is not ours to take down.
  const network = await lab.attach("demo");
  try {
    console.log(
      [
        "A box starts now, and its serial console is this terminal: press Enter when it asks you to, and answer.",
        "It is plugged into a closed lab with DHCP, DNS and a neighbour to discover; nothing leaves this machine.",
        "Leave with Ctrl-A x: the box, its disk and the lab are then gone.",
      ].join("\n"),
    );
    await bootOnTerminal(profile, image, readMachine(profile, {}), network);
  } finally {
    await lab.down();
    console.log("The box and the lab are gone. Start again with ./cbox demo");
  }
}

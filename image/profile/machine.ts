// SPDX-License-Identifier: GPL-3.0-or-later
// A profile of something that starts by itself: what a virtual machine can stand for.
import { fail } from "../../common/fail.ts";
import type { ResolvedProfile } from "./resolve.ts";

export type MachineProfile = ResolvedProfile & { readonly qemu: NonNullable<ResolvedProfile["qemu"]> };

/** @throws Failure `not-a-machine` for a container, and for what is done to a machine that is there */
export function machineOf(profile: ResolvedProfile): MachineProfile {
  const { qemu } = profile;
  if (qemu) return { ...profile, qemu };
  const isContainer = profile.form === "container";
  return fail({
    code: "not-a-machine",
    what: `${profile.id} is ${isContainer ? "a container" : "for a machine that runs already"}: it does not start by itself.`,
    found: `form: ${profile.form}`,
    hint: isContainer
      ? "docs/boxes/container-amd64.md says how Incus, LXC and systemd-nspawn start it"
      : "docs/guides/converting.md says how to bring it there",
  });
}

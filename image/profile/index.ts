// SPDX-License-Identifier: GPL-3.0-or-later
// Profiles (hardware) and communities (network), as the rest of the build uses them.
export { loadCommunity } from "./community.ts";
export { type MachineProfile, machineOf } from "./machine.ts";
export {
  listProfiles,
  type ProfileOptions,
  type ProfileOrigin,
  type ProfileSummary,
  profileOrigins,
  type ResolvedProfile,
  resolveProfile,
  showProfile,
} from "./resolve.ts";
export { sharedBase } from "./shared-base.ts";

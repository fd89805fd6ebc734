// SPDX-License-Identifier: GPL-3.0-or-later
// All that the product imports of the lab, for `cbox lab`, `cbox demo` and similar commands.
export { activeFaults, FAULTS, fault } from "./faults/index.ts";
export { NODES } from "./guifi-site/seed.ts";
export { LAB_HOSTS } from "./hosts/index.ts";
export { DEFAULT_LAB, findLab, type Lab, labDown, labUp } from "./lab.ts";
export { leases } from "./leases.ts";
export { MEMBERS } from "./members.ts";
export type { Row } from "./reader.ts";
export { READERS, readAll } from "./readers/index.ts";
export { readRecord } from "./record.ts";

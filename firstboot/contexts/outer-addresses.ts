// SPDX-License-Identifier: GPL-3.0-or-later
// The addresses of a box, without those of its contexts' networks.

import type { Box } from "../host/box.ts";
import { type Address, ipv4Addresses } from "../host/network-facts.ts";
import { CONTEXTS, networkOf } from "./names.ts";

/** The addresses by which other machines may reach the box, without those of its contexts' networks. */
export async function outerAddresses(box: Box): Promise<Address[]> {
  const inner = CONTEXTS.map(networkOf);
  return (await ipv4Addresses(box)).filter((each) => !inner.includes(each.interface));
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The addresses of a box, without those that its contexts have inside of it.

import type { Box } from "../host/box.ts";
import { type Address, ipv4Addresses } from "../host/network-facts.ts";
import { CONTEXTS, networkOf } from "./names.ts";

/** Those by which others may reach the box: without those of the networks that its contexts are in. */
export async function outerAddresses(box: Box): Promise<Address[]> {
  const inner = CONTEXTS.map(networkOf);
  return (await ipv4Addresses(box)).filter((each) => !inner.includes(each.interface));
}

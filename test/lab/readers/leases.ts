// SPDX-License-Identifier: GPL-3.0-or-later
// Who has been given an address.
import { leases } from "../leases.ts";
import type { Reader } from "../reader.ts";

export const leasesReader: Reader = {
  name: "leases",
  title: "addresses given by DHCP",
  read: async (lab) => leases(lab).map(({ address, mac, name }) => ({ address, mac, name })),
};

// SPDX-License-Identifier: GPL-3.0-or-later
// Who is in the network and what they publish, as the lab's Serf peer sees it.
import type { Reader } from "../reader.ts";
import { members } from "../serf.ts";

export const serfMembers: Reader = {
  name: "serf",
  title: "Serf members",
  read: async (lab) =>
    (await members(lab)).map(({ name, address, status, services }) => ({
      name,
      address,
      status,
      services: String(services.length),
    })),
};

export const serfServices: Reader = {
  name: "services",
  title: "services they publish",
  read: async (lab) =>
    (await members(lab)).flatMap(({ name, services }) =>
      services.map(({ s, d, i, p, e, t }) => ({
        member: name,
        type: s,
        address: `${i}:${p}`,
        group: e,
        description: d.replaceAll("_", " "),
        details: t,
      })),
    ),
};

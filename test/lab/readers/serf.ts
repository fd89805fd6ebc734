// SPDX-License-Identifier: GPL-3.0-or-later
// Who is in the network and what they publish, as the lab's Serf peer sees it.
import type { Reader } from "../reader.ts";
import { members, oldNodeSearch } from "../serf.ts";

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

/** As the page of an old node shows them, which reads more strictly than a box does. */
export const serfServices: Reader = {
  name: "services",
  title: "services they publish, as an old node lists them",
  read: async (lab) => {
    const found = await oldNodeSearch(lab);
    const text = (value: unknown) => String(value ?? "");
    if (!found) return [{ member: "the page of old nodes is broken: white space in a field" }];
    return found.map(({ node_id, s, d, i, p, e, t }) => ({
      member: node_id,
      type: text(s),
      address: `${text(i)}:${text(p)}`,
      group: text(e),
      description: text(d).replaceAll("_", " "),
      details: text(t),
    }));
  },
};

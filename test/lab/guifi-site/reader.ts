// SPDX-License-Identifier: GPL-3.0-or-later
// What was added to the web site of a running lab since its start.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../lab.ts";
import type { Reader, Row } from "../reader.ts";
import { seed } from "./seed.ts";
import { allDevices, type Device, interfacesOf, nodeOf, type SiteState } from "./state.ts";

export const SITE_HOST = "api";

/** Everything, as it is now; also when the site is down. Undefined in a lab without it. */
export function siteState(lab: Lab): SiteState | undefined {
  try {
    return JSON.parse(readFileSync(join(lab.place(SITE_HOST).directory, "state.json"), "utf8")) as SiteState;
  } catch {
    return undefined;
  }
}

/** Devices that were not there at the beginning. */
export function addedDevices(state: SiteState): Device[] {
  const before = new Set(allDevices(seed()).map(({ id }) => id));
  return allDevices(state).filter(({ id }) => !before.has(id));
}

export const addressesOf = (device: Device): string[] =>
  interfacesOf(device).flatMap(({ ipv4 }) => (ipv4 ? [ipv4] : []));

const reader = (name: string, title: string, rows: (state: SiteState) => Row[]): Reader => ({
  name,
  title,
  async read(lab) {
    const state = siteState(lab);
    return state ? rows(state) : [];
  },
});

const nameOf = (state: SiteState, uid: number): string =>
  state.accounts.find((account) => account.uid === uid)?.name ?? String(uid);

export const siteReaders: readonly Reader[] = [
  reader("devices", "devices registered at the web site", (state) =>
    addedDevices(state).map((device) => ({
      id: String(device.id),
      name: device.title,
      type: device.type,
      status: device.status,
      node: `${nodeOf(state, device).id} ${nodeOf(state, device).title}`,
      member: nameOf(state, device.owner),
      mail: device.notification,
      mac: device.mac ?? "",
      addresses: addressesOf(device).join(" "),
    })),
  ),
  reader("declared", "services declared at the web site", (state) => {
    const before = new Set(seed().services.map(({ id }) => id));
    return state.services
      .filter(({ id }) => !before.has(id))
      .map(({ id, title, type, status, device, owner }) => ({
        ...{ id: String(id), nick: title, type, status, device: String(device) },
        member: nameOf(state, owner),
      }));
  }),
  reader("logins", "members logged in at the web site", (state) =>
    state.tokens.map(({ uid, created }) => ({
      member: nameOf(state, uid),
      since: new Date(created * 1000).toISOString().slice(0, 19),
    })),
  ),
];

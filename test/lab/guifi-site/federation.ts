// SPDX-License-Identifier: GPL-3.0-or-later
// The list of proxies that know each other's users, as a proxy asks for it: its own line first.
import type { Service, SiteState } from "./state.ts";

export function federation(state: SiteState, own: number): string {
  const proxies = state.services
    .filter(({ type, status }) => type === "Proxy" && (status === "Working" || status === "Testing"))
    .sort((one, other) => one.id - other.id);
  const head = proxies.find(({ id }) => id === own);
  const others = proxies.filter(({ id }) => id !== own);
  return [head ? line(head) : "0000-private", ...others.map(line)].map((text) => `${text}\n`).join("");
}

function line({ id, federation: sides = [] }: Service): string {
  const mode = (["IN", "OUT"] as const).filter((side) => sides.includes(side)).join("");
  return `${id}-${mode.toLowerCase() || "private"}`;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The map around the devices: new nodes, zones near a place, models of hardware.
import { cnmlDate, type Node, nextId, unixTime, type Zone } from "../state.ts";
import { type Command, idOf, member, refuse, required } from "./call.ts";
import { abbreviated } from "./service.ts";
import { MODELS, STATUSES } from "./types.ts";

export const addNode: Command = (call) => {
  const { state, parameters, now } = call;
  const { title, zone_id, lat, lon } = required(call, "title", "zone_id", "lat", "lon");
  const status = parameters.get("status") ?? "Planned";
  if (!STATUSES.includes(status)) refuse(403, `status: ${status}`);
  if (!isNumeric(lat)) refuse(403, `lat: ${lat}`);
  if (!isNumeric(lon)) refuse(403, `lon: ${lon}`);
  const notification = parameters.get("notification");
  if (notification !== undefined && !areMails(notification)) refuse(403, `notification: ${notification}`);
  const owner = member(call);
  const zone = state.zones.find(({ id }) => id === idOf(zone_id)) ?? refuse(500, `zone_id = ${zone_id}`);
  const elevation = parameters.get("elevation");
  const node: Node = {
    id: nextId(state.nodes, state.zones, state.services),
    zone: zone.id,
    owner: owner.uid,
    title: parameters.get("nick") || abbreviated(title),
    lat,
    lon,
    ...(elevation ? { antenna_elevation: elevation } : {}),
    status,
    created: cnmlDate(now),
    devices: [],
  };
  state.nodes.push(node);
  state.changed = unixTime(now);
  return { node_id: String(node.id) };
};

/** Zones whose area has the place in it; the smallest is the nearest. */
export const nearestZone: Command = (call) => {
  const { lat, lon } = required(call, "lat", "lon");
  const found = call.state.zones
    .filter((zone) => contains(zone, Number(lat), Number(lon)))
    .sort((one, other) => area(one) - area(other))
    .map(({ id, title }) => ({ title, nick: abbreviated(title), zone_id: String(id) }));
  return found.length ? { candidates: found, nearest: found[0] } : { candidates: false, nearest: false };
};

export const models: Command = ({ parameters }) => {
  const { type, fid, supported } = Object.fromEntries(parameters);
  if (type !== undefined && !["Extern", "PCMCIA", "PCI"].includes(type)) refuse(403, `type invalid: ${type}`);
  if (fid !== undefined && !MODELS.some((model) => model.fid === idOf(fid)))
    refuse(403, `fid invalid: ${fid}`);
  if (supported !== undefined && !["Yes", "Deprecated"].includes(supported)) {
    refuse(403, `supported invalid: ${supported}`);
  }
  const found = MODELS.filter(
    (model) =>
      (!type || model.type === type) &&
      (!fid || model.fid === idOf(fid)) &&
      (!supported || model.supported === supported),
  );
  return { models: found.map((model) => ({ ...model, mid: String(model.mid), fid: String(model.fid) })) };
};

function bounds({ box }: Zone): [number, number, number, number] {
  const [west = 0, south = 0, east = 0, north = 0] = box.split(",").map(Number);
  return [west, south, east, north];
}

function contains(zone: Zone, lat: number, lon: number): boolean {
  const [west, south, east, north] = bounds(zone);
  return west < lon && lon < east && south < lat && lat < north;
}

function area(zone: Zone): number {
  const [west, south, east, north] = bounds(zone);
  return (east - west) * (north - south);
}

const isNumeric = (text: string) => text.trim() !== "" && Number.isFinite(Number(text));

const areMails = (list: string) => list.split(/[,;]/).every((mail) => /^\s*[^\s@]+@[^\s@]+\s*$/.test(mail));

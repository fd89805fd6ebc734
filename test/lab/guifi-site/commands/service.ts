// SPDX-License-Identifier: GPL-3.0-or-later
// Services that members declare on their devices.
import {
  cnmlDate,
  type Device,
  interfacesOf,
  nextId,
  nodeOf,
  type Service,
  type SiteState,
  unixTime,
} from "../state.ts";
import { type Call, type Command, idOf, mayChange, member, refuse, required } from "./call.ts";
import { deviceOf, fits } from "./device.ts";
import { SERVICE_TYPES, STATUSES } from "./types.ts";

// The published code of the site does not check who declares a service. Here the account has to own the device, as
// for every other change, so that a box does not rely on a gap that may be closed.

export const addService: Command = (call) => {
  const { state, parameters, now } = call;
  const { name, server_id, service_type } = required(call, "name", "server_id", "service_type");
  if (!Object.hasOwn(SERVICE_TYPES, service_type)) refuse(403, "This server type is not defined.");
  const device = deviceOf(call, server_id) ?? refuse(403, "This server did not exist.");
  const owner = member(call);
  if (!mayChange(call, device)) refuse(501);
  const status = checkedStatus(parameters.get("status") ?? "Working");
  const title = checkedNick(state, parameters.get("nick") ?? abbreviated(name));
  const service: Service = {
    id: nextId(state.nodes, state.zones, state.services),
    device: device.id,
    zone: zoneOf(state, device),
    owner: owner.uid,
    name,
    title,
    type: service_type,
    status,
    created: cnmlDate(now),
    updated: cnmlDate(now),
    notification: owner.mail,
  };
  if (fits(title)) {
    state.services.push(service);
    state.changed = unixTime(now);
  }
  return { service: row(service) };
};

export const getService: Command = (call) => {
  const service = serviceOf(call);
  return { service: row(service), node: nodeRow(service) };
};

export const updateService: Command = (call) => {
  const { state, parameters, now } = call;
  const service = serviceOf(call);
  if (!mayChangeService(call, service)) refuse(501);
  const status = parameters.get("status");
  if (status !== undefined) checkedStatus(status);
  const server = parameters.get("server_id");
  const device =
    server === undefined
      ? undefined
      : (deviceOf(call, server) ?? refuse(403, "Server destination does not exist."));
  const zone = device && zoneOf(state, device);
  // The nick is in the site's documentation, and does nothing.
  service.name = parameters.get("name") ?? service.name;
  service.status = status ?? service.status;
  service.device = device?.id ?? service.device;
  service.zone = zone ?? service.zone;
  service.updated = cnmlDate(now);
  state.changed = unixTime(now);
  return { service: row(service), node: nodeRow(service) };
};

export const removeService: Command = (call) => {
  const service = serviceOf(call);
  if (!mayChangeService(call, service)) refuse(501);
  call.state.services.splice(call.state.services.indexOf(service), 1);
  call.state.changed = unixTime(call.now);
  return { service: row(service) };
};

export const serviceTypes: Command = () => ({ service_type: SERVICE_TYPES });

export const listServices: Command = (call) => {
  const { server_id } = required(call, "server_id");
  const found = call.state.services.filter(({ device }) => device === idOf(server_id));
  return {
    services: found.map(({ id, type, device }) => ({
      id: String(id),
      service_type: type,
      device_id: String(device),
    })),
  };
};

function serviceOf(call: Call): Service {
  const { service_id } = required(call, "service_id");
  const found = call.state.services.find(({ id }) => id === idOf(service_id));
  return found ?? refuse(403, "This service does not exist.");
}

function mayChangeService(call: Call, service: Service): boolean {
  if (call.account?.uid === service.owner) return true;
  const device = deviceOf(call, String(service.device));
  return device !== undefined && mayChange(call, device);
}

function checkedStatus(status: string): string {
  return STATUSES.includes(status) ? status : refuse(403, "This status is not defined.");
}

function checkedNick(state: SiteState, nick: string): string {
  if (nick.includes(" ")) refuse(403, "Nick name have to be a single word.");
  const isTaken = ({ title }: Service) => title.toLowerCase() === nick.toLowerCase();
  if (state.services.some(isTaken)) refuse(403, "This nick already in use.");
  return nick;
}

/** A service lies in the zone of its device's address, so there has to be one. */
function zoneOf(state: SiteState, device: Device): number {
  const hasAddress = interfacesOf(device).some(({ ipv4 }) => ipv4 !== "");
  return hasAddress ? nodeOf(state, device).zone : refuse(403, "This server did not assign IPv4 address.");
}

/** Initials of several words, or one word without its vowels. */
export function abbreviated(name: string): string {
  if (name.length <= 5) return name.replaceAll(" ", "");
  const words = name.match(/[\w'-]+/g) ?? [];
  if (words.length < 2) return name.replace(/[aeiou]/gi, "");
  return words
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .map((word, index) => word.slice(0, index === 1 ? 3 : 1))
    .join("");
}

function row(service: Service): Record<string, string> {
  return {
    id: String(service.id),
    nick: service.title,
    service_type: service.type,
    zone_id: String(service.zone),
    device_id: String(service.device),
    status_flag: service.status,
    notification: service.notification,
    user_created: String(service.owner),
  };
}

function nodeRow({ id, name, owner, ...service }: Service): Record<string, string> {
  return {
    nid: String(id),
    type: "guifi_service",
    title: name,
    uid: String(owner),
    nick: service.title,
    status_flag: service.status,
    device_id: String(service.device),
    zone_id: String(service.zone),
  };
}

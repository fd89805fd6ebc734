// SPDX-License-Identifier: GPL-3.0-or-later
// The announcements of this box: services that are on, published and really listening, most important first. Once as
// entries of the Serf tag, once as files for Avahi where that is on.

import type { PublishedService } from "../../common/serf-payload.ts";
import type { Service } from "../../common/service.ts";
import { catalogue } from "../catalogue/catalogue.ts";
import type { Box } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { paths } from "../host/paths.ts";
import { isUnclaimed } from "./claim.ts";
import { everyService } from "./custom-projects.ts";
import { defaultInputs, templateData } from "./data.ts";
import { portsOf } from "./engine.ts";
import { conditionMet } from "./inputs.ts";
import { isReachable, placeOf } from "./place.ts";
import { readStates, type ServiceState } from "./state.ts";
import { renderer } from "./template.ts";

export interface Announcements {
  readonly ready: readonly PublishedService[];
  /** Types that are on but do not listen. */
  readonly silent: readonly string[];
}

const SERF: ServiceState = { state: "on", where: "host", published: true, inputs: {}, facts: {} };

/** Called when Serf is on, whatever the stored state says about it. */
export async function announcements(box: Box, image: ImageInfo, address: string): Promise<Announcements> {
  const states = await readStates(box);
  const { cloud, microcloud } = image.community.serf;
  const hostname = ((await box.readFile("/etc/hostname")) ?? "").trim();
  const ready: PublishedService[] = [];
  const silent: string[] = [];
  for (const service of await everyService(box)) {
    const state = service.discovery === "community" ? SERF : states[service.id];
    const { publication } = service;
    if (!publication || state?.state !== "on" || !isAnnounced(service, state)) continue;
    const { type } = publication;
    const ports = await listeningPorts(box, image, service, state);
    const isKnown = Object.keys(service.facts).every((name) => state.facts[name] !== undefined);
    if (ports.length === 0 || !isKnown) {
      silent.push(type);
      continue;
    }
    const host = `${hostname}.${cloud}.local`;
    const [description, txt] = await announcementTexts(box, image, service, state);
    for (const port of ports)
      ready.push({ s: type, d: description, m: host, i: address, p: String(port), e: microcloud, t: txt });
  }
  return { ready, silent };
}

/** Published by the owner, of a public kind with these inputs, and reachable for others. */
export function isAnnounced(service: Service, state: ServiceState): boolean {
  const inputs = { ...defaultInputs(service), ...state.inputs };
  return state.published && conditionMet(service.publication?.when, inputs) && !isUnclaimed(service, state);
}

/** The announced public ports, if they listen in their place and can be reached from other machines. */
async function listeningPorts(
  box: Box,
  image: ImageInfo,
  service: Service,
  state: ServiceState,
): Promise<number[]> {
  const data = { community: image.community, inputs: state.inputs };
  const open = portsOf(service, data).filter(({ public: isPublic, last }) => isPublic && last === undefined);
  const wanted = service.publication?.each_port ? open : open.slice(0, 1);
  // Incus' proxy always listens on the box; only inside is it visible whether the service does.
  const inside = state.where === "host" ? undefined : await placeOf(box, state.where).listening();
  const found: number[] = [];
  for (const port of wanted) {
    const answers = inside?.has(`${port.protocol}/${port.port}`) ?? true;
    // An announcement has no protocol, so a number for both TCP and UDP is announced once.
    if (answers && !found.includes(port.port) && (await isReachable(box, port))) found.push(port.port);
  }
  return found;
}

/** The announced description and key=value pairs. */
async function announcementTexts(
  box: Box,
  image: ImageInfo,
  service: Service,
  state: ServiceState,
): Promise<[string, string]> {
  const { description = "", txt = "" } = service.publication ?? {};
  if (![description, txt].some((template) => template.includes("{{"))) return [description, txt];
  const data = await templateData({ box, image }, service, placeOf(box, state.where), state);
  const render = await renderer();
  return [render(description, data, "publication.description"), render(txt, data, "publication.txt")];
}

const PREFIX = "cbox-";
/** Longest name of a service in DNS-SD, bytes (RFC 6763, section 4.1.1). Avahi drops a file with a longer one. */
const LONGEST_NAME = 63;
/** The suffix that Avahi may add to the host's name in a conflict, such as "-12". */
const ADDED = 4;

/**
 * The same announcements as files for Avahi, if the owner wants that. Avahi uses only the VPN's interface
 * (firstboot/vpn), so they are visible only there.
 */
export async function announceByAvahi(box: Box, published: readonly PublishedService[]): Promise<void> {
  const states = await readStates(box);
  const isOn = catalogue.some(({ id, discovery }) => discovery === "vpn" && states[id]?.state === "on");
  const wanted = isOn ? avahiFiles(published) : new Map<string, string>();
  for (const name of await box.list(paths.avahiServices)) {
    if (name.startsWith(PREFIX) && !wanted.has(name)) await box.remove(`${paths.avahiServices}/${name}`);
  }
  for (const [name, content] of wanted) {
    const path = `${paths.avahiServices}/${name}`;
    if ((await box.readFile(path)) !== content) await box.writeFile(path, content);
  }
}

/** By file name. */
export function avahiFiles(published: readonly PublishedService[]): Map<string, string> {
  const plain = published.map((each) => shownName(each, ""));
  return new Map(
    published.map((each, index) => {
      // Avahi ignores the second of two with the same name and type.
      const isTwin = published.some(
        (other, place) =>
          place !== index && plain[place] === plain[index] && avahiType(other) === avahiType(each),
      );
      const name = isTwin ? shownName(each, ` (${each.p})`) : (plain[index] ?? "");
      return [`${PREFIX}${each.s.toLowerCase()}-${each.p}.service`, avahiFile(each, name)];
    }),
  );
}

/** "Syncthing instance running on %h"; Avahi replaces %h with its host name. */
function shownName({ d, m }: PublishedService, port: string): string {
  const end = ` on ${m.split(".")[0] ?? ""}`;
  const room = LONGEST_NAME - ADDED - Buffer.byteLength(end) - Buffer.byteLength(port);
  // A host name that takes nearly all the room is left out.
  const [shownEnd, left] = room < 15 ? ["", room + Buffer.byteLength(end)] : [" on %h", room];
  return `${shortened(d.replaceAll("_", " "), left)}${port}${shownEnd}`;
}

function shortened(text: string, bytes: number): string {
  let short = "";
  for (const letter of text) {
    if (Buffer.byteLength(short) + Buffer.byteLength(letter) > bytes) break;
    short += letter;
  }
  return short.trimEnd();
}

function avahiType({ s }: PublishedService): string {
  const { transport = "tcp" } =
    catalogue.find(({ publication }) => publication?.type === s)?.publication ?? {};
  return `_${s.toLowerCase()}._${transport}`;
}

function avahiFile(service: PublishedService, name: string): string {
  const records = service.t.split("&").filter(Boolean);
  return `<?xml version="1.0" standalone="no"?>
<!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<service-group>
  <name replace-wildcards="yes">${xml(name)}</name>
  <service>
    <type>${xml(avahiType(service))}</type>
    <port>${service.p}</port>
${records.map((record) => `    <txt-record>${xml(record)}</txt-record>\n`).join("")}  </service>
</service-group>
`;
}

function xml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The addresses of a zone's devices, as the community's map lists them (CNML, action "detail"), with the names that
// the community's name servers have always given them: those of the devices, their numbers, and "ip" in its domain.

import { formatIpv4, parseIpv4 } from "../../common/ipv4.ts";
import { all, type Element, parseCnml } from "../guifi/xml.ts";
import type { Named } from "./zones.ts";

/** Each address once. `domain`: such as guifi.net. Any text makes a list, or a Failure `api-reply-invalid`. */
export async function parseDeviceNames(text: string, domain: string): Promise<Named[]> {
  const devices = all(await parseCnml(text), "network").flatMap(devicesIn);
  const named = devices.flatMap((device) => {
    const { id = "", title = "" } = device.attributes;
    if (!/^\d{1,9}$/.test(id)) return [];
    const nick = title
      .replace(/[^A-Za-z0-9-]/g, "")
      .slice(0, 40)
      .toLowerCase();
    const name = `${nick || "device"}--${id}.ip.${domain}`.replace(/^-+/, "");
    return [device.attributes.mainipv4, ...addressesIn(device)].flatMap((address) => {
      const ipv4 = parseIpv4(address?.trim() ?? "");
      return ipv4 === undefined ? [] : [{ ipv4: formatIpv4(ipv4), name }];
    });
  });
  return [...new Map(named.map((each) => [each.ipv4, each])).values()];
}

function devicesIn(element: Element): Element[] {
  return [
    ...all(element, "device"),
    ...["zone", "node"].flatMap((name) => all(element, name)).flatMap(devicesIn),
  ];
}

/** Of its interfaces, also those of its radios; links name the interfaces of others by number alone. */
function addressesIn(element: Element): (string | undefined)[] {
  return [
    ...all(element, "interface").map(({ attributes }) => attributes.ipv4),
    ...["radio", "interface"].flatMap((name) => all(element, name)).flatMap(addressesIn),
  ];
}

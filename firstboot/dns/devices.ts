// SPDX-License-Identifier: GPL-3.0-or-later
// The addresses of a zone's devices, from the community's map (CNML, action "detail"), with the names that the
// community's name servers use: device names, their numbers, and "ip" in its domain.

import { formatIpv4, parseIpv4 } from "../../common/ipv4.ts";
import { all, type Element, parseCnml } from "../guifi/xml.ts";
import type { Named } from "./zones.ts";

/** Each address once. `domain`: such as guifi.net. Any text gives a list, or Failure `api-reply-invalid`. */
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

/** Of its interfaces, including radios; links refer to the other end's interface only by number. */
function addressesIn(element: Element): (string | undefined)[] {
  return [
    ...all(element, "interface").map(({ attributes }) => attributes.ipv4),
    ...["radio", "interface"].flatMap((name) => all(element, name)).flatMap(addressesIn),
  ];
}

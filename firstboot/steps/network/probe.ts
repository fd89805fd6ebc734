// SPDX-License-Identifier: GPL-3.0-or-later
// The Ethernet ports and Wi-Fi cards of this box, and which of the questions about them are relevant.

import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { ambiguous, settleInterfaces } from "../../network/interfaces.ts";
import type { AllAnswers, Choice, DeepPartial } from "../../setup/step.ts";
import { wifiCards } from "../../wifi/card.ts";
import { countryCodes, countryOf } from "../../wifi/countries.ts";
import type { NetworkFacts } from "./check.ts";
import { isWireless, type NetworkAnswers } from "./questions.ts";

const CABLE_FIRST: readonly Choice[] = [{ value: "cable" }, { value: "wifi" }];

export async function probe(box: Box, image: ImageInfo, all: AllAnswers): Promise<NetworkFacts> {
  const interfaces = await settleInterfaces(box);
  const choices = ambiguous(interfaces);
  const dns = image.community.dns.servers;
  const cards = await wifiCards(box);
  const zone = all.system?.timezone ?? image.community.timezone;
  const country = cards.length ? await countryOf(box, String(zone)) : undefined;
  const answers: DeepPartial<NetworkAnswers> = all.network ?? {};
  return {
    interfaces,
    wifiCards: cards,
    countries: await countryCodes(box),
    defaults: {
      // The console offers the first choice; an answers file that does not mention Wi-Fi must not get it.
      ...(isWireless(answers) ? { via: "wifi" } : {}),
      ...(country ? { "wifi.country": country } : {}),
      method: "dhcp",
      ...(choices[0] ? { interface: choices[0].name } : {}),
      ...(dns.length ? { dns } : {}),
    },
    choices: {
      via: [...(interfaces.some(({ hasCarrier }) => hasCarrier) ? CABLE_FIRST : [...CABLE_FIRST].reverse())],
      interface: choices.map(({ name, mac }) => ({ value: name, label: `${name} (${mac})` })),
    },
    hidden: [
      ...(cards.length ? [] : ["via"]),
      ...(choices.length === 0 || isWireless(answers) ? ["interface"] : []),
    ],
  };
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Step "network": which interface, DHCP or a static address; waits for an address, but does not insist on one.

import { printable } from "../../../common/printable.ts";
import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { ambiguous, settleInterfaces } from "../../network/interfaces.ts";
import { problem } from "../../setup/problems.ts";
import { type AllAnswers, type Choice, type DeepPartial, defineStep, type LookUp } from "../../setup/step.ts";
import { wifiCards } from "../../wifi/card.ts";
import { countryCodes, countryOf } from "../../wifi/countries.ts";
import { bars, scanNetworks } from "../../wifi/scan.ts";
import { apply } from "./apply.ts";
import { check, missing, type NetworkFacts } from "./check.ts";
import { isWireless, type NetworkAnswers, schema } from "./questions.ts";
import { reset } from "./reset.ts";
import { status } from "./status.ts";
import { verify } from "./verify.ts";

const CABLE_FIRST: readonly Choice[] = [{ value: "cable" }, { value: "wifi" }];

const lookUp: LookUp = {
  paths: ["via", "wifi.country", "wifi.ssid"],
  async run(path, answers, { box }) {
    const { via, wifi = {} } = answers as DeepPartial<NetworkAnswers>;
    if (path === "via") {
      const isAmbiguous = via !== "wifi" && ambiguous(await settleInterfaces(box)).length > 0;
      return { probe: { hidden: isAmbiguous ? [] : ["interface"] } };
    }
    // The last choice: a network that is hidden, or that was not heard. Asked again, now without choices.
    if (path === "wifi.ssid") {
      if (wifi.ssid !== "") return {};
      return {
        problems: [problem("network.wifi.ssid", "wifi-name")],
        probe: { choices: { "wifi.ssid": [] } },
      };
    }
    const [card] = await wifiCards(box);
    const found = card ? await scanNetworks(box, card, wifi.country) : [];
    const networks = found.map(({ ssid, signal }) => ({
      value: ssid,
      label: `${"*".repeat(bars(signal)).padEnd(4)} ${printable(ssid)}`,
    }));
    const choices = networks.length ? { "wifi.ssid": [...networks, { value: "", label: "..." }] } : {};
    return { probe: { choices } };
  },
};

export const network = defineStep<NetworkAnswers, NetworkFacts>({
  id: "network",
  schema,
  skippable: true,
  isApplicable: async (_box, image) => image.converted !== true,
  probe,
  lookUp,
  check,
  missing,
  apply,
  verify,
  status,
  reset,
});

async function probe(box: Box, image: ImageInfo, all: AllAnswers): Promise<NetworkFacts> {
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
      // At the console the first choice is offered; a file that does not speak of Wi-Fi does not get it.
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

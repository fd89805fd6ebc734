// SPDX-License-Identifier: GPL-3.0-or-later
// What an answer changes in the following questions: the Wi-Fi networks in range, and whether a cable is chosen.

import { printable } from "../../../common/printable.ts";
import { ambiguous, settleInterfaces } from "../../network/interfaces.ts";
import { problem } from "../../setup/problems.ts";
import type { DeepPartial, LookUp } from "../../setup/step.ts";
import { wifiCards } from "../../wifi/card.ts";
import { bars, scanNetworks } from "../../wifi/scan.ts";
import type { NetworkAnswers } from "./questions.ts";

export const lookUp: LookUp = {
  paths: ["via", "wifi.country", "wifi.ssid"],
  async run(path, answers, { box }) {
    const { via, wifi = {} } = answers as DeepPartial<NetworkAnswers>;
    if (path === "via") {
      const isAmbiguous = via !== "wifi" && ambiguous(await settleInterfaces(box)).length > 0;
      return { probe: { hidden: isAmbiguous ? [] : ["interface"] } };
    }
    // The last choice means a network that is hidden or was not found: asked again as text.
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

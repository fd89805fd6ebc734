// SPDX-License-Identifier: GPL-3.0-or-later
// Applies "network": writes one file for systemd-networkd and one for the clock, and notifies both daemons.

import { fail } from "../../../common/fail.ts";
import { runOrFail, writeIfChanged } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { paths } from "../../host/paths.ts";
import { automatic, settleInterfaces } from "../../network/interfaces.ts";
import type { StepTools } from "../../setup/step.ts";
import { switchOnRadios, wifiCard } from "../../wifi/card.ts";
import { forgetWifi, keptPassphrase, useWifi } from "../../wifi/supplicant.ts";
import { isWireless, type NetworkAnswers, PASSPHRASE_PATH } from "./questions.ts";

/** Lower priority than a cable, for which networkd uses 1024. */
const WIFI_METRIC = 2048;

export async function apply(answers: NetworkAnswers, tools: StepTools): Promise<void> {
  const { box, image } = tools;
  await writeIfChanged(box, paths.timesync, timesyncFile(image));
  if (isWireless(answers)) await applyWifi(answers, tools);
  else await applyCable(answers, tools);
  // Not installed in the smallest images; then the clock is set at the next boot.
  await box.run("systemctl", ["try-restart", "systemd-timesyncd.service"]);
}

async function applyCable(answers: NetworkAnswers, { box, image, progress }: StepTools): Promise<void> {
  const target = automatic(await settleInterfaces(box), answers.interface);
  if (!target && answers.method === "static") {
    fail({
      code: "interface-missing",
      what: "No network interface was found for the static address.",
      hint: "Plug the cable in and try again, or name the interface.",
    });
  }
  progress("progress.network.configure", { interface: target?.name ?? "en*" });
  await forgetWifi(box);
  await box.remove(paths.networkWifi);
  const isNew = await writeIfChanged(box, paths.network, networkFile(answers, target?.name, image));
  // "reload" configures the interfaces of a new file; for an existing one "reconfigure" is needed.
  if (isNew || !target) await runOrFail(box, "networkctl", ["reload"]);
  else await runOrFail(box, "networkctl", ["reconfigure", target.name]);
}

/** A cable still works, by the image's default: it is the fallback when the Wi-Fi settings are wrong. */
async function applyWifi(
  answers: NetworkAnswers,
  { box, image, progress, providedSecrets }: StepTools,
): Promise<void> {
  const card = await wifiCard(box, answers.interface);
  if (!card) {
    return fail({
      code: "wifi-card-missing",
      what: "The Wi-Fi card of the box is not there any more.",
      hint: "Try again, or choose the cable.",
    });
  }
  const { ssid = "", country, passphrase } = answers.wifi ?? {};
  const isOpen = !passphrase && !providedSecrets.has(PASSPHRASE_PATH);
  progress(isOpen ? "progress.network.wifi-open" : "progress.network.wifi", { ssid });
  await box.remove(paths.network);
  await writeIfChanged(box, paths.networkWifi, networkFile(answers, card, image));
  const kept = providedSecrets.has(PASSPHRASE_PATH) ? await keptPassphrase(box, card) : undefined;
  await switchOnRadios(box);
  await useWifi(box, card, { ssid, country, passphrase: passphrase || kept });
  await runOrFail(box, "networkctl", ["reload"]);
}

/** Without an interface: all Ethernet ports, so that any of them works; also those of systemd-nspawn. */
export function networkFile(answers: NetworkAnswers, name: string | undefined, image: ImageInfo): string {
  const dns = answers.dns ?? image.community.dns.servers;
  const search = image.community.dns.search;
  const lines = [
    "# Written by the Community Box set-up. Change it by hand if you like; cbox does not touch it again.",
    "[Match]",
    ...(name ? [`Name=${name}`] : ["Name=en* eth* host0 mv-*", "Type=ether"]),
    "",
    "[Network]",
    "LLMNR=no",
    "MulticastDNS=no",
    ...(search.length ? [`Domains=${search.join(" ")}`] : []),
  ];
  if (answers.method === "static") {
    const gateway = `Gateway=${answers.gateway}`;
    // A /32 subnet does not contain the gateway: it is configured as on-link.
    const isOutside = answers.address?.endsWith("/32");
    lines.push(
      `Address=${answers.address}`,
      ...(isOutside ? [] : [gateway]),
      ...dns.map((server) => `DNS=${server}`),
      ...(isOutside ? ["", "[Route]", gateway, "GatewayOnLink=yes"] : []),
    );
  } else {
    // By MAC address, so that the administrator of the DHCP server can identify the box.
    lines.push("DHCP=ipv4", "", "[DHCPv4]", "ClientIdentifier=mac");
    // A connected cable is preferred.
    if (isWireless(answers)) lines.push(`RouteMetric=${WIFI_METRIC}`);
  }
  return `${lines.join("\n")}\n`;
}

function timesyncFile(image: ImageInfo): string {
  const servers = image.community.ntp.servers;
  return [
    "# Written by the Community Box set-up.",
    "[Time]",
    ...(servers.length ? [`NTP=${servers.join(" ")}`] : []),
    "",
  ].join("\n");
}

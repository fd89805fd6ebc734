// SPDX-License-Identifier: GPL-3.0-or-later
// A box with no cable: the real image with radios of the kernel's own (mac80211_hwsim) and access points behind them,
// one with WPA2 and one with WPA3, which are a wpa_supplicant and a DHCP server in a network namespace of the guest.
// Found, refused for a wrong passphrase, joined, and changed for the other.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildCommand } from "../../image/commands/build.ts";
import { BOOT_MS, type Box, createBox } from "./harness.ts";
import * as seen from "./observations.ts";
import { APPLY_MS, answer, logIn, WELCOME } from "./set-up-dialogue.ts";
import { subject } from "./subject.ts";

const PROFILE = "pc-amd64";
const PASSWORD = "cargol groc damunt la teulada";
/** Too little for contexts. */
const SMALL = 768;

interface AccessPoint {
  readonly card: string;
  readonly ssid: string;
  readonly passphrase: string;
  /** MHz. */
  readonly frequency: number;
  readonly security: readonly string[];
  /** The first three numbers of its addresses. */
  readonly subnet: string;
}

const OLD: AccessPoint = {
  ...{ card: "wlan1", ssid: "Cal Fuster", passphrase: 'set llebres "al camp" # de blat', frequency: 2412 },
  ...{ security: ["key_mgmt=WPA-PSK", "proto=RSN", "pairwise=CCMP"], subnet: "10.66.1" },
};
const NEW: AccessPoint = {
  ...{ card: "wlan2", ssid: "plaça", passphrase: "dues oques a la bassa", frequency: 2437 },
  ...{ security: ["key_mgmt=SAE", "proto=RSN", "pairwise=CCMP", "ieee80211w=2"], subnet: "10.66.2" },
};

let box: Box;

beforeAll(async () => {
  await buildCommand(PROFILE, {});
  box = await createBox({ ...(await subject(PROFILE)), memoryMib: SMALL });
  await box.powerOn();
  await box.expect(WELCOME, { timeoutMs: 2 * BOOT_MS });
  await box.ask("modprobe mac80211_hwsim radios=3 && ip netns add air");
  for (const accessPoint of [OLD, NEW]) await start(accessPoint);
  // As some boxes come: their radio is switched off by software.
  await box.ask('for radio in /sys/class/net/wlan0/phy80211/rfkill*; do echo 1 >"$radio/soft"; done');
});

afterAll(async () => {
  await box?.destroy();
});

/** Moves a radio into the other network namespace, and starts an access point on it. */
async function start({ card, ssid, passphrase, frequency, security, subnet }: AccessPoint): Promise<void> {
  const key = security.includes("key_mgmt=SAE") ? "sae_password" : "psk";
  const configuration = [
    ...["country=ES", "network={", `ssid=${Buffer.from(ssid).toString("hex")}`, "mode=2"],
    ...[`frequency=${frequency}`, ...security, `${key}="${passphrase}"`, "}", ""],
  ].join("\n");
  const text = Buffer.from(configuration).toString("base64");
  const air = "ip netns exec air";
  await box.ask(`iw phy "$(cat /sys/class/net/${card}/phy80211/name)" set netns name air`);
  await box.ask(`echo ${text} | base64 -d >/run/${card}.conf && ${air} ip link set dev ${card} up`);
  await box.ask(
    `systemd-run --unit=ap-${card} ${air} wpa_supplicant -D nl80211 -i ${card} -c /run/${card}.conf`,
  );
  await box.ask(`${air} ip address add ${subnet}.1/24 dev ${card}`);
  const dhcp = `--dhcp-range=${subnet}.10,${subnet}.50,1h --dhcp-leasefile=/run/${card}.leases`;
  const alone = "--keep-in-foreground --conf-file=/dev/null --port=0 --user=root --bind-interfaces";
  await box.ask(`systemd-run --unit=dhcp-${card} ${air} dnsmasq ${alone} --interface=${card} ${dhcp}`);
  await box.ask(`until ${air} iw dev ${card} info | grep -q 'type AP'; do sleep 1; done`);
}

/** From the question how the box is connected to that how it gets its address. */
async function joins(accessPoint: AccessPoint, passphrase: string): Promise<string> {
  await answer(box, "network/via", "1");
  await answer(box, "network/wifi.country", "ES");
  await box.expect(/\[network\/wifi\.ssid\]/);
  const [list] = await box.expect(/^.*?\n(?:\([^\n]*\) )?> /s);
  // A serial line has ASCII only.
  const shown = accessPoint.ssid.replace("ç", "c");
  box.type(new RegExp(`(\\d)\\. \\*+ +${shown}`).exec(list)?.[1] ?? "?");
  await answer(box, "network/wifi.passphrase", passphrase);
  await answer(box, "network/wifi.passphrase.repeat", passphrase);
  return list;
}

/** The page that says so; goes on to the questions again. */
async function isRefused(): Promise<void> {
  await box.expect(/\[error\] network wifi-refused/, { timeoutMs: APPLY_MS });
  const [screen] = await box.expect(/^.*?\n\([^\n]*\) > /s);
  expect(screen).toMatch(/does not accept the passphrase/);
  box.type(/(\d)\. Change the answers/.exec(screen)?.[1] ?? "?");
}

const link = () => box.ask("iw dev wlan0 link; ip -4 -brief address show dev wlan0");

describe("pc-amd64 BIOS: Wi-Fi without a cable", () => {
  test("asks for it first, and lists the networks in range", async () => {
    box.key("enter");
    await answer(box, "system/language", "3");
    await answer(box, "system/timezone");
    await answer(box, "system/hostname", "can-vent");
    await answer(box, "system/updates");
    await answer(box, "system/owner.name", "anna");
    await answer(box, "system/owner.password", PASSWORD);
    await answer(box, "system/owner.password.repeat", PASSWORD);
    await answer(box, "system/owner.ssh_keys");
    const list = await joins(OLD, "not this one");
    expect(list).toMatch(/\*+ +Cal Fuster/);
    expect(list).toMatch(/\*+ +placa/);
    await answer(box, "network/method");
  });

  test("reports a wrong passphrase, and accepts the right one", async () => {
    await answer(box, "member/sign_in", "2");
    await answer(box, "vpn/join", "2");
    await answer(box, "services/serf");
    await answer(box, "services/which");
    await answer(box, "review");
    await isRefused();
    await joins(OLD, OLD.passphrase);
    await answer(box, "network/method");
    await answer(box, "review");
    await box.expect(/\[done\] Set-up is complete/, { timeoutMs: APPLY_MS });
  });

  test("gives the box an address, and keeps the passphrase secret", async () => {
    expect(await link()).toMatch(/SSID: Cal Fuster\n.*wlan0 +UP +10\.66\.1\.\d+\/24/s);
    expect(await box.ask("ping -c 1 -W 5 10.66.1.1")).toContain(" 0% packet loss");
    expect(seen.stepStates(await box.ask("cbox status --json"))).toMatchObject({ network: "works" });
    expect(await seen.placesHolding(box, OLD.passphrase)).toEqual([[]]);
    expect(await box.ask("stat -c '%a %U' /etc/wpa_supplicant/wpa_supplicant-wlan0.conf")).toBe("600 root");
    expect((await seen.health(box)).failedUnits).toBe("");
  });

  test("changes to a network with WPA3 by `cbox network setup`", async () => {
    await logIn(box, "anna", PASSWORD);
    box.type("sudo cbox network setup");
    await box.expect(/password[^\n]*: /i);
    box.type(PASSWORD);
    await joins(NEW, "not this one");
    await answer(box, "network/method");
    await answer(box, "review");
    await isRefused();
    await joins(NEW, NEW.passphrase);
    await answer(box, "network/method");
    await answer(box, "review");
    await box.expect(/: set up\..*Enter: leave/s, { timeoutMs: APPLY_MS });
    box.key("enter");
    await box.expect(/\$ /);
    expect(await link()).toMatch(/SSID: pla\\xc3\\xa7a\n.*wlan0 +UP +10\.66\.2\.\d+\/24/s);
    expect(await box.ask("wpa_cli -i wlan0 status | grep ^key_mgmt=")).toBe("key_mgmt=SAE");
  });
});

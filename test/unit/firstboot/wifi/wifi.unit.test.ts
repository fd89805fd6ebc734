// SPDX-License-Identifier: GPL-3.0-or-later
// Wi-Fi in the step "network": only where a card and its programs are; what iw and wpa_cli say; the configuration; a wrong
// passphrase told from a network that is not there; and where the passphrase may be, and where not.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ssidBytes, ssidText } from "../../../../common/ssid.ts";
import { ConsoleSession, ControlLock } from "../../../../firstboot/console/session.ts";
import { openLog } from "../../../../firstboot/host/log.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { findInterfaces, foremost } from "../../../../firstboot/network/interfaces.ts";
import { checkFile } from "../../../../firstboot/setup/answers/check.ts";
import { SetupRunner } from "../../../../firstboot/setup/runner.ts";
import type { StepTools } from "../../../../firstboot/setup/step.ts";
import { steps } from "../../../../firstboot/steps/index.ts";
import { bars, decodeSsid, parseScan, scanNetworks } from "../../../../firstboot/wifi/scan.ts";
import { keptPassphrase, preSharedKey, supplicantFile } from "../../../../firstboot/wifi/supplicant.ts";
import { FakeBox, IMAGE, PASSWORD, REPORT_FILE } from "../../helpers/fake-box.ts";
import { Person } from "../../helpers/person.ts";
import { startRunner } from "../../helpers/setup-runner.ts";

const PASSPHRASE = "set llebres al camp de blat";
const CONF = "/etc/wpa_supplicant/wpa_supplicant-wlan0.conf";

/** As iw 6.9 prints it, shortened. */
const SCAN = `BSS 02:00:00:00:01:00(on wlan0)
	last seen: 12.160s [boottime]
	freq: 2412.0
	signal: -71.00 dBm
	SSID: Caf\\xc3\\xa8 \\\\o/
	RSN:	 * Version: 1
BSS 02:00:00:00:00:00(on wlan0) -- associated
	capability: ESS Privacy ShortSlotTime (0x0411)
	signal: -30.00 dBm
	SSID: casa
	RSN:	 * Version: 1
		 * Authentication suites: PSK SAE
BSS 02:00:00:00:02:00(on wlan0)
	signal: -60.00 dBm
	SSID: casa
	RSN:	 * Version: 1
BSS 02:00:00:00:03:00(on wlan0)
	signal: -40.00 dBm
	SSID: 
	WPA:	 * Version: 1
BSS 02:00:00:00:04:00(on wlan0)
	signal: -80.00 dBm
	SSID: \\x00\\x00\\x00
BSS 02:00:00:00:05:00(on wlan0)
	capability: ESS (0x0401)
	signal: -79.50 dBm
	SSID: plaça oberta
BSS 02:00:00:00:06:00(on wlan0)
	capability: ESS Privacy (0x0411)
	signal: -85.00 dBm
	SSID: vella
`;

class WifiBox extends FakeBox {
  /** What wpa_supplicant makes of the network. */
  state: "joined" | "refused" | "searching" = "joined";
  inReach = true;

  constructor() {
    super();
    this.plugIn("enp1s0", false);
    const more: Record<string, string> = {
      "/sys/class/net/wlan0/phy80211/name": "phy0\n",
      "/sys/class/net/wlan0/device/vendor": "0x10ec\n",
      "/sys/class/net/wlan0/type": "1\n",
      "/sys/class/net/wlan0/address": "02:00:00:00:00:99\n",
      "/usr/sbin/wpa_supplicant": "",
      "/usr/sbin/wpa_cli": "",
      "/usr/sbin/iw": "",
      "/usr/share/zoneinfo/zone.tab":
        "# comment\nAD\t+4230+00131\tEurope/Andorra\nES\t+4024-00341\tEurope/Madrid\tmain\n",
      "/usr/share/zoneinfo/iso3166.tab": "# comment\nAD\tAndorra\nES\tSpain\nFR\tFrance\n",
    };
    for (const [path, content] of Object.entries(more)) this.files.set(path, content);
    const usual = this.system.run.bind(this.system);
    this.system.run = async (command, args, options) => {
      const stdout = this.#answer(command, args);
      if (stdout === undefined) return usual(command, args, options);
      this.system.commands.push([command, ...args].join(" "));
      return { code: 0, stdout, stderr: "" };
    };
  }

  #answer(command: string, args: readonly string[]): string | undefined {
    // Switching a radio on.
    if (command === "sh") return "";
    if (command === "iw") return args.includes("scan") ? SCAN : "";
    if (command === "ip" && args.includes("set")) return "";
    if (command === "ip" && args.includes("wlan0")) {
      const info = [{ local: "10.1.2.77", prefixlen: 24 }];
      return JSON.stringify([{ ifname: "wlan0", addr_info: info }]);
    }
    if (command === "networkctl" && args.includes("status"))
      return JSON.stringify({ NetworkFile: paths.networkWifi, AdministrativeState: "configured" });
    if (command !== "wpa_cli") return undefined;
    if (args.includes("status"))
      return this.state === "joined" ? "wpa_state=COMPLETED\n" : "wpa_state=SCANNING\n";
    if (args.includes("list_networks"))
      return `network id / ssid / bssid / flags\n0\tcasa\tany\t${this.state === "refused" ? "[TEMP-DISABLED]" : ""}\n`;
    const heard = "02:00:00:00:00:00\t2412\t-30\t[WPA2-PSK-CCMP][ESS]\tcasa\n";
    return `bssid / frequency / signal level / flags / ssid\n${this.inReach ? heard : ""}`;
  }
}

const file = (network: object) => ({
  version: 1,
  system: { owner: { name: "anna", password: PASSWORD } },
  network,
});

async function run(box: FakeBox, network: object): Promise<SetupRunner> {
  const runner = await startRunner(box, JSON.stringify(file(network)));
  await runner.settles(["done", "file_refused"]);
  return runner;
}

describe("the output of the Wi-Fi programs", () => {
  test("gives named networks from iw, each once, the strongest first, with accents", () => {
    expect(parseScan(SCAN)).toEqual([
      { ssid: "casa", signal: -30, security: "wpa" },
      { ssid: "Cafè \\o/", signal: -71, security: "wpa" },
      { ssid: "plaça oberta", signal: -79.5, security: "open" },
      { ssid: "vella", signal: -85, security: "wep" },
    ]);
    expect(parseScan("")).toEqual([]);
    expect(parseScan("command failed: Device or resource busy (-16)")).toEqual([]);
  });

  test.each([
    ["for a moment", 2, "scan"],
    ["all the time", 9, "dump"],
  ])("is read although another program scans %s", async (_what, busy, last) => {
    const box = new WifiBox();
    const usual = box.system.run.bind(box.system);
    let refused = 0;
    box.system.run = async (command, args, options) =>
      command === "iw" && args.at(-1) === "scan" && refused++ < busy
        ? { code: 240, stdout: "", stderr: "command failed: Device or resource busy (-16)\n" }
        : usual(command, args, options);
    expect(await scanNetworks(box, "wlan0", "ES")).toHaveLength(4);
    expect(box.system.commands.filter((each) => each.startsWith("iw")).at(-1)).toMatch(
      new RegExp(`${last}$`),
    );
  });

  test("is decoded where names contain bytes and backslashes", () => {
    expect(decodeSsid('\\xe2\\x82\\xac\\\\ x\\"')).toBe('€\\ x"');
    expect(decodeSsid("pla\\xc3\\xa7a")).toBe("plaça");
    // As wpa_cli writes it; and spaces at the ends.
    expect(decodeSsid("a\\tb\\n\\e")).toBe("a\tb\n\x1b");
    expect(decodeSsid("\\x20casa\\x20")).toBe(" casa ");
  });

  test("gives one to four bars for a signal", () => {
    expect([-30, -60, -70, -90].map(bars)).toEqual([4, 3, 2, 1]);
  });
});

test.each([
  ["wlan", "1", ["/sys/class/rfkill/rfkill1/soft"]],
  ["wlan", "0", []],
  ["bluetooth", "1", []],
])("a radio of type %s with soft=%s is switched on by %j", async (type, soft, expected) => {
  const box = new WifiBox();
  box.files
    .set("/sys/class/rfkill/rfkill1/type", `${type}\n`)
    .set("/sys/class/rfkill/rfkill1/soft", `${soft}\n`);
  await scanNetworks(box, "wlan0", undefined);
  const switched = box.system.commands.filter((each) => each.startsWith("sh -c echo 0 "));
  expect(switched.map((each) => each.split(" ").at(-1))).toEqual(expected);
});

describe("a network name that is not UTF-8", () => {
  test("is joined by its bytes", () => {
    const ssid = decodeSsid("caf\\xe9");
    expect(ssid).toBe("caf\\xe9");
    expect(supplicantFile({ ssid })).toContain("\n\tssid=636166e9\n");
    expect(supplicantFile({ ssid: "cafè" })).toContain("\n\tssid=636166c3a8\n");
    // Four signs that look like a byte are text where the first is written as one.
    expect(supplicantFile({ ssid: "caf\\x5cxe9" })).toContain("\n\tssid=6361665c786539\n");
    expect(preSharedKey("caf\\xe9", PASSPHRASE)).not.toBe(preSharedKey("café", PASSPHRASE));
  });

  test("is text that gives the same bytes again", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 32 }), (bytes) => {
        expect(ssidBytes(ssidText(bytes))).toEqual(Buffer.from(bytes));
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."\\x e9\xe9è€🐐"), maxLength: 12 }), (text) => {
        const bytes = Buffer.from(text);
        expect(ssidBytes(ssidText(bytes))).toEqual(bytes);
        expect(ssidText(ssidBytes(ssidText(bytes)))).toBe(ssidText(bytes));
      }),
    );
    for (const plain of ["casa", "plaça", " a ", "\\o/", "a\\\\b", "\\x41"])
      expect(ssidText(Buffer.from(plain))).toBe(plain);
  });
});

describe("the configuration of Wi-Fi", () => {
  test("allows WPA2 and WPA3 with protected frames, for hidden networks, too", () => {
    const text = supplicantFile({ ssid: 'Cafè "1"', passphrase: 'a"b\\c{}#d', country: "ES" });
    expect(text).toContain(`\n\tssid=${Buffer.from('Cafè "1"').toString("hex")}\n`);
    expect(text).toContain(`\n\tsae_password=${Buffer.from('a"b\\c{}#d').toString("hex")}\n`);
    expect(text).toContain("\n\tkey_mgmt=WPA-PSK WPA-PSK-SHA256 SAE\n");
    expect(text).toContain("\n\tieee80211w=1\n");
    expect(text).toContain("\n\tscan_ssid=1\n");
    expect(text).toContain("\ncountry=ES\n");
  });

  test("has the key of the WPA2 standard's example", () => {
    expect(preSharedKey("IEEE", "password")).toBe(
      "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e",
    );
  });

  test("has no key for an open network, and allows only WPA2 with a key of 64 digits", () => {
    expect(supplicantFile({ ssid: "x" })).toContain("\n\tkey_mgmt=NONE\n");
    expect(supplicantFile({ ssid: "x" })).not.toContain("psk");
    const key = "0123456789abcdef".repeat(4);
    expect(supplicantFile({ ssid: "x", passphrase: key })).toContain(
      `\n\tkey_mgmt=WPA-PSK WPA-PSK-SHA256\n\tpsk=${key}\n`,
    );
  });
});

test("a board without a wired interface is identified by its wireless card, and by a card it was identified by before", async () => {
  const WIFI = "02:00:00:00:00:99";
  const box = new WifiBox();
  expect((await foremost(box))?.name).toBe("enp1s0");
  expect((await foremost(box, { known: WIFI }))?.name).toBe("wlan0");
  for (const path of [...box.files.keys()]) if (path.startsWith("/sys/class/net/enp")) box.files.delete(path);
  expect(await foremost(box)).toMatchObject({ name: "wlan0", mac: WIFI });
});

test("a wireless card does not count as wired, not even on kernels without the older attribute", async () => {
  expect((await findInterfaces(new WifiBox())).map(({ name }) => name)).toEqual(["enp1s0"]);
});

describe("Wi-Fi by an answers file", () => {
  test("is joined, with the passphrase only in the file that needs it", async () => {
    const box = new WifiBox();
    await run(box, { wifi: { ssid: "casa", passphrase: PASSPHRASE } });
    const report = parse(box.files.get(REPORT_FILE) ?? "");
    expect(report.steps.find(({ id }: { id: string }) => id === "network").result).toBe("applied");
    const written = Buffer.from(PASSPHRASE).toString("hex");
    expect(box.files.get(CONF)).toContain(`sae_password=${written}\n`);
    // The country is that of the time zone.
    expect(box.files.get(CONF)).toContain("country=ES");
    const network = box.files.get(paths.networkWifi);
    expect(network).toContain("Name=wlan0\n");
    expect(network).toContain("RouteMetric=2048\n");
    expect(box.files.has(paths.network)).toBe(false);
    expect([...box.system.enabled]).toContain("wpa_supplicant@wlan0.service");
    const holding = (text: string) =>
      [...box.files].filter(([, content]) => content.includes(text)).map(([path]) => path);
    expect(holding(written)).toEqual([CONF]);
    expect(holding(PASSPHRASE)).toEqual([]);
    // A later set-up in which Enter keeps it finds it there.
    expect(await keptPassphrase(box, "wlan0")).toBe(PASSPHRASE);
    expect(box.system.commands.join("\n")).not.toContain(PASSPHRASE);
    const states = box.everWritten.filter((text) => text.startsWith(paths.state));
    expect(states.length).toBeGreaterThan(10);
    expect(states.join()).not.toContain(PASSPHRASE);
  });

  test("is an open network with an empty passphrase, which is reported", async () => {
    const box = new WifiBox();
    const runner = await run(box, { wifi: { ssid: " casa ", passphrase: "" } });
    expect(runner.context.problems).toEqual([]);
    expect(box.files.get(CONF)).toContain(`\n\tssid=${Buffer.from(" casa ").toString("hex")}\n`);
    expect(box.files.get(CONF)).toContain("\n\tkey_mgmt=NONE\n");
    expect(runner.context.providedSecrets).not.toContain("network.wifi.passphrase");
    const said: string[] = [];
    const tools = {
      box,
      image: IMAGE,
      providedSecrets: new Set(),
      progress: (key: string) => void said.push(key),
    };
    const network = steps.find(({ id }) => id === "network");
    await network?.apply({ wifi: { ssid: "casa", passphrase: "" } }, tools as unknown as StepTools);
    expect(said).toEqual(["progress.network.wifi-open"]);
  });

  test("is removed by a reset", async () => {
    const box = new WifiBox();
    await run(box, { wifi: { ssid: "casa", passphrase: PASSPHRASE } });
    const network = steps.find(({ id }) => id === "network");
    await network?.reset?.(box, IMAGE, { keepData: true, progress: () => {} });
    expect(box.files.has(CONF)).toBe(false);
    expect(box.files.has(paths.networkWifi)).toBe(false);
    expect([...box.system.enabled]).not.toContain("wpa_supplicant@wlan0.service");
  });

  test.each([
    ["a wrong passphrase", "refused", true, "wifi-refused"],
    ["a network that is not there", "searching", false, "wifi-not-found"],
    ["a network that does not let the box in", "searching", true, "wifi-not-joined"],
  ] as const)(
    "reports %s with a code of its own, and the box is set up nevertheless",
    async (_what, state, inReach, code) => {
      const box = new WifiBox();
      box.state = state;
      box.inReach = inReach;
      const runner = await run(box, { wifi: { ssid: "casa", passphrase: PASSPHRASE } });
      expect(runner.state).toBe("done");
      expect(runner.context.warnings).toContainEqual(
        expect.objectContaining({ code: "network-passed", values: { reason: code } }),
      );
    },
  );

  test("is not configured without its section, with or without a card", async () => {
    const box = new WifiBox();
    box.plugIn("enp1s0", true);
    await run(box, { method: "dhcp" });
    expect(box.files.has(CONF)).toBe(false);
    expect(box.files.get(paths.network)).toContain("Name=enp1s0");
  });

  test("is refused with a code for each mistake", async () => {
    const problems = async (box: FakeBox, network: object) =>
      (await checkFile(file(network), steps, box, IMAGE)).problems.map(({ field, code, found }) => [
        field,
        code,
        found,
      ]);
    const box = new WifiBox();
    expect(await problems(box, { wifi: { ssid: "casa", passphrase: "short" } })).toEqual([
      ["network.wifi.passphrase", "wifi-passphrase-syntax", "a value that is not shown here"],
    ]);
    expect(await problems(box, { wifi: { ssid: "casa", country: "es" } })).toEqual([
      ["network.wifi.country", "wifi-country", "es"],
    ]);
    expect(await problems(box, { wifi: { ssid: "casa", country: "XX" } })).toEqual([
      ["network.wifi.country", "wifi-country", "XX"],
    ]);
    expect(await problems(box, { wifi: { ssid: "ç".repeat(17) } })).toEqual([
      ["network.wifi.ssid", "wifi-name-long", "nothing"],
    ]);
    expect(await problems(box, { via: "wifi" })).toEqual([["network.wifi.ssid", "wifi-name", "nothing"]]);
    expect(await problems(new FakeBox(), { wifi: { ssid: "casa" } })).toEqual([
      ["network.wifi", "wifi-none", "nothing"],
    ]);
    box.files.delete("/usr/sbin/wpa_supplicant");
    expect((await problems(box, { wifi: { ssid: "casa" } }))[0]?.[1]).toBe("wifi-none");
  });
});

describe("Wi-Fi at the console", () => {
  async function atNetwork(box: FakeBox) {
    const runner = await SetupRunner.open({ box, image: IMAGE, steps, log: openLog(box) });
    runner.start();
    const person = new Person();
    const session = new ConsoleSession(person.terminal.port, runner, new ControlLock());
    person.type = (keys) => session.terminal.keys.push(Buffer.from(keys));
    void session.attend();
    await person.sees("Press Enter to begin");
    person.type("\r");
    await person.answers("system/language", "3");
    for (const tag of ["system/timezone", "system/hostname"]) await person.answers(tag);
    await person.answers("system/owner.name", "anna");
    await person.answers("system/owner.password", PASSWORD);
    await person.answers("system/owner.password.repeat", PASSWORD);
    await person.answers("system/owner.ssh_keys");
    return { runner, person, session };
  }

  test("is chosen from a list, with its passphrase typed twice", async () => {
    const { runner, person, session } = await atNetwork(new WifiBox());
    // Without a cable it is offered first.
    await person.sees("[network/via]");
    await person.sees("1. By Wi-Fi");
    await person.sees("> ");
    person.type("1\r");
    await person.answers("network/wifi.country", "");
    await person.sees("1. **** casa");
    await person.sees("2. **   Cafe \\o/");
    await person.sees("> ");
    person.type("1\r");
    await person.answers("network/wifi.passphrase", PASSPHRASE);
    await person.answers("network/wifi.passphrase.repeat", PASSPHRASE);
    await person.answers("network/method", "1");
    await person.sees("[member/");
    expect(runner.context.answers.network).toEqual({
      via: "wifi",
      wifi: { country: "ES", ssid: "casa" },
      method: "dhcp",
    });
    expect(runner.context.providedSecrets).toContain("network.wifi.passphrase");
    expect(person.screen).not.toContain(PASSPHRASE);
    session.hangUp();
  });

  test("is a hidden network typed by its name", async () => {
    const { runner, person, session } = await atNetwork(new WifiBox());
    await person.answers("network/via", "1");
    await person.answers("network/wifi.country", "");
    await person.answers("network/wifi.ssid", "5");
    await person.sees("[error] Type the name of the network.");
    await person.sees("> ");
    person.type(" amagada \r");
    await person.answers("network/wifi.passphrase", "");
    await person.answers("network/method", "1");
    await person.sees("[member/");
    expect(runner.context.answers.network).toMatchObject({ wifi: { ssid: " amagada " } });
    session.hangUp();
  });

  test("is offered after the cable when one is plugged in, and not without a card", async () => {
    const box = new WifiBox();
    box.plugIn("enp1s0", true);
    const { person, session } = await atNetwork(box);
    await person.sees("[network/via]");
    await person.sees("1. By cable");
    session.hangUp();
    const plain = await atNetwork(new FakeBox());
    await plain.person.answers("network/method", "1");
    plain.session.hangUp();
  });
});

// SPDX-License-Identifier: GPL-3.0-or-later
// A box that was a Debian before: what the set-up asks and leaves alone there, on a box in memory.

import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { setUpStep } from "../../../../firstboot/commands/step-setup.ts";
import { runThrough } from "../../../../firstboot/console/one-step.ts";
import { readRecord } from "../../../../firstboot/contexts/record.ts";
import type { ImageInfo } from "../../../../firstboot/host/image-info.ts";
import { openLog } from "../../../../firstboot/host/log.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { checkFile } from "../../../../firstboot/setup/answers/check.ts";
import { completeReset } from "../../../../firstboot/setup/reset.ts";
import { SetupRunner } from "../../../../firstboot/setup/runner.ts";
import type { StepTools } from "../../../../firstboot/setup/step.ts";
import { contexts } from "../../../../firstboot/steps/contexts/index.ts";
import { steps, stepsHere } from "../../../../firstboot/steps/index.ts";
import { system } from "../../../../firstboot/steps/system/index.ts";
import { startAvahi, stopAvahi } from "../../../../firstboot/vpn/avahi.ts";
import { failureOf } from "../../../failure-of.ts";
import { FakeBox, IMAGE } from "../../helpers/fake-box.ts";

const CONVERTED: ImageInfo = {
  ...IMAGE,
  converted: true,
  consoles: [],
  boot_mount: "/var/lib/community-box/setup",
};
const ANSWERS = `version: 1
system: { language: en, owner: { name: anna } }
services: { serf: { enabled: false } }
`;

/** With two people, of whom the second is the administrator. */
function machine(): FakeBox {
  const box = new FakeBox();
  const people = "berta:x:1000:1000::/home/berta:/bin/bash\nanna:x:1001:1001::/home/anna:/bin/bash\n";
  const others = "ftp:x:1002:1002::/srv:/usr/sbin/nologin\nnobody:x:65534:65534::/:/bin/sh\n";
  box.files.set("/etc/passwd", `${box.files.get("/etc/passwd")}${people}${others}`);
  box.files.set("/etc/group", "root:x:0:\nsudo:x:27:anna\n");
  box.files.set("/etc/hostname", "masia\n");
  box.files.set("/home/anna/.profile", "");
  box.system.accounts.set("anna", { uid: 1001, shadow: "$y$own", groups: ["sudo"] });
  return box;
}

function toolsFor(box: FakeBox): StepTools {
  return {
    ...{
      box,
      image: CONVERTED,
      providedSecrets: new Set<string>(),
      skippedSteps: new Set<string>(),
      answersOf: () => ({}),
    },
    ...{ progress: () => {}, signal: new AbortController().signal },
  };
}

async function setUp(box: FakeBox, answers: string): Promise<void> {
  box.files.set(`${CONVERTED.boot_mount}/answers.yaml`, answers);
  const here = await stepsHere(box, CONVERTED);
  await runThrough(
    await SetupRunner.open({ box, image: CONVERTED, steps: here, log: openLog(box) }),
    () => {},
  );
}

/** What would touch accounts, SSH, name or network. */
const FOREIGN =
  /useradd|usermod|userdel|chpasswd|ssh-keygen -A|ssh\.service|^hostname |networkctl|networkd|timesyncd/;
const OWN_PLACES = [
  "/etc/passwd",
  "/etc/group",
  "/etc/hostname",
  "/etc/hosts",
  "/etc/localtime",
  "/etc/ssh",
  "/etc/systemd/network",
  "/home",
];

const own = (box: FakeBox) =>
  [...box.files].filter(([path]) =>
    OWN_PLACES.some((place) => path === place || path.startsWith(`${place}/`)),
  );

describe("the set-up of a converted machine", () => {
  test("completes with an answers file, and changes neither accounts, SSH, host name nor network", async () => {
    const box = machine();
    const before = own(box);
    await setUp(box, ANSWERS);
    expect(box.files.has(paths.configured)).toBe(true);
    expect(JSON.parse(box.files.get(paths.choices) ?? "")).toEqual({
      language: "en",
      hostname: "masia",
      owner: "anna",
    });
    expect(own(box)).toEqual(before);
    expect(box.system.commands.filter((command) => FOREIGN.test(command))).toEqual([]);
    expect(box.system.accounts.get("anna")?.shadow).toBe("$y$own");
  });

  test("asks for the language and for one of the existing accounts, administrators first", async () => {
    const probe = await system.probe(machine(), CONVERTED, {});
    expect(probe.choices?.["owner.name"]?.map(({ value }) => value)).toEqual(["anna", "berta"]);
    expect(probe.defaults).toEqual({ language: "ca", "owner.name": "anna" });
    expect(probe.hidden).toEqual([
      "keyboard",
      "timezone",
      "hostname",
      "updates",
      "owner.password",
      "owner.ssh_keys",
      "ssh.keys_only",
    ]);
    expect((await system.probe(new FakeBox(), CONVERTED, {})).choices?.["owner.name"]).toEqual([
      { value: "root", label: "root" },
    ]);
  });

  test("refuses answers about settings that it keeps, each with its field", async () => {
    const box = machine();
    const data = parse(`version: 1
system: { hostname: other, timezone: Europe/Paris, owner: { name: carla, password: "vuit cargols verds", ssh_keys: [] }, ssh: { keys_only: true } }
network: { method: dhcp }
`);
    const { problems } = await checkFile(data, await stepsHere(box, CONVERTED), box, CONVERTED);
    expect(Object.fromEntries(problems.map(({ field, code }) => [field, code]))).toEqual({
      network: "network-not-here",
      "system.hostname": "system-kept",
      "system.timezone": "system-kept",
      "system.owner.name": "owner-name-unknown",
      "system.owner.password": "system-kept",
      "system.owner.ssh_keys": "system-kept",
      "system.ssh.keys_only": "system-kept",
    });
  });

  test("has no network step to set up again", async () => {
    const box = machine();
    expect((await stepsHere(box, CONVERTED)).map(({ id }) => id)).toEqual(
      steps.map(({ id }) => id).filter((id) => id !== "network"),
    );
    await setUp(box, ANSWERS);
    const network = steps.find(({ id }) => id === "network")!;
    const tools = { box, image: CONVERTED, steps, log: openLog(box) };
    expect(await failureOf(() => setUpStep(tools, network, { file: "method: dhcp\n" }))).toMatchObject({
      code: "step-not-here",
      message: "This machine looks after its network by itself, as before it became a box.",
    });
  });

  test("is undone by a reset that leaves all that was there before", async () => {
    const box = machine();
    const before = own(box);
    await setUp(box, ANSWERS);
    await completeReset({ box, image: CONVERTED, steps, log: openLog(box) }, { keepData: false });
    expect(box.files.has(paths.configured)).toBe(false);
    expect(box.files.has(paths.choices)).toBe(false);
    expect(own(box)).toEqual(before);
    expect(box.system.commands.filter((command) => FOREIGN.test(command))).toEqual([]);
    expect(box.system.accounts.has("anna")).toBe(true);
  });
});

describe("the contexts of a converted machine", () => {
  test("store their data in files within half of the free space, without a partition", async () => {
    const box = machine();
    await contexts.apply({ share: "half" }, toolsFor(box));
    const record = await readRecord(box);
    expect(record).toMatchObject({ box: { diskMib: 5888 } });
    expect(box.system.commands.some((command) => command.startsWith("systemd-repart"))).toBe(false);
    const sizes = ["owner", "community"].map(
      (id) => box.system.contexts.pools.get(`cbox-${id}`)?.config?.size,
    );
    expect(sizes).toEqual(["2944MiB", "2944MiB"]);
  });
});

describe("an Avahi that runs already", () => {
  test("stays as it is when the VPN starts and when it stops", async () => {
    const box = machine();
    box.system.enabled.add("avahi-daemon.service");
    await startAvahi(box, "guifi");
    await stopAvahi(box);
    expect(box.files.has(paths.avahiUnit)).toBe(false);
    expect(box.system.enabled.has("avahi-daemon.service")).toBe(true);
    expect(box.system.commands.every((command) => command.startsWith("systemctl is-enabled"))).toBe(true);
  });
});

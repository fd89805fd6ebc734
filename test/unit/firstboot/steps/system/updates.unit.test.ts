// SPDX-License-Identifier: GPL-3.0-or-later
// Security updates: asked where the box can, one file and APT's own timers, in the contexts as on the box.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readStatus, statusData, statusText } from "../../../../../firstboot/commands/status.ts";
import { warningText } from "../../../../../firstboot/console/pages.ts";
import { converse } from "../../../../../firstboot/console/wizard.ts";
import { openLog } from "../../../../../firstboot/host/log.ts";
import { readChoices, writeChoices } from "../../../../../firstboot/host/owner-settings.ts";
import { paths } from "../../../../../firstboot/host/paths.ts";
import { translator } from "../../../../../firstboot/i18n/translate.ts";
import { completeReset } from "../../../../../firstboot/setup/reset.ts";
import { SetupRunner } from "../../../../../firstboot/setup/runner.ts";
import type { StepTools } from "../../../../../firstboot/setup/step.ts";
import { contexts } from "../../../../../firstboot/steps/contexts/index.ts";
import { system } from "../../../../../firstboot/steps/system/index.ts";
import { updateContexts } from "../../../../../firstboot/updates/updates.ts";
import { FakeBox, IMAGE, VALID_ANSWERS } from "../../../helpers/fake-box.ts";
import { Person } from "../../../helpers/person.ts";
import { startRunner } from "../../../helpers/setup-runner.ts";

const PROGRAM = "/usr/bin/unattended-upgrade";
const TIMERS = ["apt-daily.timer", "apt-daily-upgrade.timer"];
const image = { ...IMAGE, community: { ...IMAGE.community, default_language: "en" as const } };
const steps = [system, contexts];
const t = translator("en");
/** Where the simulated Incus has a context's files. */
const rootOf = (id: string) => `/var/lib/incus/containers/${id}_${id}/rootfs`;
let box: FakeBox;

beforeEach(() => {
  box = new FakeBox();
  for (const root of ["", rootOf("owner"), rootOf("community")]) box.files.set(`${root}${PROGRAM}`, "");
});

/** A set-up by a file in which the question is answered so; not at all when left out. */
async function setUp(updates?: string, which = steps): Promise<SetupRunner> {
  const line = updates ? `  updates: ${updates}\n` : "";
  const answers = VALID_ANSWERS.replace("  hostname:", `${line}  hostname:`);
  const runner = await startRunner(box, answers, { image, steps: which });
  await runner.reached("done");
  return runner;
}

const stepTools = () =>
  ({ box, image, progress: () => {}, providedSecrets: new Set<string>() }) as unknown as StepTools;

/** The step once more, as `cbox system setup` applies it. */
async function again(updates: "restart" | "fixes" | "off"): Promise<void> {
  const answers = { language: "en", hostname: "can-bruixa", updates, owner: { name: "anna" } };
  await system.apply(answers, stepTools());
  await system.verify(answers, stepTools());
}

const running = () => TIMERS.filter((timer) => box.system.running.has(timer));
const inside = (id: string) => box.effects.filter((effect) => effect.startsWith(`incus exec ${id} `));

describe("the question about updates", () => {
  let leave: AbortController | undefined;
  afterEach(() => leave?.abort());

  test("has three answers, with the community's as default", async () => {
    const runner = await SetupRunner.open({ box, image, steps: [system], log: openLog(box) });
    runner.start();
    await runner.reached("welcome");
    const person = new Person(false);
    leave = new AbortController();
    void converse({ runner, terminal: person.terminal, signal: leave.signal }).catch(() => {});
    await person.answers("system/language", "3");
    await person.answers("system/timezone");
    await person.answers("system/hostname", "can-bruixa");
    await person.sees("1. Yes, and restart at night when that is needed");
    await person.sees("2. Yes, but I restart the box myself");
    await person.sees("3. No, I look after that myself");
    await person.sees("(1) > ");
  });

  test("has the community's default", async () => {
    const community = { ...image.community, updates: { choice: "fixes", restart_hour: 3 } as const };
    const { defaults } = await system.probe(box, { ...image, community }, {});
    expect(defaults.updates).toBe("fixes");
  });

  test("is not asked where the program is missing, nor on a converted machine, whose file may not answer it", async () => {
    box.files.delete(PROGRAM);
    expect((await system.probe(box, image, {})).hidden).toContain("updates");
    const converted = await system.probe(box, { ...image, converted: true }, {});
    expect(converted.hidden).toContain("updates");
    expect(system.check({ updates: "off" }, converted, new Set())).toMatchObject([
      { field: "system.updates", code: "system-kept" },
    ]);
  });

  test("is part of the review page", () => {
    const summary = (updates: "restart" | "fixes" | "off") =>
      system.summary?.({ hostname: "can-bruixa", owner: { name: "anna" }, updates }, t);
    expect(summary("restart")).toBe("can-bruixa, anna, security updates");
    expect(summary("fixes")).toBe("can-bruixa, anna, security updates, no restarts");
    expect(summary("off")).toBe("can-bruixa, anna, no security updates");
  });
});

describe("the answer about updates", () => {
  test('"restart" enables the timers, and restarts the box in the community\'s hour at a minute of its own', async () => {
    await setUp();
    // 0x01234567 modulo 60.
    expect(box.files.get(paths.updates)).toContain(
      'Unattended-Upgrade::Automatic-Reboot "true";\nUnattended-Upgrade::Automatic-Reboot-Time "04:43";\n',
    );
    expect(running()).toEqual(TIMERS);
  });

  test('"fixes" enables the timers without restarts, and cancels one that is scheduled', async () => {
    await setUp("restart");
    expect(box.effects).not.toContain("shutdown -c");
    await again("fixes");
    expect(box.files.get(paths.updates)).toContain('Automatic-Reboot "false";');
    expect(box.effects).toContain("shutdown -c");
    expect(running()).toEqual(TIMERS);
  });

  test('"off" leaves neither file nor timer on the box or in the contexts', async () => {
    await setUp("restart");
    expect(box.files.has(`${rootOf("owner")}${paths.updates}`)).toBe(true);
    await again("off");
    expect(box.files.has(paths.updates)).toBe(false);
    expect(running()).toEqual([]);
    for (const id of ["owner", "community"]) {
      expect(inside(id)).toContain(`incus exec ${id} --project ${id} -- systemctl stop ${TIMERS.join(" ")}`);
      expect(box.files.has(`${rootOf(id)}${paths.updates}`)).toBe(false);
    }
  });

  test("is applied to the contexts when they are made", async () => {
    await setUp("fixes");
    for (const id of ["owner", "community"]) {
      const start = `incus exec ${id} --project ${id} -- systemctl start ${TIMERS.join(" ")}`;
      expect(inside(id)).toContain(start);
      expect(box.files.get(`${rootOf(id)}${paths.updates}`)).toContain('Automatic-Reboot "false";');
    }
  });

  test("is the community's for the contexts of a converted machine, which asks nobody", async () => {
    await setUp("off");
    await writeChoices(box, { ...(await readChoices(box)), updates: undefined });
    const community = { ...image.community, updates: { choice: "fixes" as const, restart_hour: 4 } };
    await updateContexts(box, { ...image, community });
    expect(box.files.has(`${rootOf("owner")}${paths.updates}`)).toBe(false);
    await updateContexts(box, { ...image, community, converted: true });
    expect(box.files.has(`${rootOf("owner")}${paths.updates}`)).toBe(true);
    expect(box.files.has(paths.updates)).toBe(false);
  });

  test("is ignored on a box without the program", async () => {
    box.files.delete(PROGRAM);
    await setUp("restart", [system]);
    expect(box.files.has(paths.updates)).toBe(false);
    expect(running()).toEqual([]);
  });

  test("fails the verification when the timers do not run", async () => {
    await setUp("fixes", [system]);
    box.system.running.delete(TIMERS[1]!);
    await expect(
      system.verify({ updates: "fixes", owner: { name: "anna" } }, stepTools()),
    ).rejects.toMatchObject({
      code: "updates-not-set",
    });
  });

  test("is undone by a reset", async () => {
    await setUp("restart");
    await completeReset({ box, image, steps, log: openLog(box) }, { keepData: true });
    expect(box.files.has(paths.updates)).toBe(false);
    expect(running()).toEqual([]);
  });
});

describe("the status of updates", () => {
  const updatesLine = async () =>
    statusText(await readStatus(box, image, [system]), t)
      .split("\n")
      .slice(-3)
      .map((line) => line.trim())
      .join(" ");

  test("shows the choice, the date of known fixes, and that a restart is due", async () => {
    await setUp("fixes", [system]);
    expect(await updatesLine()).toContain("by themselves, without restarts; none known yet");
    const lists = "/var/lib/apt/lists/deb.example.net_debian-security_dists_trixie-security";
    box.files.set(`${lists}_InRelease`, "Origin: Debian\nDate: Thu, 26 Nov 2026 13:33:20 UTC\nSHA256:\n");
    box.files.set("/run/reboot-required", "");
    expect(await updatesLine()).toContain(
      "by themselves, without restarts; fixes are known up to 2026-11-26; a restart is due: sudo reboot",
    );
    expect(statusData(await readStatus(box, image, [system]))).toMatchObject({
      steps: [
        {
          step: "system",
          updates: {
            choice: "fixes",
            working: true,
            known_until: "2026-11-26T13:33:20.000Z",
            restart_due: true,
          },
        },
      ],
    });
  });

  test("names fixes that are held back on the box and in its contexts, as the last page does", async () => {
    const kept = "/var/lib/unattended-upgrades/kept-back";
    await setUp("fixes");
    expect((await readStatus(box, image, [system])).steps).toMatchObject([
      { data: { updates: { kept_back: [] } } },
    ]);
    box.files.set(kept, "libxml2 openssl");
    box.files.set(`${rootOf("community")}${kept}`, "curl\n");
    expect(await updatesLine()).toContain("kept back: libxml2, openssl, community: curl");
    expect((await readStatus(box, image, [system])).steps).toMatchObject([
      {
        state: "trouble",
        advice: { key: "status.system.kept-back-advice" },
        data: { updates: { working: true, kept_back: ["libxml2", "openssl", "community: curl"] } },
      },
    ]);
    const answers = {
      language: "en",
      hostname: "can-bruixa",
      updates: "fixes" as const,
      owner: { name: "anna" },
    };
    const warnings = await system.verify(answers, stepTools());
    expect(warnings.map((warning) => warningText(t, warning))).toEqual([
      "These packages have a fix that does not install itself, since it needs more than fixes: libxml2, openssl, community: curl. To install them: sudo apt update && sudo apt full-upgrade",
    ]);
    expect(await system.verify({ ...answers, updates: "off" }, stepTools()).catch(({ code }) => code)).toBe(
      "updates-not-set",
    );
    box.files.delete(kept);
    box.files.delete(`${rootOf("community")}${kept}`);
    expect(await updatesLine()).not.toContain("kept back");
    expect(await system.verify(answers, stepTools())).toEqual([]);
  });

  test("is not trouble when updates are off, but is when the timers were stopped", async () => {
    await setUp("off", [system]);
    expect(await updatesLine()).toContain("not by themselves");
    expect((await readStatus(box, image, [system])).steps).toMatchObject([{ state: "works" }]);
    await again("fixes");
    for (const timer of TIMERS) box.system.running.delete(timer);
    expect((await readStatus(box, image, [system])).steps).toMatchObject([
      { state: "trouble", advice: { key: "trouble.updates-not-set" }, data: { updates: { working: false } } },
    ]);
  });
});

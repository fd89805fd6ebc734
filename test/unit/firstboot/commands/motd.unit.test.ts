// SPDX-License-Identifier: GPL-3.0-or-later
// The three lines after log-in: how the box is doing, what is missing, where to go on.

import { describe, expect, test } from "vitest";
import { motdText, refreshMotd } from "../../../../firstboot/commands/motd.ts";
import type { NamedStatus } from "../../../../firstboot/commands/status.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { languages, translator } from "../../../../firstboot/i18n/translate.ts";
import type { Step, StepStatus } from "../../../../firstboot/setup/step.ts";
import { steps } from "../../../../firstboot/steps/index.ts";
import { system } from "../../../../firstboot/steps/system/index.ts";
import { FakeBox, IMAGE } from "../../helpers/fake-box.ts";

const LATER = { key: "status.member.later", values: { command: "cbox member setup" } } as const;
const said = (id: string, state: StepStatus["state"], advice?: StepStatus["advice"]): NamedStatus => ({
  ...{ id, state, rows: [], data: {} },
  ...(advice ? { advice } : {}),
});
const t = translator("en");

test("the message says that all works and nothing is missing, although an unwanted part is off", () => {
  const found = [said("system", "works"), said("vpn", "works"), said("contexts", "off")];
  expect(motdText({ version: "0.1.0", steps: found, unfinished: [] }, t)).toBe(
    [
      "Community Box 0.1.0: all that was set up works.",
      "Nothing is missing. How the box is doing: cbox status",
      "What the box can do: cbox help",
      "",
    ].join("\n"),
  );
});

test("the message names what does not work and what was deferred or interrupted", () => {
  const found = [said("member", "off", LATER), said("node", "works"), said("vpn", "trouble")];
  const [state, missing] = motdText({ version: "0.1.0", steps: found, unfinished: ["node"] }, t).split("\n");
  expect(state).toBe("Community Box 0.1.0: does not work: VPN.");
  expect(missing).toBe("Still missing: Member, Node. How to: cbox status");
});

describe.each(languages)("the message in %s", (language) => {
  test("stays within three lines of ASCII, however much there is to report", () => {
    const of = (state: StepStatus["state"]) => steps.map(({ id }) => said(id, state, LATER));
    for (const found of [of("trouble"), of("off").slice(2), of("works")]) {
      const text = motdText({ version: "10.11.12", steps: found, unfinished: [] }, translator(language));
      expect(text).toMatch(/^(?:[\x20-\x7e]{1,79}\n){3}$/);
      expect(text).toMatch(/cbox status\n.*cbox help\n$/);
    }
  });
});

describe("the file of the message", () => {
  const working: Step = { ...system, status: async () => ({ state: "works", rows: [], data: {} }) };
  const broken: Step = { ...system, id: "vpn", status: async () => Promise.reject(new Error("EACCES")) };

  function boxSetUp(): FakeBox {
    const box = new FakeBox();
    box.files.set(paths.configured, "{}");
    box.files.set(paths.choices, JSON.stringify({ language: "ca", owner: "anna" }));
    return box;
  }

  test("is written in the owner's language, and only when it changes", async () => {
    const box = boxSetUp();
    await refreshMotd(box, IMAGE, { steps: [working] });
    expect(box.files.get(paths.motd)).toContain("tot el que s'ha configurat funciona");
    const writes = () => box.effects.filter((effect) => effect.includes(paths.motd)).length;
    const before = writes();
    expect(before).toBe(1);
    await refreshMotd(box, IMAGE, { steps: [working] });
    expect(writes()).toBe(before);
    await refreshMotd(box, IMAGE, { steps: [working, broken] });
    expect(box.files.get(paths.motd)).toContain("no funciona: VPN.");
  });

  test("is stored for the next start at the end of the set-up, and only in memory afterwards", async () => {
    const box = boxSetUp();
    await refreshMotd(box, IMAGE, { steps: [working], isSetUp: true });
    const kept = box.files.get(paths.motdAtStart);
    expect(kept).toBe(box.files.get(paths.motd));
    await refreshMotd(box, IMAGE, { steps: [working, broken] });
    expect(box.files.get(paths.motdAtStart)).toBe(kept);
    expect(box.files.get(paths.motd)).not.toBe(kept);
  });

  test("does not exist before the set-up", async () => {
    const box = new FakeBox();
    await refreshMotd(box, IMAGE, { steps: [working] });
    expect(box.files.has(paths.motd)).toBe(false);
  });
});

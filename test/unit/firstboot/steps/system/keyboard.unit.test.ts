// SPDX-License-Identifier: GPL-3.0-or-later
// The layout of the keyboard: asked at a screen only, in force before a password is typed, kept by Debian's own means.

import { afterEach, describe, expect, test } from "vitest";
import { converse } from "../../../../../firstboot/console/wizard.ts";
import { openLog } from "../../../../../firstboot/host/log.ts";
import { SetupRunner } from "../../../../../firstboot/setup/runner.ts";
import { system } from "../../../../../firstboot/steps/system/index.ts";
import { FakeBox, IMAGE } from "../../../helpers/fake-box.ts";
import { Person } from "../../../helpers/person.ts";

const FILE = "/etc/default/keyboard";
const SET = "setupcon --keyboard-only --force --save";
const RULES = `! model
  pc105           Generic 105-key PC

! layout
  us              English (US)
  es              Spanish
  fr              French
  br              Portuguese (Brazil)

! variant
  cat             es: Catalan (Spain, with middle-dot L)
`;

function boxWithScreen(): FakeBox {
  const box = new FakeBox();
  box.files.set("/usr/bin/setupcon", "");
  box.files.set("/usr/share/X11/xkb/rules/base.lst", RULES);
  box.files.set(FILE, 'XKBLAYOUT="es"\n');
  return box;
}

const image = { ...IMAGE, community: { ...IMAGE.community, default_language: "en" as const } };
let leave: AbortController | undefined;

async function sit(box: FakeBox, isScreen: boolean): Promise<{ person: Person; runner: SetupRunner }> {
  const runner = await SetupRunner.open({ box, image, steps: [system], log: openLog(box) });
  runner.start();
  await runner.reached("welcome");
  const person = new Person(false, isScreen);
  leave = new AbortController();
  void converse({ runner, terminal: person.terminal, signal: leave.signal }).catch(() => {});
  await person.answers("system/language", "3");
  return { person, runner };
}

afterEach(() => leave?.abort());

describe("the keyboard at a screen", () => {
  test("is asked after the language, offers the present layout first, and is applied immediately", async () => {
    const box = boxWithScreen();
    const { person } = await sit(box, true);
    await person.sees("[system/keyboard]");
    await person.sees("1. Spanish, also for Catalan");
    await person.sees("2. English (US)");
    await person.sees("3. French");
    await person.sees("> ");
    person.type("3\r");
    await person.sees("[system/timezone]");
    expect(box.files.get(FILE)).toContain('XKBLAYOUT="fr"');
    expect(box.effects).toContain(SET);
  });

  test("is stored for the next start, with a message, when it cannot be loaded now", async () => {
    const box = boxWithScreen();
    box.system.failing.add("setupcon");
    const { person } = await sit(box, true);
    await person.answers("system/keyboard", "2");
    await person.sees("It will be after a restart.");
    await person.sees("[system/timezone]");
    expect(box.files.get(FILE)).toContain('XKBLAYOUT="us"');
  });

  test("is not asked on a box that cannot load a layout", async () => {
    const { person } = await sit(new FakeBox(), true);
    await person.sees("[system/timezone]");
    expect(person.screen).not.toContain("keyboard");
  });
});

test("a serial console does not ask for the keyboard, and the image's layout stays", async () => {
  const box = boxWithScreen();
  const { person } = await sit(box, false);
  await person.sees("[system/timezone]");
  expect(person.screen).not.toContain("[system/keyboard]");
  expect(box.effects).not.toContain(SET);
});

describe("the keyboard in an answers file", () => {
  const facts = (box: FakeBox) => system.probe(box, image, {});

  test("may be any layout that XKB has; another is refused by name", async () => {
    const probe = await facts(boxWithScreen());
    const check = (keyboard: string) => system.check({ keyboard }, probe, new Set());
    expect(check("br")).toEqual([]);
    expect(check("spain")).toMatchObject([
      { field: "system.keyboard", code: "keyboard-unknown", found: "spain" },
    ]);
  });

  test.each([
    ["cat", "es"],
    ["Català", "es"],
    ["spanish", "es"],
    ["castellano", "es"],
    ["en", "us"],
    ["FR", "fr"],
    ["Portuguese (Brazil)", "br"],
    // Codes lie one beside the other: nothing is guessed from their letters.
    ["bf", undefined],
    ["esp2", undefined],
    ["xx", undefined],
  ])("%s leads to the suggestion %s", async (typed, layout) => {
    const probe = await facts(boxWithScreen());
    const [mistake] = system.check({ keyboard: typed }, probe, new Set());
    expect(mistake).toMatchObject({ code: "keyboard-unknown", found: typed });
    expect(mistake?.values?.suggestion).toBe(layout);
  });

  test("is ignored on a box without a screen", async () => {
    const probe = await facts(new FakeBox());
    expect(system.check({ keyboard: "xx" }, probe, new Set())).toEqual([]);
  });

  test("of the box is offered, too, when the community does not list it", async () => {
    const box = boxWithScreen();
    box.files.set(FILE, 'XKBLAYOUT="br"\n');
    const { choices, defaults } = await facts(box);
    expect(defaults.keyboard).toBe("br");
    expect(choices?.keyboard).toEqual([
      { value: "es" },
      { value: "us" },
      { value: "fr" },
      { value: "br", label: "Portuguese (Brazil)" },
    ]);
  });
});

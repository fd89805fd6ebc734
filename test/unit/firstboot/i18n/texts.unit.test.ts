// SPDX-License-Identifier: GPL-3.0-or-later
// The texts: the same keys and placeholders in all languages, a text for everything that may be said, and every page
// fits a terminal of 80x24 that knows only ASCII.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { setupErrors } from "../../../../common/errors/setup.ts";
import type { ErrorCodeOf } from "../../../../common/errors.ts";
import { statusText } from "../../../../firstboot/commands/status.ts";
import { toAscii, wrap } from "../../../../firstboot/console/ascii.ts";
import {
  busyPage,
  donePage,
  failurePage,
  helpPage,
  logPage,
  movedPage,
  optionLabel,
  problemSentence,
  questionPage,
  refusedPage,
  reviewDetailPage,
  reviewOptions,
  reviewPage,
  stepDonePage,
  welcomePage,
} from "../../../../firstboot/console/pages.ts";
import { type Page, parts, Terminal } from "../../../../firstboot/console/terminal.ts";
import {
  catalogues,
  isTextKey,
  languages,
  type TextKey,
  translator,
} from "../../../../firstboot/i18n/translate.ts";
import type { Translation } from "../../../../firstboot/i18n/translation.ts";
import { INITIAL_CONTEXT, type SetupContext } from "../../../../firstboot/setup/machine.ts";
import { type Problem, type ProblemCode, problem } from "../../../../firstboot/setup/problems.ts";
import { questionsOf } from "../../../../firstboot/setup/questions.ts";
import { allSteps as steps } from "../../../../firstboot/steps/index.ts";
import { PROJECT } from "../../../../image/host/paths.ts";
import { IMAGE } from "../../helpers/fake-box.ts";

const keys = Object.keys(catalogues.en) as TextKey[];
const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
const questions = steps.flatMap(questionsOf);

describe.each(languages)("the catalogue %s", (language) => {
  const catalogue = catalogues[language];

  test("has exactly the keys of English", () => {
    expect(Object.keys(catalogue).sort()).toEqual([...keys].sort());
  });

  test("has the placeholders of English", () => {
    for (const key of keys)
      expect(placeholders(catalogue[key]), key).toEqual(placeholders(catalogues.en[key]));
  });

  test("uses only characters with an ASCII spelling", () => {
    for (const key of keys) expect(toAscii(catalogue[key]), key).not.toContain("?".repeat(2));
    for (const key of keys) {
      const questionMarks = (text: string) => text.split("?").length;
      expect(questionMarks(toAscii(catalogue[key])), key).toBe(questionMarks(catalogue[key]));
    }
  });
});

test("a text stands in one place only", () => {
  const files = readdirSync(join(PROJECT, "firstboot"), { recursive: true, encoding: "utf8" }).filter(
    (file) => /^(i18n\/en\/\w+|steps\/\w+\/texts\/en)\.ts$/.test(file),
  );
  const written = files.flatMap((file) =>
    [...readFileSync(join(PROJECT, "firstboot", file), "utf8").matchAll(/^ {2}"?([\w.-]+)"?:/gm)].map(
      ([, key]) => key,
    ),
  );
  expect(written.length).toBeGreaterThan(1000);
  expect(written.filter((key, index) => written.indexOf(key) !== index)).toEqual([]);
});

test("the type check takes a translation with every text and placeholder, in any order", () => {
  const english = { who: "Who is {name} at {place}?", yes: "Yes" } as const;
  const whole = { who: "A {place}, qui és {name}?", yes: "Sí" } as const;
  whole satisfies Translation<typeof english>;
  // @ts-expect-error the placeholder {place} is missing
  ({ ...whole, who: "Qui és {name}?" }) as const satisfies Translation<typeof english>;
  // @ts-expect-error the text "yes" is missing
  ({ who: whole.who }) as const satisfies Translation<typeof english>;
  expect(whole.who).toContain("{name}");
});

test("each question has its words", () => {
  for (const { step, path, kind, choices } of questions) {
    for (const word of ["ask", "help", "label"])
      expect(isTextKey(`${word}.${step}.${path}`), `${word} ${path}`).toBe(true);
    for (const choice of choices) expect(isTextKey(`option.${step}.${path}.${choice}`), choice).toBe(true);
    expect(kind).toBeTruthy();
  }
  for (const { id } of steps) {
    expect(isTextKey(`step.${id}`)).toBe(true);
    expect(isTextKey(`step-name.${id}`)).toBe(true);
  }
});

const print = "SHA256:kTJyhs0iSoiHCyTG5LBSOAL/Dz9Ow/aQrLScJgnHL2s";
const problemCodes = keys
  .filter((key) => key.startsWith("problem."))
  .map((key) => key.slice(8) as ProblemCode);
const troubleCodes = Object.keys(setupErrors) as ErrorCodeOf<"setup">[];
const warningCodes = keys.filter((key) => key.startsWith("warning.")).map((key) => key.slice(8));
const values = {
  other: "52:54:00:12:34:56",
  minimum: 10,
  line: 12,
  encoding: "Latin-1 (Windows-1252)",
  form: "SSH2 PUBLIC KEY",
  option: 'form="10.0.0.0/8"',
  first: "10.255.255.1",
  last: "10.255.255.254",
  names: "enp1s0, enp2s0",
  types:
    "ssh-ed25519, ssh-rsa, ecdsa-sha2-nistp256, ecdsa-sha2-nistp384, ecdsa-sha2-nistp521, sk-ssh-ed25519@openssh.com",
  expected: "only the keys language, timezone, hostname, owner",
  suggestion: "Europe/Madrid",
  title: "Network Commons Licence (XOLN), a title of 60 characters, no",
  version: "2.0 of 1 January 2026",
  website: "members.network.example.org",
  url: `https://guifi.net/${"x".repeat(42)}`,
  maximum: 150,
  wanted: "BCNCanBruixa20-box",
  name: "BCNCanBruixa20-box-2",
  node: "BCNCanBruixa20",
  address: "10.255.255.100",
  mask: "255.255.255.224",
  size: "240.1 GB",
  disk: "nvme0n1, 240.1 GB, SAMSUNG MZVLB256HBHQ-000L7",
  contents: 'nvme0n1p1 vfat "SYSTEM" 104.9 MB; nvme0n1p2 16.8 MB; nvme0n1p3 ntfs "Windows" 239.0 GB',
};
const allProblems: Problem[] = problemCodes.map((code) =>
  problem(`system.owner.name`, code, { found: "x".repeat(40), values }),
);

const context: SetupContext = {
  ...INITIAL_CONTEXT,
  answers: {
    system: {
      language: "ca",
      timezone: "America/Argentina/ComodRivadavia",
      hostname: "h".repeat(63),
      owner: { name: "o".repeat(31), ssh_keys: [`ssh-ed25519 ${"A".repeat(68)} anna@laptop`] },
    },
    network: {
      interface: "enp1s0",
      method: "static",
      address: "10.255.255.100/27",
      gateway: "10.255.255.97",
      dns: ["10.255.255.97", "10.255.255.98"],
    },
    member: { sign_in: "now", username: "m".repeat(60) },
    node: {
      register: "now",
      id: 123456789,
      accept_licence: true,
      name: `${"n".repeat(56)}-box`,
      address_from: "auto",
      email: "anna@example.net",
      notes: "n".repeat(150),
    },
    services: { serf: { enabled: true } },
  },
  providedSecrets: ["system.owner.password", "member.password"],
};

/** Every page of the wizard, as full as it gets. */
function pages(language: string): [string, Page][] {
  const t = translator(language);
  const summary = {
    hostname: "can-bruixa",
    owner: "anna",
    addresses: ["10.255.255.100", "192.168.100.100"],
    fingerprints: ["ECDSA", "ED25519", "RSA"].map((kind) => `${print} (${kind})`),
  };
  const withChoices = questions.map((question): [string, Page] => {
    const labels = question.kind === "boolean" ? ["true", "false"] : question.choices;
    const lines = labels.map((value, index) => `  ${index + 1}. ${optionLabel(t, question, value)}`);
    return [`question ${question.tag}`, questionPage(t, question, undefined, lines, values)];
  });
  const longest = allProblems.reduce((a, b) =>
    problemSentence(t, a).length > problemSentence(t, b).length ? a : b,
  );
  const choices = reviewOptions(t, context, steps).map(({ label }, index) => `  ${index + 1}. ${label}`);
  const review = reviewPage(t);
  return [
    [
      "welcome",
      welcomePage("0.1.0", "Virtual machine - guifi.net", false, { misnamed: "answers.yaml (1).txt" }),
    ],
    [
      "resumed",
      welcomePage("0.1.0", "Virtual machine - guifi.net", true, {
        note: t("welcome.put-aside", { path: "/var/lib/community-box/state.json.bad-1" }),
      }),
    ],
    ["busy", busyPage(t, "ttyS0")],
    ["moved", movedPage(t)],
    ["refused", refusedPage(t, allProblems)],
    [
      "one step done",
      stepDonePage(t, "vpn", [{ code: "network-passed", step: "vpn", values: { reason: "x" } }], []),
    ],
    ["review", { ...review, lines: ["", ...choices] }],
    ["review in detail", reviewDetailPage(t, context, steps, IMAGE)],
    [
      "done",
      donePage(t, {
        summary,
        warnings: [
          ...warningCodes.map((code) => ({ code, values: { ...values, reason: "no-address" } })),
          { code: "network-passed", step: "network", values: { reason: "no-address" } },
        ],
        works: steps.filter(({ id }) => id !== "install").map(({ id }) => id),
        handedOver: [{ key: "done.step", values: { step: "x".repeat(80) } }],
      }),
    ],
    [
      "log",
      logPage(
        t,
        Array.from({ length: 14 }, () => `2026-01-01T00:00:00.000Z ${"word ".repeat(40)}`),
      ),
    ],
    ...withChoices,
    ...questions.map((question): [string, Page] => [`help ${question.tag}`, helpPage(t, question)]),
    ...questions.map((question): [string, Page] => [
      `error at ${question.tag}`,
      questionPage(t, question, problemSentence(t, longest), [], values),
    ]),
    ...troubleCodes.map((code): [string, Page] => [
      `failure ${code}`,
      failurePage(
        t,
        { code, what: "What went wrong.", found: "x".repeat(70), hint: "Try again." },
        "network",
      ),
    ]),
  ];
}

function rendered(page: Page, isRich: boolean): string {
  const written: string[] = [];
  const terminal = new Terminal({ name: "test", write: (text) => void written.push(text) });
  terminal.isRich = isRich;
  terminal.show(page);
  return written.join("");
}

describe.each(languages)("the pages in %s", (language) => {
  test.each(pages(language))("include %s, which fits 80x24 and is plain ASCII", (_name, page) => {
    const screens = parts(page);
    const dumb = screens.map((part) => rendered(part, false)).join("");
    expect(dumb).toMatch(/^[\r\n\x20-\x7e]*$/);
    expect(dumb.split("\r\n").filter((line) => line.length > 79)).toEqual([]);
    expect(dumb).not.toMatch(/\{\w+\}/);
    for (const part of screens) {
      const rich = rendered(part, true).replace("\x1b[2J\x1b[H", "");
      expect(rich).toMatch(/^[\r\n\x20-\x7e]*$/);
      // The last one is where the cursor stands, after the prompt.
      expect(rich.split("\r\n").length).toBeLessThanOrEqual(24);
    }
  });

  test("every page has a tag that is the same in all languages", () => {
    for (const [, page] of pages(language)) expect(rendered(page, false)).toContain(`[${page.tag}]`);
  });

  test("cbox status stays within 80 columns", () => {
    const t = translator(language);
    const text = statusText(
      {
        hostname: "can-bruixa",
        owner: "anna",
        addresses: ["10.255.255.100"],
        fingerprints: [`${print} (ED25519)`],
        version: "0.1.0",
        profile: "vm-amd64",
        consoles: ["tty1", "ttyS0"],
        language,
        configured: true,
        configured_at: "2026-01-01T00:00:00.000Z",
        steps: [
          {
            id: "member",
            state: "trouble",
            rows: [{ label: "status.addresses", value: "word ".repeat(30) }],
            advice: { key: "status.unknown", values: { command: "sudo cbox member setup" } },
            data: {},
          },
        ],
        warnings: warningCodes.map((code) => ({ code, values: { ...values, reason: "no-address" } })),
        unfinished: ["vpn"],
      },
      t,
    );
    expect(text).toContain("sudo cbox vpn setup");
    expect(text).not.toMatch(/\{\w+\}/);
    expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });
});

describe("the conversion to ASCII", () => {
  test("removes accents and turns middle dots into full stops", () => {
    expect(toAscii("Català, español, passarel·la, ç, «sí», ¿qué?, 5 €…")).toBe(
      'Catala, espanol, passarel.la, c, "si", que?, 5 EUR...',
    );
  });

  test("spells letters without a removable accent in the usual way", () => {
    expect(toAscii("Łódź, Ørsted, straße, œuf, ☂")).toBe("Lodz, Orsted, strasse, oeuf, ?");
  });

  test("removes control characters", () => {
    expect(toAscii("a\x1b[2Jb\x07\x9bc")).toBe("a[2Jb?c");
  });

  test("wrapping keeps a command on one line, so that it can be copied", () => {
    expect(wrap("Later, when it is time: sudo cbox contexts setup.", 30)).toEqual([
      "Later, when it is time:",
      "sudo cbox contexts setup.",
    ]);
  });

  test("wrapping keeps the words, the margin and leading blanks", () => {
    expect(wrap("  one two three", 9, "    ")).toEqual(["  one two", "    three"]);
    expect(wrap("x".repeat(12), 5)).toEqual(["xxxxx", "xxxxx", "xx"]);
    expect(wrap("", 5)).toEqual([""]);
  });
});

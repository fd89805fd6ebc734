// SPDX-License-Identifier: GPL-3.0-or-later
// What a command of the box says when it fails is in the language of the box. The type check holds code and text
// together (errors.unit has what it refuses); what it cannot see is read from the code here: whose words a failure has,
// and what fills them.

import { describe, expect, test } from "vitest";
import { Failure } from "../../../../common/fail.ts";
import { textOf } from "../../../../common/text-encoding.ts";
import { runContexts } from "../../../../firstboot/commands/contexts.ts";
import { ending } from "../../../../firstboot/commands/ending.ts";
import { usageText } from "../../../../firstboot/commands/help.ts";
import { parseResetArgs } from "../../../../firstboot/commands/reset.ts";
import { runServices, USAGE } from "../../../../firstboot/commands/services.ts";
import { toTrouble } from "../../../../firstboot/host/trouble.ts";
import { catalogues, type Language, languages, translator } from "../../../../firstboot/i18n/translate.ts";
import { failureOf } from "../../../failure-of.ts";
import { importedFrom, type RaisedFailure, raisedIn } from "../../helpers/failures-in-code.ts";
import { IMAGE } from "../../helpers/fake-box.ts";
import { roomyBox } from "../../helpers/services-box.ts";

// On a box the catalogue is packed: the reader of the project's folders is not in its program.
const files = importedFrom(["firstboot/main.ts"], { lazily: true, without: ["common/catalogue.ts"] });
const ofSetUp = importedFrom([
  "firstboot/setup/runner.ts",
  "firstboot/steps/index.ts",
  "firstboot/host/linux.ts",
]);

/** Who pressed Ctrl-C at a question is told nothing. */
const SAID_TO_NOBODY = ["interrupted"];
/** In the wizard's words: what the timer says in the journal, and a failure of the set-up that says nothing itself. */
const OF_THE_WIZARD = ["rendezvous-empty", "unexpected"];

const raised = [...files]
  .flatMap(([file, text]) => raisedIn(file, text))
  .filter(({ codes }) => !codes.some((code) => SAID_TO_NOBODY.includes(code)));

const english = Object.keys(catalogues.en);

/** The keys that stand in the code; those with `${...}` are all that it may become. */
function keysOf({ body }: RaisedFailure): string[] {
  if (!/\berrorText\(|\btext: \{/.test(body)) return [];
  const written = [...body.matchAll(/(["`])((?:error|problem)\.(?:\$\{[^}]*\}|[^"`$])+)\1/g)];
  return written.flatMap(([, , key = ""]) => {
    if (!key.includes("${")) return [key];
    const form = new RegExp(`^${key.replaceAll(".", "\\.").replace(/\$\{[^}]*\}/g, "[\\w-]+")}$`);
    const possible = english.filter((each) => form.test(each));
    return possible.length ? possible : [key];
  });
}

test("raised failures are found in the code, including in modules that a command loads at run time", () => {
  expect(files.has("firstboot/commands/compose.ts")).toBe(true);
  expect(raised.length).toBeGreaterThan(140);
  const codes = raised.flatMap((site) => site.codes);
  expect(codes).toEqual(
    expect.arrayContaining(["root-needed", "service-unknown", "setup-busy", "text-encoding", "usage"]),
  );
  // Its code is a constant, and it is no failure that is shown: the question for the secret is.
  const unread = raised.filter((site) => site.codes.length === 0);
  expect(unread.filter(({ body }) => !body.includes("code: SECRET_NEEDED"))).toEqual([]);
});

test("a text that the code names is in the catalogues", () => {
  expect(raised.flatMap(keysOf).filter((key) => !english.includes(key))).toEqual([]);
});

test("values in a text are given where the failure is raised", () => {
  const offenders = raised.flatMap((site) =>
    keysOf(site).flatMap((key) =>
      [...((catalogues.en as Record<string, string>)[key] ?? "").matchAll(/\{(\w+)\}/g)]
        .filter(([, name]) => key.startsWith("error.") && !new RegExp(`\\b${name}\\b`).test(site.body))
        .map(([, name]) => `${site.file}: ${name} of ${key}`),
    ),
  );
  expect(offenders).toEqual([]);
});

test("a failure that only commands raise has a text of its own, not one of the set-up's pages", () => {
  const offenders = raised
    .filter(({ file, codes }) => !ofSetUp.has(file) && !codes.some((code) => OF_THE_WIZARD.includes(code)))
    .filter((site) => keysOf(site).length === 0)
    .map(({ file, codes }) => `${file}: ${codes}`);
  expect(offenders).toEqual([]);
});

test("no text of an error is unused", () => {
  const source = [...files.values()].join("\n");
  const isUsed = (key: string) =>
    source.includes(`"${key}"`) || source.includes(`\`${key.replace(/[\w-]+$/, "")}\${`);
  const sentences = english
    .filter((key) => key.startsWith("error."))
    .map((key) => key.replace(/\.hint$/, ""));
  expect([...new Set(sentences)].filter((key) => !isUsed(key) && !isUsed(`${key}.hint`))).toEqual([]);
});

describe("a failed command", () => {
  const said = async (language: Language, work: (t: ReturnType<typeof translator>) => unknown) =>
    ending(await failureOf(() => work(translator(language))), language).text;
  const box = roomyBox({ contexts: false });
  const tools = (t: ReturnType<typeof translator>) => ({
    ...{ box, image: IMAGE, t, print: () => {} },
    onTerminal: async () => 0,
  });

  test.each([
    [
      "en",
      'error: There is no service "sncp". [service-unknown]\nfound: services: ',
      '\nhint:  Did you mean "snmp"?\n',
    ],
    [
      "ca",
      "error: No hi ha cap servei «sncp». [service-unknown]\nvist:  serveis: ",
      "\npista: Volies dir «snmp»?\n",
    ],
    [
      "es",
      "error: No hay ningún servicio «sncp». [service-unknown]\nvisto: servicios: ",
      "\npista: ¿Querías decir «snmp»?\n",
    ],
  ] as const)("prints all three lines in %s, aligned", async (language, first, last) => {
    const text = await said(language, (t) => runServices(tools(t), "enable", "sncp", {}));
    expect(text.startsWith(first), text).toBe(true);
    expect(text.endsWith(last), text).toBe(true);
  });

  test("names a service by its title in the language", async () => {
    const text = await said("es", (t) => runServices(tools(t), "stop", "syncthing", {}));
    expect(text).toBe(
      "error: Carpetas compartidas (Syncthing): no está en marcha. [service-off]\npista: sudo cbox services enable syncthing\n",
    );
  });

  test("prints in the language what was found", async () => {
    expect(await said("ca", (t) => runContexts(["list"], tools(t)))).toContain("\nvist:  massa poc disc\n");
  });

  test("reports a mistyped command line in the language, whoever found the mistake", async () => {
    expect(await said("ca", () => parseResetArgs([]))).toContain(
      "[usage]\npista: cbox reset --keep-data, o ",
    );
    const thrown = (args: string[]) => {
      try {
        return parseResetArgs(args);
      } catch (error) {
        return error;
      }
    };
    expect(ending(thrown(["--al"]), "ca").text).toMatch(/^error: No hi ha cap opció «--al»\. \[usage\]\n/);
    expect(ending(thrown(["x"]), "es").text).toMatch(/^error: Sobra la palabra «x»\. \[usage\]\n/);
    expect(ending(thrown(["--all=1"]), "es")).toMatchObject({
      text: "error: La opción «--all» no lleva ningún valor. [usage]\npista: cbox help\n",
      code: 2,
    });
    expect(ending(thrown(["--al"])).text).toBe("error: Unknown option '--al'. [usage]\nhint:  cbox help\n");
  });

  test("escapes foreign text and keeps it on its line in every language", async () => {
    for (const language of languages) {
      const text = await said(language, (t) => runServices(tools(t), "enable", "\x1b[2J\nerror: x", {}));
      expect(text).toContain("\\u001b[2J\\u000aerror: x");
      expect(text.trimEnd().split("\n")).toHaveLength(3);
    }
  });

  test("prints an error of the shared code in the language", async () => {
    const text = await said("es", () => textOf(Buffer.from([0x61, 0x0a, 0xe9]), "-"));
    expect(text).toBe(
      "error: Lo que ha llegado por la entrada no es UTF-8. [text-encoding]\nvisto: Latin-1 (Windows-1252), línea 2\npista: vuelve a guardarlo como UTF-8: en la mayoría de editores es una opción de Guardar como\n",
    );
  });

  test("prints a failure of the set-up in the language, also from its snapshot", async () => {
    const failure = await failureOf(() => runServices(tools(translator("en")), "stop", "syncthing", {}));
    const kept = new Failure(JSON.parse(JSON.stringify(toTrouble(failure))));
    expect(ending(kept, "ca")).toEqual(ending(failure, "ca"));
  });

  test("uses the set-up's text where it has none of its own, and quotes the English message", () => {
    const failure = new Failure({
      code: "server-slow",
      what: "ldap.example.org does not answer.",
      hint: "Later.",
    });
    expect(ending(failure, "ca").text).toBe(
      `error: ${catalogues.ca["trouble.server-slow"]} [server-slow]\npista: ${catalogues.ca["trouble.server-slow.hint"]}\n`,
    );
    expect(ending(failure).text).toBe(
      "error: ldap.example.org does not answer. [server-slow]\nhint:  Later.\n",
    );
  });
});

test.each(languages)("the usage of a command keeps its columns in %s", (language) => {
  const [first = "", ...more] = usageText(USAGE, translator(language)).split("\n");
  expect(new Set([first, ...more].map((line) => line.indexOf("cbox ")))).toEqual(new Set([7]));
});

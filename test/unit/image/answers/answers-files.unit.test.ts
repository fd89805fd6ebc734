// SPDX-License-Identifier: GPL-3.0-or-later
// cbox answers: the example, files checked by the box's own checks, files laid over files, and the list of a fleet.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { parse, parseDocument } from "yaml";
import { catalogues, type Language } from "../../../../firstboot/i18n/translate.ts";
import { secretFields } from "../../../../firstboot/setup/answers/file.ts";
import { redact } from "../../../../firstboot/setup/answers/redact.ts";
import { allSteps } from "../../../../firstboot/steps/index.ts";
import { inWords, mistakesIn, unchecked } from "../../../../image/answers/check.ts";
import { exampleAnswers, exampleOnCard } from "../../../../image/answers/example.ts";
import { answersOf, readFleet, rowOf } from "../../../../image/answers/fleet.ts";
import { findLists, listsOf } from "../../../../image/answers/lists.ts";
import { layOver, openAnswers } from "../../../../image/answers/merge.ts";
import { readAnswersSchema } from "../../../../image/answers/schema.ts";
import { checkWifi, putWifi } from "../../../../image/answers/wifi.ts";
import { ANSWERS_COMMANDS } from "../../../../image/commands/answers.ts";
import { resolveProfile } from "../../../../image/profile/index.ts";
import { failureOf } from "../../../failure-of.ts";
import { temporaryDirectory } from "../../../temporary.ts";
import { LISTS, makeImageFolder, makeRoot } from "../../helpers/image-lists.ts";

const profile = resolveProfile("vm-amd64");
const BASE = `version: 1
# All boxes of the valley.
system:
  timezone: Europe/Madrid
  owner:
    name: anna # looks after all of them
    password: "cargol groc damunt la teulada"
`;

let folder = "";
const put = (name: string, text: string | Buffer) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
let base = "";
beforeEach(() => {
  folder = temporaryDirectory();
  base = put("base.yaml", BASE);
  vi.spyOn(console, "log").mockImplementation(() => {});
});

describe("the example", () => {
  it("is right except for the missing password", async () => {
    const [mistakes] = await mistakesIn([parse(exampleAnswers(profile))], { profile, lists: LISTS });
    expect(mistakes!.map(({ field, code }) => [field, code])).toEqual([
      ["system.owner.password", "password-short"],
    ]);
  });

  it("has every field under its right name once its lines are uncommented", async () => {
    const all = exampleAnswers(profile).replace(/^( *)#(?=\S)/gm, "$1");
    expect(Object.keys(parse(all))).toEqual(Object.keys(readAnswersSchema().properties ?? {}));
    const [mistakes] = await mistakesIn([parse(all)], { profile, lists: LISTS });
    const form = ["unknown-key", "wrong-type", "not-allowed", "wrong-form", "out-of-range"];
    expect(mistakes!.filter(({ code }) => form.includes(code))).toEqual([]);
  });
});

describe("the example on the card (CBOX-BOOT)", () => {
  it("has Windows line ends, explanations in three languages, and the same fields as the example", () => {
    const text = exampleOnCard(profile);
    expect(
      text
        .split("\n")
        .slice(0, -1)
        .every((line) => line.endsWith("\r")),
    ).toBe(true);
    const asked = (language: Language) => catalogues[language]["ask.system.hostname"];
    expect(text).toContain("  # Name of the box: letters, digits and hyphens.");
    for (const language of ["ca", "es"] as const)
      expect(text).toContain(`  # ${language}: ${asked(language)}\r\n`);
    const fields = (file: string) => file.split(/\r?\n/).filter((line) => /^ *#?[\w-]+:/.test(line));
    expect(fields(text)).toEqual(fields(exampleAnswers(profile)));
  });

  it("is accepted once it is filled in with an editor of Windows", async () => {
    const filled = exampleOnCard(profile).replace(
      'password: ""',
      'password: "cargol groc damunt la teulada"',
    );
    expect(filled).toContain("cargol");
    expect(await mistakesIn([parse(filled)], { profile, lists: LISTS })).toEqual([[]]);
    const { clean } = await redact(filled, secretFields(allSteps));
    expect(clean).not.toContain("cargol");
    expect(parse(clean).system.owner).toEqual({ name: "anna" });
    const untouched = exampleOnCard(profile);
    expect(parse(untouched)).toEqual(parse(exampleAnswers(profile)));
  });
});

describe("the lists of valid values of an image", () => {
  it("are read from its root file system", async () => {
    expect(await listsOf(makeRoot(folder))).toEqual(LISTS);
  });

  it("are found through the manifest; a damaged list fails with lists-damaged", async () => {
    expect(findLists(folder)).toBeUndefined();
    makeImageFolder(folder);
    expect(findLists(folder)).toEqual(LISTS);
    put("community-box-1-vm-amd64.lists.json", "{");
    expect(await failureOf(() => findLists(folder))).toMatchObject({
      code: "lists-damaged",
      message: expect.stringMatching(/lists\.json is damaged\.$/),
    });
  });

  it("decide which values are valid, instead of the lists of this computer", async () => {
    const cases: [object, string[]][] = [
      [{ timezone: "Europe/Kiev" }, []],
      [{ timezone: "CET" }, []],
      [{ timezone: "Europe/Berlin" }, ["system.timezone timezone-unknown"]],
      [{ keyboard: "us" }, []],
      [{ keyboard: "de" }, ["system.keyboard keyboard-unknown"]],
      [{ owner: { name: "backup", password: "cargol groc damunt" } }, ["system.owner.name owner-name-taken"]],
    ];
    const files = cases.map(([system]) => ({ version: 1, system: { ...parse(BASE).system, ...system } }));
    const mistakes = await mistakesIn(files, { profile, lists: LISTS });
    expect(mistakes.map((each) => each.map(({ field, code }) => `${field} ${code}`))).toEqual(
      cases.map(([, expected]) => expected),
    );
  });

  it("do not refuse a file when they are missing; the check reports what it left out", async () => {
    const system = { ...parse(BASE).system, timezone: "Mars/Base", keyboard: "xx" };
    const data = { version: 1, system, network: { wifi: { ssid: "casa", country: "XX" } }, member: {} };
    expect(await mistakesIn([data], { profile })).toEqual([[]]);
    expect(unchecked([data], { profile })).toEqual([
      "Not checked, since there is no image of vm-amd64 here (./cbox build vm-amd64, or --image FOLDER): system.keyboard, system.timezone, system.owner.name, network.wifi.country.",
      "Only the box can tell whether it has what these need: network.wifi.",
      "Only the community's servers can tell whether these are known: member.",
    ]);
    const known = await mistakesIn([data], { profile, lists: LISTS });
    expect(known[0]!.map(({ field }) => field).sort()).toEqual([
      "network.wifi.country",
      "system.keyboard",
      "system.timezone",
    ]);
    expect(unchecked([parse(BASE)], { profile, lists: LISTS })).toEqual([]);
  });
});

describe("an existing answers file", () => {
  it.each([
    ["new", (output: string, more: object) => ANSWERS_COMMANDS.new({ profile: "vm-amd64", output, ...more })],
    [
      "merge",
      (output: string, more: object) =>
        ANSWERS_COMMANDS.merge([base], { profile: "vm-amd64", output, ...more }),
    ],
    [
      "fleet",
      (output: string, more: object) =>
        ANSWERS_COMMANDS.fleet({
          ...{ profile: "vm-amd64", out: folder, base, ...more },
          fleet: put("list.csv", `system.hostname\n${output.slice(folder.length + 1, -".yaml".length)}\n`),
        }),
    ],
  ] as const)("is not overwritten by %s without --overwrite", async (_command, run) => {
    const file = put("filled.yaml", "mine\n");
    expect(await failureOf(() => run(file, {}))).toMatchObject({
      code: "answers-exist",
      message: "There is such a file already; nothing was written.",
      found: file,
      hint: "another name or folder, or --overwrite",
    });
    expect(readFileSync(file, "utf8")).toBe("mine\n");
    await run(file, { overwrite: true });
    expect(readFileSync(file, "utf8")).toContain("version: 1");
  });
});

describe("answers check", () => {
  let options = { profile: "vm-amd64", image: "" };
  beforeEach(() => {
    options = { profile: "vm-amd64", image: makeImageFolder(folder) };
  });

  it("accepts a right file", async () => {
    await ANSWERS_COMMANDS.check([base], options);
    expect(vi.mocked(console.log).mock.calls).toEqual([[`${base} is right for vm-amd64.`]]);
  });

  it("reports what it could not check, and that a network without a passphrase is open", async () => {
    const text = `${BASE}network:\n  wifi: { ssid: casa, passphrase: "" }\n`;
    await ANSWERS_COMMANDS.check([put("open.yaml", text)], options);
    expect(vi.mocked(console.log).mock.calls.flat().slice(1)).toEqual([
      expect.stringMatching(
        /open\.yaml: network\.wifi: "casa" is an open network, since there is no passphrase\.$/,
      ),
      "Only the box can tell whether it has what these need: network.wifi.",
    ]);
  });

  it("reports file, line, field, what is wrong and what to do for every mistake, and never a secret", async () => {
    const wrong = put(
      "wrong.yaml",
      'version: 1\nsystem:\n  hostnam: x\n  timezone: Madrit\n  owner: { name: root, password: "xyzzy" }\nnetwork:\n  method: static\n  address: 10.1.2.3/27\n  gateway: 10.9.9.9\n',
    );
    const failure = await failureOf(() => ANSWERS_COMMANDS.check([base, wrong], options));
    expect(failure).toMatchObject({
      code: "answers-refused",
      message: "The answers have 5 mistakes; nothing was done.",
      hint: expect.stringContaining("they were checked for vm-amd64 (--profile)"),
    });
    const lines = failure.found!.split("\n  - ").slice(1);
    expect(lines[0]).toMatch(
      /wrong\.yaml:3: system\.hostnam: expected only the keys .* found an unknown key\. Did you mean "hostname"\?$/,
    );
    expect(lines.slice(1).sort()).toEqual([
      expect.stringMatching(
        /wrong\.yaml:4: system\.timezone: There is no such time zone\. Found: Madrit\. Did you mean "Europe\/Madrid"\?$/,
      ),
      expect.stringMatching(
        /wrong\.yaml:5: system\.owner\.name: The system itself uses this name\. .* Found: root\.$/,
      ),
      expect.stringMatching(
        /wrong\.yaml:5: system\.owner\.password: A password needs at least 10 characters\. Found: a value that is not shown here\.$/,
      ),
      expect.stringMatching(
        /wrong\.yaml:9: network\.gateway: The gateway is not in the subnet of the box\. .* Found: 10\.9\.9\.9\.$/,
      ),
    ]);
    expect(failure.found).not.toContain("xyzzy");
  });

  it("leaves to the box what only the box can check", async () => {
    const data = parse(BASE);
    data.network = { interface: "enp7s0" };
    data.contexts = { share: "exact", memory_mib: 512 };
    data.services = { docker: { enabled: true }, syncthing: { enabled: true, context: "owner" } };
    expect(await mistakesIn([data], { profile })).toEqual([[]]);
  });

  it.each([
    ["no file", "no-such.yaml", undefined, "answers-unreadable"],
    ["no YAML", "broken.yaml", "version: [", "yaml-invalid"],
    ["a reference to nothing", "lost.yaml", "version: *one", "yaml-invalid"],
  ])("fails with an error of its own for %s", async (_what, name, text, code) => {
    const path = text === undefined ? join(folder, name) : put(name, text);
    expect((await failureOf(() => ANSWERS_COMMANDS.check([path], options))).code).toBe(code);
  });

  it.each([
    ["Latin-1 (Windows-1252), line 7", BASE.replace("cargol", "contrase\xf1a"), "latin1"],
    ["UTF-16, line 1", `\ufeff${BASE}`, "utf16le"],
  ] as const)("refuses a file in %s", async (found, text, encoding) => {
    const path = put("other.yaml", Buffer.from(text, encoding));
    for (const run of [() => ANSWERS_COMMANDS.check([path], options), async () => openAnswers(path)]) {
      expect(await failureOf(run)).toMatchObject({
        code: "text-encoding",
        message: expect.stringMatching(/other\.yaml is not saved as UTF-8\.$/),
        found,
        hint: "save it again as UTF-8: in most editors it is a choice of Save As",
      });
    }
  });

  it("describes a mistake of the schema or of a step in one sentence", () => {
    const common = { field: "node.id", found: "12x", code: "invalid" } as const;
    expect(inWords({ ...common, expected: "a number" })).toBe("node.id: expected a number, found 12x.");
    expect(inWords({ ...common, expected: "A node is a number." })).toBe(
      "node.id: A node is a number. Found: 12x.",
    );
    expect(inWords({ ...common, found: "nothing", expected: "It is needed." })).toBe(
      "node.id: It is needed.",
    );
  });
});

describe("answers merge", () => {
  it("merges field by field, replaces lists, removes a field by null, and keeps the comments of the base", () => {
    const document = openAnswers(put("b.yaml", `${BASE}network:\n  dns: [10.1.1.1, 10.1.1.2]\nnode:\n`));
    layOver(document, {
      system: { hostname: "can-bruixa", timezone: null },
      network: { dns: ["10.2.2.2"] },
      node: { id: 54052 },
      member: { username: "anna" },
    });
    expect(document.toJS()).toEqual({
      version: 1,
      system: { owner: parse(BASE).system.owner, hostname: "can-bruixa" },
      network: { dns: ["10.2.2.2"] },
      node: { id: 54052 },
      member: { username: "anna" },
    });
    expect(String(document)).toContain("# All boxes of the valley.");
    expect(String(document)).toContain("name: anna # looks after all of them");
  });

  it("writes a file that only its owner can read, and only when the result is right", async () => {
    const over = put("over.yaml", "system: { hostname: can-bruixa }\n");
    const output = join(folder, "box.yaml");
    await ANSWERS_COMMANDS.merge([base, over], { profile: "vm-amd64", output });
    expect(parse(readFileSync(output, "utf8")).system.hostname).toBe("can-bruixa");
    expect(statSync(output).mode & 0o777).toBe(0o600);

    const wrong = put("wrong.yaml", "system: { hostname: can bruixa }\n");
    const failure = await failureOf(() =>
      ANSWERS_COMMANDS.merge([base, wrong], { profile: "vm-amd64", output: join(folder, "no.yaml") }),
    );
    expect(failure).toMatchObject({
      code: "answers-refused",
      message: "Together, these answers are not right; nothing was written.",
      found: expect.stringContaining("system.hostname: A host name has only"),
    });
    expect(readdirSync(folder)).not.toContain("no.yaml");
  });
});

describe("Wi-Fi answers", () => {
  it("belong to the section network", () => {
    const document = parseDocument(BASE);
    putWifi(document, { ssid: "Can Bruixa", passphrase: "cargol groc", country: "ES" });
    expect(document.toJS().network).toEqual({
      wifi: { ssid: "Can Bruixa", passphrase: "cargol groc", country: "ES" },
    });
  });

  it.each([
    [{ ssid: "" }, "The name of a wireless network has 1 to 32 bytes.", "0 bytes"],
    [{ ssid: "à".repeat(17) }, "The name of a wireless network has 1 to 32 bytes.", "34 bytes"],
    [
      { ssid: "x", passphrase: "short" },
      "The passphrase of a wireless network has 8 to 63 letters, digits and signs.",
      "5 characters, which are not shown",
    ],
    [{ ssid: "x", country: "es" }, "A country is two capital letters.", "es"],
  ])("are checked: %j", async (wifi, message, found) => {
    expect(await failureOf(() => checkWifi(wifi))).toMatchObject({ code: "wifi-invalid", message, found });
  });

  it("accept a passphrase, a hexadecimal key, or none", () => {
    for (const passphrase of ["cargol groc", "0f".repeat(32)])
      checkWifi({ ssid: "x", passphrase, country: "ES" });
    checkWifi({ ssid: "x" });
  });
});

describe("a fleet list", () => {
  const list = (text: string | Buffer) => put("boxes.csv", text);
  const make = (text: string, out = join(folder, "out")) =>
    ANSWERS_COMMANDS.fleet({ profile: "vm-amd64", fleet: list(text), base, out }).then(() => out);

  it("becomes one checked file for each row, with values of the type of their field", async () => {
    const out = await make(
      "system.hostname,node.id,node.accept_licence,services.snmp.enabled,vpn.rendezvous,network.method\n" +
        'can-bruixa,54052,yes,,https://a.example.net|https://b.example.net,""\n' +
        "\n" +
        "mas-nou,,no,1,,dhcp\n",
    );
    expect(readdirSync(out).sort()).toEqual(["can-bruixa.yaml", "mas-nou.yaml"]);
    const first = readFileSync(join(out, "can-bruixa.yaml"), "utf8");
    expect(parse(first)).toEqual({
      version: 1,
      system: { ...parse(BASE).system, hostname: "can-bruixa" },
      node: { id: 54052, accept_licence: true },
      vpn: { rendezvous: ["https://a.example.net", "https://b.example.net"] },
    });
    expect(first).toContain("# All boxes of the valley.");
    expect(statSync(join(out, "mas-nou.yaml")).mode & 0o777).toBe(0o600);
    expect(parse(readFileSync(join(out, "mas-nou.yaml"), "utf8"))).toMatchObject({
      node: { accept_licence: false },
      services: { snmp: { enabled: true } },
    });
  }, 600_000);

  it.each([
    ["semicolons", "system.hostname;node.notes\ncan-bruixa;a, b\n"],
    ["tabs", "system.hostname\tnode.notes\ncan-bruixa\ta, b\n"],
    ["a mark of Windows and its line ends", '\ufeffsystem.hostname,node.notes\r\ncan-bruixa,"a, b"\r\n'],
    ["a word to Excel", "sep=;\r\nsystem.hostname;node.notes\r\ncan-bruixa;a, b\r\n"],
    ["a word to Excel about tabs", '\ufeff"sep=\t"\nsystem.hostname\tnode.notes\ncan-bruixa\ta, b\n'],
  ])("is read with %s", (_what, text) => {
    const fleet = readFleet(list(text));
    expect(fleet.rows.map(({ values }) => Object.fromEntries(values))).toEqual([
      { "system.hostname": "can-bruixa", "node.notes": "a, b" },
    ]);
  });

  it("accepts the words for yes and no that spreadsheets write in other languages", () => {
    const yes = ["VERDADERO", "SÍ", "SI\u0301", "CERT", "VRAI", "VERO", "WAHR", "sim", "TRUE", "1"];
    const no = ["FALSO", "FALS", "FAUX", "FALSCH", "não", "NO", "0"];
    const { rows } = readFleet(list(`vpn.join\n${[...yes, ...no].join("\n")}\n`));
    expect(rows.map(({ values }) => values.get("vpn.join"))).toEqual([
      ...yes.map(() => true),
      ...no.map(() => false),
    ]);
  });

  it("keeps leading and trailing spaces where they belong to the value", () => {
    const { rows } = readFleet(
      list(
        'network.wifi.ssid,network.wifi.passphrase,system.owner.password,system.hostname,member.password\n" casa "," vuit lletres ", a b c ,  can-bruixa , \n',
      ),
    );
    expect(Object.fromEntries(rows[0]!.values)).toEqual({
      "network.wifi.ssid": " casa ",
      "network.wifi.passphrase": " vuit lletres ",
      "system.owner.password": " a b c ",
      "system.hostname": "can-bruixa",
    });
  });

  it.each([
    [
      "an unknown column",
      "system.hostnam\nx\n",
      "row 1, column A: there is no field system.hostnam. Did you mean system.hostname?",
    ],
    ["a column without a name", "system.hostname,\nx,y\n", "row 1, column B: a column without a name"],
    ["a column twice", "node.id,node.id\n1,2\n", "row 1, column B: node.id is in column A already"],
    ["a section instead of a field", "system\nx\n", "row 1, column A: there is no field system."],
    [
      "a word for a number",
      "system.hostname,contexts.cpus\na,two\n",
      'row 2, column B (contexts.cpus): expected a whole number, found "two"',
    ],
    [
      "a word for yes or no",
      "vpn.join\nperhaps\n",
      'row 2, column A (vpn.join): expected true or false, found "perhaps"',
    ],
    ["too many cells", "system.hostname\na,b\n", "row 2: 2 cells, but the header has 1 columns"],
    ["no box", "system.hostname\n\n", "no row with a box"],
    ["an open quote", 'system.hostname\n"a\n', "Quote Not Closed"],
    [
      "another alphabet",
      Buffer.from("system.hostname,node.notes\na,biblioteca f\xe0cil\n", "latin1"),
      "it is saved as Latin-1 (Windows-1252), not as UTF-8; line 2",
    ],
    [
      "wide letters",
      Buffer.from("\ufeffsystem.hostname\na\n", "utf16le"),
      "it is saved as UTF-16, not as UTF-8",
    ],
  ])("with %s is refused", async (_what, text, found) => {
    const failure = await failureOf(() => readFleet(list(text)));
    expect(failure).toMatchObject({ code: "fleet-invalid", found: expect.stringContaining(found) });
    expect(failure.message).toMatch(/^The list .*boxes\.csv has a mistake; nothing was done\.$/);
  });

  it("with a wrong answer is refused with row, column and field, and no file is written", async () => {
    const text = "node.notes,system.hostname,system.owner.password\n,a-box,\n,my box,xyzzy\n";
    const failure = await failureOf(() => make(text));
    expect(failure).toMatchObject({
      code: "fleet-invalid",
      message: expect.stringContaining("has 2 mistakes"),
    });
    expect(failure.found).toMatch(
      /row 3, column B: system\.hostname: A host name has only .* Found: my box\. Did you mean "my-box"\?/,
    );
    expect(failure.found).toMatch(/row 3, column C: system\.owner\.password: A password needs at least 10/);
    expect(failure.found).not.toContain("xyzzy");
    expect(readdirSync(folder)).not.toContain("out");
  }, 600_000);

  it("with duplicates is refused: host names regardless of case, addresses regardless of prefix", async () => {
    const text =
      "system.hostname,network.method,network.address,network.gateway\n" +
      "a-box,static,10.1.2.3/27,10.1.2.1\nb-box,,,\nA-Box,,,\nc-box,static,10.1.2.3/24,10.1.2.1\n";
    const { found } = await failureOf(() => make(text));
    expect(found).toContain("rows 2, 4, column A: system.hostname is a-box in all of them");
    expect(found).toContain("rows 2, 5, column C: network.address is 10.1.2.3 in all of them");
  }, 600_000);

  it("with one host name for all boxes, taken from the base, is refused", async () => {
    base = put("base.yaml", BASE.replace("system:", "system:\n  hostname: same"));
    const { found } = await failureOf(() => make("node.notes\none\ntwo\n"));
    expect(found).toBe("rows 2, 3: system.hostname is same in all of them");
  }, 600_000);

  it("that is missing is reported by name, and so are missing options", async () => {
    expect(await failureOf(() => readFleet(join(folder, "no.csv")))).toMatchObject({
      code: "fleet-unreadable",
      found: expect.stringContaining("ENOENT"),
    });
    expect(await failureOf(() => ANSWERS_COMMANDS.fleet({ profile: "vm-amd64", base }))).toMatchObject({
      code: "usage",
      message: "A fleet needs a list, a base, and a folder for the files.",
      exitCode: 2,
    });
  });

  it("gives a single row, numbered as in a spreadsheet", async () => {
    const fleet = readFleet(list("system.hostname\na-box\n\nc-box\n"));
    const document = answersOf(openAnswers(base), rowOf(fleet, 4));
    expect(document.toJS().system.hostname).toBe("c-box");
    for (const [number, message] of [
      [1, /^Row 1 of .* is its header\.$/],
      [3, /has no box in row 3\.$/],
      [17, /has no box in row 17\.$/],
    ] as const) {
      expect(await failureOf(() => rowOf(fleet, number))).toMatchObject({
        code: "fleet-row-missing",
        message: expect.stringMatching(message),
        found: "boxes in rows 2 to 4",
      });
    }
  });

  it("of a thousand boxes is processed in seconds", async () => {
    const rows = Array.from({ length: 1000 }, (_, index) => `box-${index},${50_000 + index},yes`);
    const started = performance.now();
    const out = await make(`system.hostname,node.id,node.accept_licence\n${rows.join("\n")}\n`);
    const seconds = (performance.now() - started) / 1000;
    console.info(`1000 files in ${seconds.toFixed(1)} s`);
    expect(readdirSync(out)).toHaveLength(1000);
    expect(seconds).toBeLessThan(30);
  }, 600_000);
});

// SPDX-License-Identifier: GPL-3.0-or-later
// The mistakes a person reads: code and text of every kind, all at once, and never a secret.
import { readdirSync, readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileSchema, didYouMean, sentence } from "../../../common/schema.ts";

const schema = {
  type: "object",
  additionalProperties: false,
  required: ["hostname"],
  properties: {
    hostname: { type: "string", maxLength: 8, minLength: 2, examples: ["can-bruixa"] },
    method: { enum: ["dhcp", "static"] },
    address: { type: "string", pattern: "^[0-9.]+/[0-9]+$", "x-expected": "an address such as 10.1.2.3/27" },
    website: { type: "string", format: "uri" },
    port: { type: "integer", minimum: 1, maximum: 65535 },
    size: { type: "integer", exclusiveMinimum: 0 },
    version: { const: 1 },
    enabled: { type: "boolean" },
    servers: { type: "array", minItems: 1, maxItems: 3, uniqueItems: true, items: { type: "string" } },
    owner: {
      type: "object",
      additionalProperties: false,
      required: ["name"],
      properties: {
        name: { type: "string" },
        password: { type: "string", minLength: 10, "x-secret": true },
        pins: { type: "array", "x-secret": true, items: { type: "string", pattern: "^[0-9]+$" } },
      },
    },
    link: {
      type: "object",
      discriminator: { propertyName: "kind" },
      required: ["kind"],
      oneOf: [
        { properties: { kind: { const: "dhcp" } } },
        { properties: { kind: { const: "static" }, gateway: { type: "string" } }, required: ["gateway"] },
      ],
    },
    nearest: { anyOf: [{ type: "integer" }, { type: "object", properties: { s: { type: "string" } } }] },
    either: { anyOf: [{ type: "integer" }, { const: "auto" }], "x-expected": "a number, or auto" },
    language: { type: "string", default: "ca" },
  },
} as const;
const check = compileSchema<{ hostname: string; language: string }>(schema, { name: "answers.yaml" });

function mistakes(data: unknown): string[] {
  const checked = check(data);
  return checked.ok ? [] : checked.errors.map((error) => `${error.code} | ${sentence(error)}`);
}
const only = (data: object) => mistakes({ hostname: "box", ...data });

describe("the schemas in profiles/schemas", () => {
  const folder = new URL("../../../profiles/schemas/", import.meta.url);
  it.each(readdirSync(folder))("%s is a valid schema of draft 2020-12", (name) => {
    const ajv = new Ajv2020({ strict: false });
    const valid = ajv.validateSchema(JSON.parse(readFileSync(new URL(name, folder), "utf8")));
    expect(ajv.errorsText(ajv.errors)).toBe("No errors");
    expect(valid).toBe(true);
  });
});

describe("compileSchema", () => {
  it("returns the data with defaults, and does not change its argument", () => {
    const data = { hostname: "box" };
    expect(check(data)).toEqual({ ok: true, value: { hostname: "box", language: "ca" } });
    expect(data).toEqual({ hostname: "box" });
  });

  it("can compile one schema twice, even with an $id", () => {
    const named = { $id: "twice.json", type: "string" };
    expect(compileSchema(named, { name: "a" })("x").ok).toBe(true);
    expect(compileSchema(named, { name: "b" })("x").ok).toBe(true);
  });

  it.each([
    [
      { hostnam: "x" },
      'unknown-key | hostnam: expected only the keys hostname, method, address, website, port, size, version, enabled, servers, owner, link, nearest, either, language, found an unknown key. Did you mean "hostname"?',
    ],
    [
      { zzzzzz: 1 },
      'unknown-key | zzzzzz: expected only the keys hostname, method, address, website, port, size, version, enabled, servers, owner, link, nearest, either, language, found an unknown key. Remove "zzzzzz".',
    ],
    [{ owner: {} }, 'missing | owner.name: expected a text, found nothing. Add "name".'],
    [{ port: "80" }, 'wrong-type | port: expected a whole number, found "80".'],
    [{ enabled: "yes" }, 'wrong-type | enabled: expected true or false, found "yes".'],
    [{ servers: "a" }, 'wrong-type | servers: expected a list, found "a".'],
    [{ hostname: null }, "wrong-type | hostname: expected a text such as can-bruixa, found nothing."],
    [
      { method: "dchp" },
      'not-allowed | method: expected one of dhcp, static, found "dchp". Did you mean "dhcp"?',
    ],
    [
      { method: "carrier pigeon" },
      'not-allowed | method: expected one of dhcp, static, found "carrier pigeon".',
    ],
    [{ version: 2 }, "not-allowed | version: expected 1, found 2."],
    [{ address: "10.1.2" }, 'wrong-form | address: expected an address such as 10.1.2.3/27, found "10.1.2".'],
    [{ website: "guifi" }, 'wrong-form | website: expected a text, found "guifi".'],
    [{ port: 0 }, "out-of-range | port: expected a number from 1 to 65535, found 0."],
    [{ size: 0 }, "out-of-range | size: expected a number above 0, found 0."],
    [{ hostname: "a" }, 'out-of-range | hostname: expected at least 2 characters, found "a".'],
    [
      { hostname: "a".repeat(9) },
      'out-of-range | hostname: expected at most 8 characters, found "aaaaaaaaa".',
    ],
    [{ servers: [] }, "out-of-range | servers: expected a list with at least 1 entry, found an empty list."],
    [
      { servers: ["a", "b", "c", "d"] },
      "out-of-range | servers: expected a list with at most 3 entries, found a list of 4.",
    ],
    [{ servers: ["a", 2] }, "wrong-type | servers[1]: expected a text, found 2."],
    [
      { servers: ["a", "a"] },
      "duplicate | servers[1]: expected each entry only once, found the same entry as servers[0]. Remove one of the two.",
    ],
    [
      { link: { kind: "statik" } },
      'not-allowed | link.kind: expected one of dhcp, static, found "statik". Did you mean "static"?',
    ],
    [{ link: {} }, "missing | link.kind: expected one of dhcp, static, found nothing."],
    [{ link: { kind: "static" } }, 'missing | link.gateway: expected a text, found nothing. Add "gateway".'],
    [{ nearest: { s: 1 } }, "wrong-type | nearest: expected a whole number, found a mapping."],
    [{ either: "automatic" }, 'wrong-type | either: expected a number, or auto, found "automatic".'],
  ])("reports the mistake in %j", (data, expected) => {
    expect(only(data)).toEqual([expected]);
  });

  it("truncates a long value in a message", () => {
    const [text] = only({ method: "x".repeat(500) });
    expect(text).toContain(`found "${"x".repeat(60)}…".`);
  });

  it("reports all mistakes together", () => {
    expect(mistakes({ port: 0, method: 7, colour: "red" }).map((text) => text.split(":")[0])).toEqual([
      "missing | hostname",
      "unknown-key | colour",
      "not-allowed | method",
      "out-of-range | port",
    ]);
  });

  it.each([
    ["a secret that is too short", { owner: { name: "anna", password: "hunter2" } }],
    ["a secret of another type", { owner: { name: "anna", password: 4711 } }],
    ["an entry of a secret list", { owner: { name: "anna", pins: ["hunter2"] } }],
    ["a secret where the mapping around it belongs", { owner: "hunter2" }],
  ])("never shows %s", (_, data) => {
    const [text] = only(data);
    expect(text).toContain("found a value that is not shown here.");
    expect(text).not.toMatch(/hunter2|4711/);
  });

  it("never shows a secret, whatever it is and wherever it is in the document", () => {
    const secret = fc.string({ minLength: 8 }).map((text) => `S3CR3T${text}`);
    const places = fc.constantFrom("password", "pins", "pinlist");
    fc.assert(
      fc.property(secret, places, (value, key) => {
        const data = { owner: { name: "anna", [key]: key === "password" ? value.slice(0, 9) : [value] } };
        expect(mistakes({ hostname: "box", ...data }).join()).not.toContain("S3CR3T");
      }),
    );
  });
});

describe("didYouMean", () => {
  const profiles = ["vm-amd64", "raspberry-pi", "minix-neo-z64"];
  it.each([
    ["vm-amd46", "vm-amd64"],
    ["raspberry", "raspberry-pi"],
    ["RASPBERRY-PI", "raspberry-pi"],
    ["minix-neo-z64-old", "minix-neo-z64"],
  ])("suggests for %s: %s", (word, expected) => expect(didYouMean(word, profiles)).toBe(expected));

  it.each(["banana", "", "v"])("suggests nothing for %j", (word) =>
    expect(didYouMean(word, profiles)).toBeUndefined(),
  );

  it("prefers the nearest word", () => {
    expect(didYouMean("pcakages", ["package", "packages", "package-s"])).toBe("packages");
  });

  it("finds a word with any one letter wrong", () => {
    fc.assert(
      fc.property(fc.constantFrom(...profiles), fc.nat(), fc.constantFrom(..."xyzq"), (word, at, letter) => {
        const i = at % word.length;
        expect(didYouMean(`${word.slice(0, i)}${letter}${word.slice(i + 1)}`, profiles)).toBe(word);
      }),
    );
  });
});

// SPDX-License-Identifier: GPL-3.0-or-later
// answers.yaml: its published schema, wiping secrets from every form the file may have, and the network's rules.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { compileSchema } from "../../../../../common/schema.ts";
import { misnamedAnswers, secretFields, wipeAnswers } from "../../../../../firstboot/setup/answers/file.ts";
import { redact, redactBytes } from "../../../../../firstboot/setup/answers/redact.ts";
import { answersSchema } from "../../../../../firstboot/setup/answers/schema.ts";
import {
  getAnswer,
  isAsked,
  questionsOf,
  setAnswer,
  withDefaults,
  withoutUnasked,
} from "../../../../../firstboot/setup/questions.ts";
import { Secrets } from "../../../../../firstboot/setup/secrets.ts";
import type { Answers, StepTools } from "../../../../../firstboot/setup/step.ts";
import { steps } from "../../../../../firstboot/steps/index.ts";
import { networkFile } from "../../../../../firstboot/steps/network/apply.ts";
import { network } from "../../../../../firstboot/steps/network/index.ts";
import { system } from "../../../../../firstboot/steps/system/index.ts";
import { ANSWERS_FILE, FakeBox, IMAGE, PASSWORD, VALID_ANSWERS } from "../../../helpers/fake-box.ts";

describe("the schema of the answers", () => {
  test("accepts the example of the documentation", () => {
    const { $schema: _draft, ...schema } = answersSchema(steps);
    expect(compileSchema(schema, { name: "answers.yaml" })(parse(VALID_ANSWERS))).toMatchObject({ ok: true });
  });
});

const FIELDS = secretFields(steps);

describe("wiping secrets from an answers file", () => {
  test.each([
    ["in quotes", VALID_ANSWERS],
    ["in single quotes", VALID_ANSWERS.replaceAll('"', "'")],
    ["plain", VALID_ANSWERS.replaceAll('"', "")],
    ["on one line", `version: 1\nsystem: { owner: { name: anna, password: "${PASSWORD}" } }\n`],
    ["as JSON", JSON.stringify(parse(VALID_ANSWERS))],
    ["as a block", VALID_ANSWERS.replace(`"${PASSWORD}"`, `|-\n      ${PASSWORD}`)],
    ["folded", VALID_ANSWERS.replace(`"${PASSWORD}"`, ">-\n      four wet\n      goats sing")],
    ["with Windows lines", VALID_ANSWERS.replaceAll("\n", "\r\n")],
    ["with a byte order mark", `\ufeff${VALID_ANSWERS}`],
    [
      "in a comment beside it",
      VALID_ANSWERS.replace(`"${PASSWORD}"`, `"${PASSWORD}" # ${PASSWORD}, not: goat`),
    ],
    ["behind a #", VALID_ANSWERS.replace("version: 1", `version: 1\n# password: "${PASSWORD}"`)],
    ["in the wrong section", `${VALID_ANSWERS}password: "${PASSWORD}"\n`],
    ["under a name with a slip", VALID_ANSWERS.replace("password:", "pasword:")],
    ["under another name", VALID_ANSWERS.replace("password:", "contrasenya:")],
    [
      "in a section of another name",
      `${VALID_ANSWERS.replace(`"${PASSWORD}"`, "")}notes: [{ mine: "${PASSWORD}" }]\n`,
    ],
    ["as a list", VALID_ANSWERS.replace(`"${PASSWORD}"`, `[ "${PASSWORD}" ]`)],
    ["by a reference", `x: &c "${PASSWORD}"\n${VALID_ANSWERS.replace(`"${PASSWORD}"`, "*c")}`],
    ["referred to", `${VALID_ANSWERS.replace(`"${PASSWORD}"`, `&c "${PASSWORD}"`)}x: [*c, y]\nz: *c\n`],
    [
      "by a reference to its section",
      `x: &o { name: anna, password: "${PASSWORD}" }\nsystem: { owner: *o }\n`,
    ],
    ["in a file that is not YAML", `${VALID_ANSWERS}\nnetwork: [`],
    ["not YAML, with text after the quotes", VALID_ANSWERS.replace(`"${PASSWORD}"`, `"four" wet, goats`)],
    ["not YAML, on the next line", `${VALID_ANSWERS.replace(`"${PASSWORD}"`, `\n  "${PASSWORD}"`)}x: [`],
    [
      "not YAML, as a block",
      `${VALID_ANSWERS.replace(`"${PASSWORD}"`, `|-\n      ${PASSWORD}\n\n      wet`)}x: [`,
    ],
    ["not YAML, by a reference", `x: &c "${PASSWORD}"\n${VALID_ANSWERS.replace(`"${PASSWORD}"`, "*c")}y: [`],
    [
      "not YAML, indented by tabs",
      `version: 1\nsystem:\n\towner:\n\t\tname: anna\n\t\tpassword: ${PASSWORD}\n`,
    ],
    ["not YAML, with = for the colon", `version: 1\nname = anna\npassword = ${PASSWORD}\n`],
  ])("leaves nothing of a secret %s, and overwrites its bytes in place", async (_form, text) => {
    const { blotted, clean } = await redact(text, FIELDS);
    for (const text of [blotted, clean]) expect(text).not.toMatch(/four|wet|goats/);
    expect(Buffer.byteLength(blotted)).toBe(Buffer.byteLength(text));
    expect(clean).toContain("anna");
    // A cut of the power in between: what is on the disk then is wiped to the same.
    const again = await redact(blotted, FIELDS);
    for (const text of [again.blotted, again.clean]) expect(text).not.toMatch(/four|wet|goats/);
  });

  test("finds the second of two secrets after accents in the first", async () => {
    const text = [
      "version: 1",
      'system: { owner: { name: anna, password: "òàèéíóúçñü-42-x" } }',
      'member: { username: anna, password: "Secret-Member-99" }',
      "network: { wifi: { ssid: casa, passphrase: '\u{1f410}\u{1f410} goats' } }",
      "",
    ].join("\n");
    const { blotted, clean } = await redact(text, FIELDS);
    for (const each of [blotted, clean])
      expect(each).not.toMatch(/[òàèéíóúçñü]|42|Member|99|goats|\u{1f410}/u);
    expect(Buffer.byteLength(blotted)).toBe(Buffer.byteLength(text));
    expect(parse(clean)).toEqual({
      version: 1,
      system: { owner: { name: "anna" } },
      member: { username: "anna" },
      network: { wifi: { ssid: "casa" } },
    });
  });

  test("gives the same result after a power cut between overwriting and rewriting", async () => {
    const { blotted, clean } = await redact(VALID_ANSWERS, FIELDS);
    expect(await redact(clean, FIELDS)).toEqual({ blotted: clean, clean });
    expect(parse((await redact(blotted, FIELDS)).clean)).toEqual(parse(clean));
  });

  const secret = fc.string({ unit: "grapheme", maxLength: 30 });
  const forms = (text: string) => [
    stringify(text),
    JSON.stringify(text),
    `'${text.replaceAll("'", "''").replace(/[\r\n\u0085\u2028\u2029]/g, "")}'`,
    `&c ${JSON.stringify(text)}`,
    `|-\n      ${text.replace(/[\r\n\u0085\u2028\u2029]/g, "")}`,
  ];

  test.each([
    ["a file", ""],
    ["a file that is not YAML", "\nx: [ {"],
  ])("removes all secrets, whatever comes before them, in %s", async (_what, end) => {
    await fc.assert(
      fc.asyncProperty(
        ...[fc.string({ unit: "grapheme" }), secret, secret, fc.nat(4), fc.nat(4)],
        async (note, first, second, one, two) => {
          const text = [
            `x: ${JSON.stringify(note)} # ${JSON.stringify(note)}`,
            ...[
              "system:",
              "  owner:",
              `    password: ${forms(`Goat-1${first}Goat-2`)[one]}`,
              "    name: anna",
            ],
            ...["member:", `    password: ${forms(`Goat-3${second}Goat-4`)[two]}`],
            `    username: anna${end}`,
          ].join("\n");
          const { blotted, clean } = await redact(text, FIELDS);
          for (const each of [blotted, clean]) expect(each).not.toMatch(/Goat/);
          expect(Buffer.byteLength(blotted)).toBe(Buffer.byteLength(text));
          expect(blotted.split("\n").length).toBe(text.split("\n").length);
        },
      ),
      { numRuns: 100 },
    );
  });

  test.each(["latin1", "utf16le"] as const)("keeps the encoding of a file in %s", async (encoding) => {
    const bytes = Buffer.from(VALID_ANSWERS.replace("four", "òàè four"), encoding);
    const { blotted, clean } = await redactBytes(bytes, FIELDS);
    for (const each of [blotted, clean]) {
      expect(each.toString(encoding)).not.toMatch(/four|wet|goats|ò/);
      expect(each.toString(encoding)).toContain("anna");
      expect(each).toHaveLength(bytes.length);
    }
  });

  test("overwrites the file in place on the card, and does nothing the second time", async () => {
    const box = new FakeBox();
    box.files.set(ANSWERS_FILE, "");
    const bytes = Buffer.from(`# Ca l'Òscar\n${VALID_ANSWERS.replace("four", "òàè")}`, "latin1");
    box.bytes.set(ANSWERS_FILE, bytes);
    expect(await wipeAnswers({ box, image: IMAGE, steps })).toBe(true);
    expect(box.effects).toEqual([`overwrite ${ANSWERS_FILE}`]);
    expect(box.bytes.get(ANSWERS_FILE)?.toString("latin1")).not.toMatch(/wet|goats|ò/);
    expect(await wipeAnswers({ box, image: IMAGE, steps })).toBe(false);
  });

  test.each([
    ["without secrets", "version: 1\nsystem: { owner: { name: anna } }\n"],
    [
      "with words about them",
      'version: 1\n# password: ""\n# The password and the passphrase come later.\nsystem: { owner: { name: anna, ssh_keys: [] } }\n',
    ],
  ])("does not change a file %s", async (_what, text) => {
    expect(await redact(text, FIELDS)).toEqual({ blotted: text, clean: text });
  });
});

describe("the questions", () => {
  const tags = (step: typeof system) => questionsOf(step).map(({ tag }) => tag);

  test("have the names that the console's protocol relies on", () => {
    const names = [
      "system/language",
      "system/keyboard",
      "system/timezone",
      "system/hostname",
      "system/updates",
      "system/owner.name",
      "system/owner.password",
      "system/owner.ssh_keys",
      "system/ssh.keys_only",
      ...["network/via", "network/wifi.country", "network/wifi.ssid", "network/wifi.passphrase"],
      "network/interface",
      "network/method",
      "network/address",
      "network/gateway",
      "network/dns",
      "member/sign_in",
      "member/username",
      "member/password",
      "node/register",
      "node/id",
      "node/accept_licence",
      "node/name",
      "node/address_from",
      "node/email",
      "node/notes",
      "vpn/join",
      "vpn/network",
      "vpn/rendezvous",
      "vpn/key",
      "contexts/share",
      "contexts/memory_mib",
      "contexts/cpus",
      "contexts/disk_gib",
      "contexts/processes",
      "contexts/instances",
      "services/serf",
      "services/guifi-proxy",
      "services/guifi-proxy.context",
      "services/guifi-proxy.users",
      "services/guifi-dns",
      "services/guifi-graphs",
      "services/guifi-graphs.zone",
      "services/syncthing",
      "services/syncthing.context",
      "services/tahoe-lafs",
      "services/tahoe-lafs.context",
      "services/tahoe-lafs.grid",
      "services/tahoe-lafs.name",
      "services/tahoe-lafs.public",
      "services/tahoe-lafs.furl",
      "services/tahoe-lafs.storage",
      "services/streaming",
      "services/streaming.context",
      "services/streaming.channels",
      "services/webdav",
      "services/webdav.context",
      "services/webdav.users",
      "services/mosquitto",
      "services/mosquitto.context",
      "services/mosquitto.users",
      "services/mosquitto.anonymous",
      "services/etcd",
      "services/etcd.context",
      "services/etcd.cluster",
      "services/etcd.endpoints",
      "services/docker",
      "services/snmp",
      "services/snmp.contact",
      "services/monitoring",
      "services/monitoring.zone",
      "services/ssh",
      "services/avahi",
      "services/nextcloud",
      "services/etherpad",
      "services/home-assistant",
      "services/element",
      "services/element.server",
      "services/ipfs",
      "services/rocket-chat",
      "services/owncloud",
      "services/wordpress",
    ];
    // A step or a service that is new has none yet that somebody relies on.
    const partOf = (tag: string) => tag.replace(/^(services\/[^.]+|[^/]+).*$/, "$1");
    const known = new Set(names.map(partOf));
    expect(steps.flatMap(tags).filter((tag) => known.has(partOf(tag)))).toEqual(names);
  });

  test("include the interface only when more than one has a cable", async () => {
    const box = new FakeBox();
    const askedFor = async () => {
      const probe = await network.probe(box, IMAGE, {});
      return questionsOf(network).some((each) => each.path === "interface" && isAsked(each, {}, probe));
    };
    expect(await askedFor()).toBe(false);
    box.plugIn("enp2s0", false);
    expect(await askedFor()).toBe(false);
    box.plugIn("enp3s0", true);
    expect(await askedFor()).toBe(true);
  });

  test("drop the static answers after a change to DHCP", async () => {
    const probe = await network.probe(new FakeBox(), IMAGE, {});
    const answers = { method: "dhcp", address: "10.1.2.3/24", gateway: "10.1.2.1", interface: "enp1s0" };
    expect(withoutUnasked(network, answers, probe)).toEqual({ method: "dhcp", interface: "enp1s0" });
    expect(withDefaults(network, { method: "static" }, probe)).toEqual({
      method: "static",
      dns: ["10.138.0.2"],
    });
  });

  test("set, get and remove an answer by its path", () => {
    const answers = setAnswer({ owner: { name: "anna" } }, "owner.password", "x");
    expect(getAnswer(answers, "owner.password")).toBe("x");
    expect(getAnswer(answers, "owner.name.first")).toBeUndefined();
    expect(getAnswer(answers, "constructor")).toBeUndefined();
    expect(setAnswer(answers, "owner.password", undefined)).toEqual({ owner: { name: "anna" } });
  });

  test("keep secrets apart from the answers and put them back", () => {
    const secrets = new Secrets();
    const answers: Answers = { hostname: "a", owner: { name: "anna", password: PASSWORD } };
    const { answers: rest, newSecrets } = secrets.take(system, answers);
    expect(JSON.stringify(rest)).not.toContain(PASSWORD);
    expect(newSecrets).toEqual(["system.owner.password"]);
    expect(secrets.join(system, rest, newSecrets)).toEqual(answers);
    secrets.forget();
    expect(secrets.join(system, rest, newSecrets)).toEqual(rest);
  });
});

describe("the network's answers are checked", () => {
  const codes = async (answers: Answers) => {
    const box = new FakeBox();
    return network
      .check(answers, await network.probe(box, IMAGE, {}), new Set())
      .map(({ field, code }) => `${field} ${code}`);
  };
  const fixed = { method: "static", address: "10.1.2.3/27", gateway: "10.1.2.1" };

  test.each<[Answers, string[]]>([
    [{ method: "dhcp" }, []],
    [fixed, []],
    [{ ...fixed, interface: "enp9s0" }, ["network.interface interface-unknown"]],
    [{ ...fixed, address: "10.1.2.3" }, ["network.address address-syntax"]],
    [{ ...fixed, address: "10.1.2.0/27" }, ["network.address address-is-network"]],
    [{ ...fixed, address: "10.1.2.31/27" }, ["network.address address-is-broadcast"]],
    [{ ...fixed, address: "127.0.0.2/8", gateway: "127.0.0.1" }, ["network.address address-reserved"]],
    [{ ...fixed, address: "10.1.2.3/31", gateway: "10.1.2.2" }, []],
    [{ ...fixed, address: "10.1.2.2/31", gateway: "10.1.2.3" }, []],
    [{ ...fixed, address: "10.1.2.3/31" }, ["network.gateway gateway-outside"]],
    [{ ...fixed, address: "10.1.2.3/32" }, []],
    [{ ...fixed, address: "10.1.2.3/32", gateway: "192.168.7.254" }, []],
    [{ ...fixed, address: "10.1.2.3/32", gateway: "10.1.2.3" }, ["network.gateway gateway-is-address"]],
    [{ ...fixed, address: "10.1.2.3/32", gateway: "127.0.0.1" }, ["network.gateway address-reserved"]],
    [{ ...fixed, address: "10.1.2.3/33" }, ["network.address address-syntax"]],
    [{ ...fixed, address: "10.1.2.3/7" }, ["network.address address-prefix"]],
    [{ ...fixed, gateway: "10.1.2.33" }, ["network.gateway gateway-outside"]],
    [{ ...fixed, gateway: "10.1.2.31" }, ["network.gateway gateway-outside"]],
    [{ ...fixed, gateway: "10.1.2.3" }, ["network.gateway gateway-is-address"]],
    [{ ...fixed, gateway: "router" }, ["network.gateway ip-syntax"]],
    [{ ...fixed, dns: ["10.1.2.1", "dns.example"] }, ["network.dns[1] ip-syntax"]],
    [{ method: "dhcp", address: "10.1.2.3/27" }, ["network.address static-only"]],
  ])("%j", async (answers, expected) => expect(await codes(answers)).toEqual(expected));
});

describe("a static address in the smallest subnets", () => {
  const fixed = { method: "static" as const, dns: ["10.1.2.1"] };

  test("is checked against a range whose addresses a message names", async () => {
    const probe = await network.probe(new FakeBox(), IMAGE, {});
    const [mistake] = network.check(
      { ...fixed, address: "10.1.2.3/31", gateway: "10.1.2.1" },
      probe,
      new Set(),
    );
    expect(mistake?.expected).toBe(
      "The gateway is not in the subnet of the box. Possible are 10.1.2.2 to 10.1.2.3.",
    );
  });

  test("of one address makes networkd treat the gateway as on-link", () => {
    const file = (address: string) =>
      networkFile({ ...fixed, address, gateway: "10.1.2.1" }, "enp1s0", IMAGE);
    expect(file("10.9.9.9/32")).toMatch(
      /\nAddress=10\.9\.9\.9\/32\nDNS=10\.1\.2\.1\n\n\[Route\]\nGateway=10\.1\.2\.1\nGatewayOnLink=yes\n$/,
    );
    expect(file("10.1.2.0/31")).toMatch(/\nAddress=10\.1\.2\.0\/31\nGateway=10\.1\.2\.1\nDNS=/);
    expect(file("10.1.2.0/31")).not.toContain("GatewayOnLink");
  });
});

describe("a time zone by an alias", () => {
  const zi = "# version 2026f\nL Europe/Kyiv Europe/Kiev\nL Europe/Paris CET\nL Gone/Away US/Lost\n";
  const box = () => {
    const made = new FakeBox();
    made.files.set("/usr/share/zoneinfo/tzdata.zi", zi).set("/usr/share/zoneinfo/Europe/Kyiv", "");
    return made;
  };

  test.each([
    ["Europe/Kiev", "Europe/Kyiv"],
    ["CET", "Europe/Paris"],
    ["Europe/Madrid", "Europe/Madrid"],
  ])("%s becomes %s by the links of the box's own data", async (name, zone) => {
    const made = box();
    const probe = await system.probe(made, IMAGE, {});
    expect(system.check({ timezone: name }, probe, new Set())).toEqual([]);
    const answers = parse(VALID_ANSWERS).system;
    const tools = { box: made, image: IMAGE, providedSecrets: new Set<string>(), progress: () => {} };
    await system.apply({ ...answers, timezone: name }, tools as unknown as StepTools);
    expect(made.files.get("/etc/localtime")).toBe(`-> /usr/share/zoneinfo/${zone}`);
    expect(made.files.get("/etc/timezone")).toBe(`${zone}\n`);
  });

  test.each(["US/Lost", "Europe/Nowhere"])("%s is refused", async (name) => {
    const probe = await system.probe(box(), IMAGE, {});
    expect(system.check({ timezone: name }, probe, new Set())).toMatchObject([
      { field: "system.timezone", code: "timezone-unknown", found: name },
    ]);
  });
});

describe("a file named almost like the answers file", () => {
  test.each([
    ["answers.yaml.txt", true],
    ["answers.yml", true],
    ["Answers.YML", true],
    ["answers.txt", true],
    ["answer.yaml", true],
    ["answers (1).yaml", true],
    ["answers-2.yaml", true],
    ["answers.yaml (1).txt", true],
    ["answers-report.yaml", false],
    ["question.yaml", false],
    ["answers", false],
    ["answers.yaml.exe", false],
  ])("%s was meant as the answers file: %s", async (name, isMeant) => {
    const box = new FakeBox();
    box.files.set(`/boot/efi/${name}`, "version: 1\n");
    expect(await misnamedAnswers(box, IMAGE)).toBe(isMeant ? name : undefined);
    // With the right one there, nobody cares.
    box.files.set(ANSWERS_FILE, "version: 1\n");
    expect(await misnamedAnswers(box, IMAGE)).toBeUndefined();
  });
});

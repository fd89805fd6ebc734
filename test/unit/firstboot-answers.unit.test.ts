// SPDX-License-Identifier: GPL-3.0-or-later
// answers.yaml: its published schema, wiping secrets from every form the file may have, and the network's rules.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { compileSchema } from "../../common/schema.ts";
import { misnamedAnswers, redact } from "../../firstboot/answers/file.ts";
import { answersSchema } from "../../firstboot/answers/schema.ts";
import {
  getAnswer,
  isAsked,
  questionsOf,
  setAnswer,
  withDefaults,
  withoutUnasked,
} from "../../firstboot/questions.ts";
import { Secrets } from "../../firstboot/secrets.ts";
import { steps } from "../../firstboot/steps/index.ts";
import { network } from "../../firstboot/steps/network/index.ts";
import type { Answers } from "../../firstboot/steps/step.ts";
import { system } from "../../firstboot/steps/system/index.ts";
import { ANSWERS_FILE, FakeBox, IMAGE, PASSWORD, VALID_ANSWERS } from "./helpers/fake-box.ts";

describe("the schema", () => {
  test("accepts the example of the documentation", () => {
    const { $schema: _draft, ...schema } = answersSchema(steps);
    expect(compileSchema(schema, { name: "answers.yaml" })(parse(VALID_ANSWERS))).toMatchObject({ ok: true });
  });
});

const PATHS = [["system", "owner", "password"]];

describe("wiping", () => {
  test.each([
    ["in quotes", VALID_ANSWERS],
    ["in single quotes", VALID_ANSWERS.replaceAll('"', "'")],
    ["plain", VALID_ANSWERS.replaceAll('"', "")],
    ["on one line", `version: 1\nsystem: { owner: { name: anna, password: "${PASSWORD}" } }\n`],
    ["as JSON", JSON.stringify(parse(VALID_ANSWERS))],
    ["as a block", VALID_ANSWERS.replace(`"${PASSWORD}"`, `|-\n      ${PASSWORD}`)],
    ["folded", VALID_ANSWERS.replace(`"${PASSWORD}"`, ">-\n      four wet\n      goats sing")],
    ["with Windows lines", VALID_ANSWERS.replaceAll("\n", "\r\n")],
    ["in a file that is not YAML", `${VALID_ANSWERS}\nnetwork: [`],
  ])("%s: nothing is left, and the bytes are blotted where they are", async (_form, text) => {
    const { blotted, clean } = await redact(text, PATHS);
    for (const text of [blotted, clean]) expect(text).not.toMatch(/four|wet|goats/);
    expect(Buffer.byteLength(blotted)).toBe(Buffer.byteLength(text));
    expect(clean).toContain("anna");
  });

  test("a cut between blotting and rewriting does no harm", async () => {
    const { blotted, clean } = await redact(VALID_ANSWERS, PATHS);
    expect(await redact(clean, PATHS)).toEqual({ blotted: clean, clean });
    expect(parse((await redact(blotted, PATHS)).clean)).toEqual(parse(clean));
  });

  test("whatever the password", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme", minLength: 10 }), async (password) => {
        const text = stringify({
          version: 1,
          system: { owner: { name: "anna", password: `secret${password}` } },
        });
        const { blotted, clean } = await redact(text, PATHS);
        expect(blotted).not.toContain("secret");
        expect(Buffer.byteLength(blotted)).toBe(Buffer.byteLength(text));
        expect(parse(clean)).toEqual({ version: 1, system: { owner: { name: "anna" } } });
      }),
    );
  });

  test("a file without secrets is not touched", async () => {
    const text = "version: 1\nsystem: { owner: { name: anna } }\n";
    expect(await redact(text, PATHS)).toEqual({ blotted: text, clean: text });
  });
});

describe("questions", () => {
  const tags = (step: typeof system) => questionsOf(step).map(({ tag }) => tag);

  test("have the stable names of the console's contract", () => {
    expect(steps.flatMap(tags)).toEqual([
      "system/language",
      "system/keyboard",
      "system/timezone",
      "system/hostname",
      "system/updates",
      "system/owner.name",
      "system/owner.password",
      "system/owner.ssh_keys",
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
    ]);
  });

  test("the interface is asked for only when more than one has a cable", async () => {
    const box = new FakeBox();
    const askedFor = async () => {
      const survey = await network.survey(box, IMAGE, {});
      return questionsOf(network).some((each) => each.path === "interface" && isAsked(each, {}, survey));
    };
    expect(await askedFor()).toBe(false);
    box.plugIn("enp2s0", false);
    expect(await askedFor()).toBe(false);
    box.plugIn("enp3s0", true);
    expect(await askedFor()).toBe(true);
  });

  test("a change to DHCP takes the static answers out", async () => {
    const survey = await network.survey(new FakeBox(), IMAGE, {});
    const answers = { method: "dhcp", address: "10.1.2.3/24", gateway: "10.1.2.1", interface: "enp1s0" };
    expect(withoutUnasked(network, answers, survey)).toEqual({ method: "dhcp", interface: "enp1s0" });
    expect(withDefaults(network, { method: "static" }, survey)).toEqual({
      method: "static",
      dns: ["10.138.0.2"],
    });
  });

  test("what is set can be got, and taken out again", () => {
    const answers = setAnswer({ owner: { name: "anna" } }, "owner.password", "x");
    expect(getAnswer(answers, "owner.password")).toBe("x");
    expect(getAnswer(answers, "owner.name.first")).toBeUndefined();
    expect(getAnswer(answers, "constructor")).toBeUndefined();
    expect(setAnswer(answers, "owner.password", undefined)).toEqual({ owner: { name: "anna" } });
  });

  test("secrets are taken out, kept apart and put back", () => {
    const secrets = new Secrets();
    const answers: Answers = { hostname: "a", owner: { name: "anna", password: PASSWORD } };
    const { answers: rest, taken } = secrets.take(system, answers);
    expect(JSON.stringify(rest)).not.toContain(PASSWORD);
    expect(taken).toEqual(["system.owner.password"]);
    expect(secrets.join(system, rest, taken)).toEqual(answers);
    secrets.forget();
    expect(secrets.join(system, rest, taken)).toEqual(rest);
  });
});

describe("the network's answers", () => {
  const codes = async (answers: Answers) => {
    const box = new FakeBox();
    return network
      .check(answers, await network.survey(box, IMAGE, {}), new Set())
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
    [
      { ...fixed, address: "10.1.2.3/31" },
      ["network.address address-prefix", "network.gateway gateway-outside"],
    ],
    [{ ...fixed, gateway: "10.1.2.33" }, ["network.gateway gateway-outside"]],
    [{ ...fixed, gateway: "10.1.2.31" }, ["network.gateway gateway-outside"]],
    [{ ...fixed, gateway: "10.1.2.3" }, ["network.gateway gateway-is-address"]],
    [{ ...fixed, gateway: "router" }, ["network.gateway ip-syntax"]],
    [{ ...fixed, dns: ["10.1.2.1", "dns.example"] }, ["network.dns[1] ip-syntax"]],
    [{ method: "dhcp", address: "10.1.2.3/27" }, ["network.address static-only"]],
  ])("%j", async (answers, expected) => expect(await codes(answers)).toEqual(expected));
});

describe("a file with another name", () => {
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
  ])("%s was meant: %s", async (name, isMeant) => {
    const box = new FakeBox();
    box.files.set(`/boot/efi/${name}`, "version: 1\n");
    expect(await misnamedAnswers(box, IMAGE)).toBe(isMeant ? name : undefined);
    // With the right one there, nobody cares.
    box.files.set(ANSWERS_FILE, "version: 1\n");
    expect(await misnamedAnswers(box, IMAGE)).toBeUndefined();
  });
});

// SPDX-License-Identifier: GPL-3.0-or-later
// The catalogue: every folder has the form of a service, every template renders whatever was chosen, and what is
// wrong with a folder is said by name.

import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { readCatalogue, readService } from "../../../../common/catalogue.ts";
import type { Service } from "../../../../common/service.ts";
import { catalogue } from "../../../../firstboot/catalogue/catalogue.ts";
import { type BoxFacts, OFFER_REASONS, offer } from "../../../../firstboot/services/availability.ts";
import { defaultInputs } from "../../../../firstboot/services/data.ts";
import { portsOf } from "../../../../firstboot/services/engine.ts";
import { renderer, type TemplateData } from "../../../../firstboot/services/template.ts";
import { PROJECT } from "../../../../image/host/paths.ts";
import { sampleData } from "../../../../image/services/lint.ts";
import { failureOf } from "../../../failure-of.ts";
import { temporaryDirectory } from "../../../temporary.ts";
import { IMAGE } from "../../helpers/fake-box.ts";

const FOLDERS = join(PROJECT, "overlays/services");

const dataFor = (service: Service, inputs: TemplateData["inputs"] = {}): TemplateData => ({
  ...sampleData(service, IMAGE.community, inputs),
  community: IMAGE.community,
});

/** Every text of a service that may be a template. */
function templatesOf(service: Service): string[] {
  const steps = [...service.prepare, ...service.activate, ...service.deactivate];
  return [
    ...Object.values(service.templates),
    ...steps.flatMap(({ run, input = "" }) => [...run, input]),
    ...(service.health.run ?? []),
    ...Object.values(service.facts).flatMap(({ run }) => run),
    service.publication?.description ?? "",
    service.publication?.txt ?? "",
    service.guifi?.name ?? "",
    service.guifi?.nick ?? "",
  ];
}

test("the catalogue begins with discovery, which alone is enabled by default", () => {
  expect(catalogue[0]?.id).toBe("serf");
  const first = ["guifi-proxy", "syncthing", "docker", "snmp", "ssh", "avahi"];
  const apps = ["nextcloud", "etherpad", "home-assistant", "element", "ipfs", "rocket-chat", "owncloud"];
  for (const id of [...first, ...apps]) expect(catalogue.map((service) => service.id)).toContain(id);
  expect(catalogue.filter(({ enabled }) => enabled).map(({ id }) => id)).toEqual(["serf"]);
});

describe.each(catalogue.map((service) => [service.id, service] as const))(
  "the service %s",
  (_id, service) => {
    test("has templates that render, registered or not", async () => {
      const render = await renderer();
      const data = dataFor(service);
      const nobody = {
        node_id: "",
        device_id: "",
        service_id: "",
        federation_url: "",
        proxy_users_dn: "o=x",
      };
      for (const template of templatesOf(service)) {
        expect(render(template, data, "it")).not.toContain("{{");
        expect(render(template, { ...data, registration: nobody }, "it")).not.toContain("{{");
      }
    });

    test("has ports that are numbers", () => {
      const data = { community: IMAGE.community, inputs: defaultInputs(service) };
      for (const { port } of portsOf(service, data)) expect(port).toBeGreaterThan(0);
    });

    test("keeps any typed answer within its line of a file", async () => {
      const render = await renderer();
      const lines = service.files.map(({ template }) =>
        render(service.templates[template]!, dataFor(service), ""),
      );
      for (const [name, { schema }] of Object.entries(service.inputs)) {
        if (schema.type !== "string" || schema.enum) continue;
        const pattern = new RegExp(String(schema.pattern));
        fc.assert(
          fc.property(fc.string({ unit: "binary" }), (text) => {
            if (!pattern.test(text)) return;
            const data = dataFor(service, { [name]: text });
            const after = service.files.map(({ template }) => render(service.templates[template]!, data, ""));
            expect(after.map((file) => file.split("\n").length)).toEqual(
              lines.map((file) => file.split("\n").length),
            );
          }),
        );
      }
    });
  },
);

describe("a service folder with a mistake", () => {
  const broken = (changes: object, files: Record<string, string> = {}) => {
    const directory = join(temporaryDirectory(), "services");
    mkdirSync(directory, { recursive: true });
    cpSync(join(FOLDERS, "snmp"), join(directory, "snmp"), { recursive: true });
    const path = join(directory, "snmp/service.yaml");
    const service = parse(readFileSync(path, "utf8")) as object;
    writeFileSync(path, stringify({ ...service, ...changes }));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, "snmp", name), text);
    return failureOf(() => readCatalogue(directory));
  };
  const input = (contact: object) => ({ inputs: { contact } });
  const number = { type: "integer", default: "x", description: "x" };
  const text = { type: "string", default: "", description: "x" };

  test.each([
    ["an unknown key", { packges: [] }, /packges.*did you mean/i],
    ["another id", { id: "snmpd" }, /id: expected "snmp"/],
    ["no words in Catalan", { title: { en: "x", es: "x" } }, /title\.ca/],
    ["a template that is not there", { files: [{ template: "x.hbs", target: "/x" }] }, /there is no x\.hbs/],
    ["no unit", { units: [] }, /units: expected at least one, or compose/],
    ["a service that nobody knows", { needs: { services: ["dockr"] } }, /needs\.services.*dockr/],
    [
      "a project on the host",
      { compose: { file: "snmpd.conf.hbs" }, source: "network" },
      /where\.allowed: expected community alone for compose, found host/,
    ],
    ["a pool without packages", { packages: [] }, /packages: expected/],
    ["nothing to announce", { ports: [] }, /publication: expected a public port/],
    ["a default that is none", input({ file_only: true, schema: number }), /contact\.schema\.default/],
    [
      "an account without a port that can be closed",
      { first_account: "visitor" },
      /first_account: visitor expects compose/,
    ],
    [
      "a page that nobody asks",
      { account_made: "/in" },
      /account_made: expected with first_account: visitor alone, found none/,
    ],
    ["a page that is no path", { account_made: "in" }, /account_made: .*a page such as/],
    ["a question without words", input({ schema: text }), /contact\.ask/],
  ])("is refused with its name: %s", async (_what, changes, words) => {
    const failure = await broken(changes);
    expect(failure.code).toBe("service-invalid");
    expect(failure.found).toMatch(words);
  });

  test("is refused for an unused template, by name", async () => {
    const failure = await broken({}, { "old.hbs": "" });
    expect(failure.found).toContain("old.hbs is used by no entry of files");
  });

  test("is refused for invalid YAML, by name", async () => {
    const directory = join(temporaryDirectory(), "services");
    mkdirSync(join(directory, "x"), { recursive: true });
    writeFileSync(join(directory, "x/service.yaml"), "id: [");
    expect((await failureOf(() => readCatalogue(directory))).code).toBe("service-invalid");
  });
});

test("a variable that does not exist in a template is reported by name", async () => {
  const render = await renderer();
  const failure = await failureOf(() => render("{{inputs.sise}}", dataFor(catalogue[0]!), "snmpd.conf"));
  expect(failure).toMatchObject({ code: "service-template", found: expect.stringContaining("sise") });
});

test("quoting for the shell preserves any text", async () => {
  const render = await renderer();
  fc.assert(
    fc.property(fc.string(), (text) => {
      const data = { ...dataFor(catalogue[0]!), inputs: { text } };
      const quoted = render("{{shell inputs.text}}", data, "it");
      expect(quoted.replaceAll("'\\''", "\0").slice(1, -1)).not.toContain("'");
      expect(quoted.slice(1, -1).replaceAll("'\\''", "'")).toBe(text);
    }),
  );
});

describe("the services that are offered", () => {
  const roomy: BoxFacts = {
    architecture: "amd64",
    memoryMib: 2000,
    cpuFlags: ["avx"],
    places: ["host", "owner", "community"],
    hasVpn: true,
    isRegistered: true,
    hasPool: true,
    hasInternet: true,
  };
  const find = (id: string) => catalogue.find((service) => service.id === id)!;

  test("include all on a roomy box, with the best context first", () => {
    for (const service of catalogue)
      expect(offer(service, roomy).places[0], service.id).toBe(service.where.allowed[0]);
  });

  test.each([
    ["docker", { architecture: "i386" }, "architecture"],
    ["guifi-proxy", { memoryMib: 400 }, "memory"],
    ["docker", { places: ["host"] }, "place"],
    ["avahi", { hasVpn: false }, "vpn"],
    ["syncthing", { hasPool: false }, "packages"],
    ["etherpad", { hasInternet: false }, "internet"],
    ["rocket-chat", { cpuFlags: ["sse2"] }, "cpu"],
    // Docker, which it needs, is not to be had.
    ["etherpad", { hasPool: false }, "packages"],
  ] as const)("exclude %s with %j: %s", (id, lack, reason) => {
    expect(offer(find(id), { ...roomy, ...lack })).toEqual({ places: [], reason });
  });

  test("run on the host without contexts", () => {
    expect(offer(find("syncthing"), { ...roomy, places: ["host"] })).toEqual({ places: ["host"] });
  });

  test("have a place that the box has and the service allows, or a reason, on any box", () => {
    const facts = fc.record({
      architecture: fc.constantFrom("amd64", "arm64", "armhf", "i386", "riscv64"),
      memoryMib: fc.nat(4000),
      cpuFlags: fc.subarray(["avx", "sse2"]),
      places: fc.subarray(["host", "owner", "community"] as const).map((places) => [...places]),
      hasVpn: fc.boolean(),
      isRegistered: fc.boolean(),
      hasPool: fc.boolean(),
      hasInternet: fc.boolean(),
    });
    fc.assert(
      fc.property(facts, fc.constantFrom(...catalogue), (box, service) => {
        const found = offer(service, box);
        if ("reason" in found) expect(OFFER_REASONS).toContain(found.reason);
        else
          for (const place of found.places)
            expect(box.places.includes(place) && service.where.allowed.includes(place)).toBe(true);
      }),
    );
  });
});

test("a service whose file is not UTF-8 is refused, with its encoding", async () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, "radio"));
  writeFileSync(join(directory, "radio/service.yaml"), Buffer.from("id: radio\n# emissió\n", "latin1"));
  expect(await failureOf(() => readService(directory, "radio"))).toMatchObject({
    code: "service-invalid",
    found: expect.stringContaining(
      "service.yaml is not saved as UTF-8. It is Latin-1 (Windows-1252), line 2.",
    ),
  });
});

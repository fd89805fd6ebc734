// SPDX-License-Identifier: GPL-3.0-or-later
// What depends on the owner's answers about one service: questions, ports, what is announced, and a secret for each name.

import { describe, expect, test } from "vitest";
import { catalogue } from "../../../../firstboot/catalogue/catalogue.ts";
import { defaultInputs } from "../../../../firstboot/services/data.ts";
import { activate } from "../../../../firstboot/services/engine.ts";
import { conditionMet, toList } from "../../../../firstboot/services/inputs.ts";
import { overview } from "../../../../firstboot/services/overview.ts";
import { publish } from "../../../../firstboot/services/publish.ts";
import { readSecrets } from "../../../../firstboot/services/secrets.ts";
import { checkStep } from "../../../../firstboot/setup/answers/check.ts";
import { isAsked, questionsOf } from "../../../../firstboot/setup/questions.ts";
import { services } from "../../../../firstboot/steps/services/index.ts";
import type { FakeBox } from "../../helpers/fake-box.ts";
import { IMAGE } from "../../helpers/fake-box.ts";
import { roomyBox } from "../../helpers/services-box.ts";

const find = (id: string) => catalogue.find((service) => service.id === id)!;

function switchOn(box: FakeBox, id: string, inputs = {}): Promise<void> {
  const service = find(id);
  const where = service.where.allowed[0]!;
  return activate({ box, image: IMAGE }, service, {
    where,
    inputs: { ...defaultInputs(service), ...inputs },
  });
}

const tools = (box: FakeBox) => ({
  ...{ box, image: IMAGE, answersOf: () => ({}), signal: new AbortController().signal },
});

test("conditionMet requires all conditions, each with one of its values", () => {
  expect(conditionMet(undefined, {})).toBe(true);
  expect(conditionMet({ zone: true }, { zone: true })).toBe(true);
  expect(conditionMet({ zone: true }, { zone: false })).toBe(false);
  expect(conditionMet({ cluster: ["first", "join"], zone: true }, { cluster: "join", zone: true })).toBe(
    true,
  );
  expect(conditionMet({ cluster: ["first", "join"] }, { cluster: "alone" })).toBe(false);
});

test("toList splits a list into words", () => {
  expect(toList(" anna, pere  anna ")).toEqual(["anna", "pere"]);
  expect(toList(undefined)).toEqual([]);
});

describe("a secret for each name of an input", () => {
  const passwords = async (box: FakeBox) => (await readSecrets(box, find("webdav"))).passwords;

  test("is made once, stays while the name stays, and is removed with it", async () => {
    const box = roomyBox();
    let made = 0;
    box.randomHex = () => `secret${++made}`;
    await switchOn(box, "webdav", { users: "anna pere" });
    expect(await passwords(box)).toEqual({ anna: "secret1", pere: "secret2" });
    await switchOn(box, "webdav", { users: "pere quim" });
    expect(await passwords(box)).toEqual({ pere: "secret2", quim: "secret3" });
  });

  test("is handed over with its name", async () => {
    const box = roomyBox();
    await switchOn(box, "webdav", { users: "anna" });
    const lines = await services.generatedCredentials!(
      { webdav: { enabled: true, users: "anna" } },
      tools(box),
    );
    expect(lines).toEqual([
      { key: "hand-over.services.webdav.passwords", values: { secret: "5a".repeat(10), name: "anna" } },
    ]);
  });
});

describe("the questions of a service", () => {
  const asked = (answers: object) => {
    const given = { more: true, etcd: { enabled: true, ...answers } };
    return questionsOf(services)
      .filter(({ path }) => path.startsWith("etcd."))
      .filter((question) => isAsked(question, given, { defaults: {} }))
      .map(({ path }) => path);
  };

  test("are asked where their conditions are met", () => {
    expect(asked({ cluster: "alone" })).not.toContain("etcd.endpoints");
    expect(asked({ cluster: "join" })).toContain("etcd.endpoints");
  });

  test.each([
    ["etcd", { cluster: "join" }, "services.etcd.endpoints"],
    ["tahoe-lafs", { grid: "join" }, "services.tahoe-lafs.furl"],
  ])("of %s require an answer that is needed", async (id, answers, field) => {
    const box = roomyBox();
    const probe = await services.probe(box, IMAGE, {});
    const problems = await services.check({ [id]: { enabled: true, ...answers } }, probe, new Set());
    expect(problems).toMatchObject([
      { field, code: "service-input-needed", expected: "This is needed for the service to work." },
    ]);
    expect(await services.check({ [id]: { enabled: true } }, probe, new Set())).toEqual([]);
  });
});

describe("the ports and announcements of a service", () => {
  const view = async (box: FakeBox, id: string) =>
    (await overview(box, IMAGE)).find(({ service }) => service.id === id)!;

  test("include monitoring when it is for the zone", async () => {
    const box = roomyBox();
    await switchOn(box, "serf");
    await switchOn(box, "monitoring");
    expect((await publish(box, IMAGE)).silent).toEqual([]);
    expect((await view(box, "monitoring")).announced).toBeUndefined();
    await switchOn(box, "monitoring", { zone: true });
    const { published } = await publish(box, IMAGE);
    expect(published.map(({ s }) => s)).toEqual(["serf", "monitoring"]);
    expect((await view(box, "monitoring")).announced).toEqual({ address: "10.1.2.50", port: "9100" });
  });

  test("open a context's port to the network with its service, and close it again", async () => {
    const box = roomyBox();
    await switchOn(box, "etcd");
    const listen = () => box.system.services.devices.get("owner/cbox-tcp-2379");
    expect(listen()).toBe("tcp:127.0.0.1:2379");
    await switchOn(box, "etcd", { cluster: "first" });
    expect(listen()).toBe("tcp:0.0.0.0:2379");
    await switchOn(box, "etcd");
    expect(listen()).toBe("tcp:127.0.0.1:2379");
  });

  test("announce a new grid by name and full address, and not a joined one", async () => {
    const box = roomyBox();
    await switchOn(box, "serf");
    await switchOn(box, "tahoe-lafs", { name: "Can-Bruixa" });
    const [, grid] = (await publish(box, IMAGE)).published;
    expect(grid).toMatchObject({ s: "tahoe-lafs", d: "Can-Bruixa", p: "3458" });
    expect(grid?.t).toBe(`furl=pb://${"a".repeat(32)}@tcp:10.1.2.50:3458/introducer`);
    await switchOn(box, "tahoe-lafs", { grid: "join", furl: `pb://${"a".repeat(32)}@tcp:10.1.2.9:3458/x` });
    expect((await publish(box, IMAGE)).published.map(({ s }) => s)).toEqual(["serf"]);
    expect(box.system.services.devices.has("owner/cbox-tcp-3458")).toBe(false);
  });
});

describe("invalid input", () => {
  /** What the schema of an input does not allow, of every kind. */
  function badValues({ type, enum: values, pattern, minimum, maximum, maxLength }: Record<string, unknown>) {
    return [
      ...(type === "boolean" ? ["perhaps", 2] : [true, ["x"]]),
      ...(type === "integer" ? ["many", 1.5] : []),
      ...(values ? ["of another kind"] : []),
      ...(typeof minimum === "number" ? [minimum - 1] : []),
      ...(typeof maximum === "number" ? [maximum + 1] : []),
      ...(pattern ? ["a\nb", '"; rm -rf / #'] : []),
      ...(typeof maxLength === "number" ? ["a".repeat(maxLength + 1)] : []),
    ];
  }
  const fields = catalogue.flatMap(({ id, inputs }) =>
    Object.entries(inputs).flatMap(([name, { schema }]) =>
      badValues(schema as Record<string, unknown>).map((bad) => [id, name, bad] as const),
    ),
  );

  test("exists in this test for every input", () => {
    const tried = new Set(fields.map(([id, name]) => `${id}.${name}`));
    const all = catalogue.flatMap(({ id, inputs }) => Object.keys(inputs).map((name) => `${id}.${name}`));
    expect([...tried]).toEqual(all);
  });

  test.each(fields)("to %s.%s, %j, is refused with a message", async (id, name, bad) => {
    const problems = await checkStep(
      services,
      { more: true, [id]: { enabled: true, [name]: bad as string } },
      ...([[], roomyBox(), IMAGE, {}] as const),
    );
    const own = problems.find(({ field }) => field === `services.${id}.${name}`);
    expect(own, "the field is named").toBeDefined();
    expect(own?.expected).toMatch(/^[^^$\\]{3,}$/);
  });
});

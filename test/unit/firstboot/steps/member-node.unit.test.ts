// SPDX-License-Identifier: GPL-3.0-or-later
// The steps "member" and "node" up to the moment they are applied: their checks, what they look up, what they say of
// themselves afterwards, and the conversation at a terminal.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { questionPage } from "../../../../firstboot/console/pages.ts";
import { converse } from "../../../../firstboot/console/wizard.ts";
import { openLog } from "../../../../firstboot/host/log.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { english, languages, translator } from "../../../../firstboot/i18n/translate.ts";
import { checkFile } from "../../../../firstboot/setup/answers/check.ts";
import { readAnswers } from "../../../../firstboot/setup/answers/file.ts";
import { questionsOf } from "../../../../firstboot/setup/questions.ts";
import { SetupRunner } from "../../../../firstboot/setup/runner.ts";
import { Secrets } from "../../../../firstboot/setup/secrets.ts";
import type { Answers, Step } from "../../../../firstboot/setup/step.ts";
import { steps } from "../../../../firstboot/steps/index.ts";
import { member } from "../../../../firstboot/steps/member/index.ts";
import { node } from "../../../../firstboot/steps/node/index.ts";
import {
  defaultDeviceName,
  isDeviceName,
  suggestDeviceName,
} from "../../../../firstboot/steps/node/questions.ts";
import { NODES, UPLINK } from "../../../lab/guifi-site/seed.ts";
import { labMember } from "../../../lab/members.ts";
import { SimulatedCommunity } from "../../helpers/community.ts";
import { ANSWERS_FILE, FakeBox, IMAGE, PASSWORD } from "../../helpers/fake-box.ts";
import { Person } from "../../helpers/person.ts";

const SECRET = labMember("anna").password;
const NOW = { member: { username: "anna" } };

async function codes(step: Step, answers: unknown, all = {}, given: string[] = []): Promise<string[]> {
  const probe = await step.probe(new FakeBox(), IMAGE, all);
  return step.check(answers as Answers, probe, new Set(given)).map(({ field, code }) => `${field} ${code}`);
}

function lookUp(step: Step, path: string, answers: Answers, prepare = (_: SimulatedCommunity) => {}) {
  const box = new FakeBox();
  const community = new SimulatedCommunity(() => box.now());
  prepare(community);
  box.servers = community;
  const tools = { box, image: IMAGE, answersOf: () => ({}), signal: new AbortController().signal };
  return step.lookUp!.run(path, answers, tools);
}

describe("the answers about the member", () => {
  test("need nothing for later, which is the default of a file", async () => {
    expect(await codes(member, { sign_in: "later" })).toEqual([]);
    expect(await codes(member, {})).toEqual([]);
  });

  test("need a name and a password for now", async () => {
    const both = ["member.username sign-in-needs", "member.password sign-in-needs"];
    expect(await codes(member, { sign_in: "now" })).toEqual(both);
    expect(await codes(member, { username: "anna" })).toEqual(["member.password sign-in-needs"]);
    expect(await codes(member, { username: "anna", password: "" })).toEqual([
      "member.password sign-in-needs",
    ]);
    expect(await codes(member, { username: "anna", password: "  " })).toEqual([
      "member.password sign-in-needs",
    ]);
    expect(await codes(member, { username: "anna" }, {}, ["member.password"])).toEqual([]);
  });

  test.each(["", " anna", "anna ", "a\nb", "a\u001bb", "x".repeat(61)])(
    "refuse the user name %j",
    async (username) => {
      expect(await codes(member, { username, password: "x" })).toEqual(["member.username username-syntax"]);
    },
  );

  test.each(["anna", "Pere Mas_i.Pla", "#roca, maria+josep", "núria", "x".repeat(60)])(
    "accept the user name %j",
    async (username) => {
      expect(await codes(member, { username, password: "x" })).toEqual([]);
    },
  );
});

describe("the look-up of the member's password", () => {
  const nuria = labMember("nuria");
  const ask = (username: string, password: string, prepare?: (community: SimulatedCommunity) => void) =>
    lookUp(member, "password", { sign_in: "now", username, password }, prepare);
  const dead = (community: SimulatedCommunity) => {
    community.breakDirectories();
    community.siteAnswers = "server-slow";
  };

  test("accepts the right one", async () => expect(await ask("anna", SECRET)).toEqual({}));

  test("asks again after a wrong one, says what to do, and does not show the password", async () => {
    const { problems = [] } = await ask("anna", "mistyped");
    expect(problems).toMatchObject([{ field: "member.password", code: "sign-in-refused" }]);
    expect(JSON.stringify(problems)).not.toContain("mistyped");
  });

  test("accepts the password of a new member whom only the web site knows", async () => {
    expect(await ask(nuria.name, nuria.password)).toEqual({
      notes: [{ key: "look-up.member.directory-refused", values: {} }],
    });
  });

  test("says that the directory may be a day behind when it refuses and the web site does not answer", async () => {
    const { problems } = await ask(nuria.name, nuria.password, (community) => {
      community.siteAnswers = "server-slow";
    });
    expect(problems).toMatchObject([{ code: "sign-in-unsure" }]);
    expect(english("problem.sign-in-unsure")).toContain("a day behind");
  });

  test("relies on the web site without the directory", async () => {
    expect(await ask("anna", SECRET, (community) => community.breakDirectories())).toEqual({
      notes: [{ key: "look-up.member.directory-silent", values: {} }],
    });
    const { problems } = await ask("anna", "x", (community) => community.breakDirectories());
    expect(problems).toMatchObject([{ code: "sign-in-refused" }]);
  });

  test("continues with a note when no server answers", async () => {
    expect(await ask("anna", SECRET, dead)).toEqual({
      notes: [{ key: "look-up.member.silent", values: {} }],
    });
  });

  test("does nothing without a name or a password", async () => {
    expect(await lookUp(member, "password", { sign_in: "now", username: "anna" }, dead)).toEqual({});
  });
});

describe("the answers about the node", () => {
  const good = { id: 54052, accept_licence: true };

  test("need nothing for later, or without a member", async () => {
    expect(await codes(node, { register: "later" }, NOW)).toEqual([]);
    expect(await codes(node, {}, NOW)).toEqual([]);
    expect(await codes(node, { register: "now" }, { member: { sign_in: "later" } })).toEqual([]);
  });

  test("need the number and the consent for now", async () => {
    expect(await codes(node, { register: "now" }, NOW)).toEqual([
      "node.id register-needs",
      "node.accept_licence licence-needed",
    ]);
    expect(await codes(node, { ...good, accept_licence: false }, NOW)).toEqual([
      "node.accept_licence licence-needed",
    ]);
    expect(await codes(node, good, NOW)).toEqual([]);
  });

  test.each([
    ["id", ["0", "-1", "054", "1.5", "x", "", "1e3", "9".repeat(10), 0, 1.5, -3], "node-id-syntax"],
    ["name", ["two words", "ñandú", "a.b", "<b>", "x".repeat(41), "1", "12-3", "_"], "device-name-syntax"],
    ["address_from", ["", "any", "0", "auto "], "address-from-syntax"],
    ["email", ["anna", "anna@", "@b.cat", "a b@c.cat", "a@b", "a@b.cat,", "a@b.cat;c@d.cat"], "email-syntax"],
    ["notes", ["x".repeat(151), "a\nb"], "notes-long"],
  ] as const)("refuse invalid values for %s", async (path, values, code) => {
    for (const value of values) {
      expect(await codes(node, { ...good, [path]: value }, NOW), String(value)).toEqual([
        `node.${path} ${code}`,
      ]);
    }
  });

  test.each([
    ["id", [1, "54052", " 7 "]],
    ["name", ["", "-", "can-box", "A_1", "7c", "x".repeat(40)]],
    ["address_from", ["auto", "none", "48400"]],
    ["email", ["", "-", "a@b.cat", "a.b+c@d-e.f.cat, x@y.org"]],
    ["notes", ["", "-", "x".repeat(150), "núria's, 2n pis"]],
  ] as const)("accept valid values for %s", async (path, values) => {
    for (const value of values)
      expect(await codes(node, { ...good, [path]: value }, NOW), String(value)).toEqual([]);
  });

  test("suggest a valid device name for an invalid one", async () => {
    expect(suggestDeviceName("  La caixa  d'en Núñez ")).toBe("La-caixa-den-Nunez");
    expect(suggestDeviceName("!?")).toBeUndefined();
    expect(defaultDeviceName("BCNCanBruixa20", 5)).toBe("BCNCanBruixa20-box");
    expect(defaultDeviceName("…", 5)).toBe("node5-box");
    expect(defaultDeviceName("2024", 5)).toBe("node5-box");
    expect(defaultDeviceName("x".repeat(40), 5)).toBe(`${"x".repeat(36)}-box`);
    expect(defaultDeviceName(`Ca l'Anna & "co" <ñ>`, 5)).toBe("Ca-lAnna-co-n-box");
    expect(defaultDeviceName("Łódź-Ørsted", 5)).toBe("Lodz-Orsted-box");
    expect(defaultDeviceName("Œuf straße", 5)).toBe("Oeuf-strasse-box");
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => {
        expect(isDeviceName(defaultDeviceName(text, 7))).toBe(true);
        expect(isDeviceName(suggestDeviceName(text) ?? "x")).toBe(true);
      }),
    );
  });

  test.each([
    ["https://guifi.net", "guifi.net"],
    ["https://www.example.org/", "example.org"],
    ["http://members.example.net/site/", "members.example.net/site"],
  ])("name the community's own web site in the questions about the account: %s", async (website, said) => {
    const image = { ...IMAGE, community: { ...IMAGE.community, website } };
    for (const [step, paths] of [
      [member, ["sign_in", "username", "password"]],
      [node, ["id"]],
    ] as const) {
      const { texts } = await step.probe(new FakeBox(), image, NOW as never);
      for (const path of paths) {
        const question = questionsOf(step).find((each) => each.path === path);
        for (const language of languages) {
          const { title } = questionPage(translator(language), question!, undefined, [], texts?.[path]);
          expect(title).toMatch(new RegExp(`(?<![\\w/])${said}[ ,?]|(?<![\\w/])${said}$`));
        }
      }
    }
  });

  test("are not asked without a member; with one, the question names the licence", async () => {
    const probe = (all: object) => node.probe(new FakeBox(), IMAGE, all as never);
    expect((await probe({ member: { sign_in: "later" } })).hidden).toEqual(
      Object.keys(node.schema.properties!),
    );
    expect(await probe(NOW)).toMatchObject({
      hidden: [],
      texts: { accept_licence: IMAGE.community.licence },
    });
  });
});

describe("the look-up of the node's number", () => {
  test("shows the node's name, and offers what the node has", async () => {
    expect(await lookUp(node, "id", { id: String(NODES.own) })).toEqual({
      confirm: { key: "look-up.node.confirm", values: { id: NODES.own, name: "BCNCanBruixa20" } },
      probe: {
        defaults: { name: "BCNCanBruixa20-box" },
        choices: {
          address_from: [
            { value: "auto" },
            { value: "none" },
            { value: String(UPLINK.device), label: `BCNCanBruixa20Rd1 (${UPLINK.address})` },
          ],
        },
      },
    });
  });

  test("reports that a node does not exist", async () => {
    const { problems } = await lookUp(node, "id", { id: 999999 });
    expect(problems).toMatchObject([{ field: "node.id", code: "node-unknown" }]);
  });

  test.each(["server-slow", () => ({ status: 200, body: Buffer.from("<html>") })] as const)(
    "continues with a note when the site does not answer or answers nonsense",
    async (answers) => {
      const found = await lookUp(node, "id", { id: 5 }, (community) => {
        community.siteAnswers = answers;
      });
      expect(found).toEqual({ notes: [{ key: "look-up.node.silent", values: { id: 5 } }] });
    },
  );
});

test("the checks report a problem instead of failing, for any answers from a file or the console", async () => {
  const box = new FakeBox();
  const key = fc.constantFrom(
    ...[
      "sign_in",
      "username",
      "password",
      "register",
      "id",
      "accept_licence",
      "name",
      "address_from",
      "email",
    ],
    ...["notes", "__proto__", "other"],
  );
  const value = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.anything({ maxDepth: 1 }),
    fc.constantFrom("now", "later"),
  );
  const section = fc.dictionary(key, value, { noNullPrototype: true });
  await fc.assert(
    fc.asyncProperty(section, section, async (first, second) => {
      const { problems } = await checkFile({ version: 1, member: first, node: second }, steps, box, IMAGE);
      for (const each of problems) expect(each.expected).toBeTruthy();
      // Typed answers are texts of any kind.
      const typed = (from: object) =>
        Object.fromEntries(Object.entries(from).filter(([, each]) => typeof each === "string"));
      for (const step of [member, node]) {
        for (const all of [{}, NOW]) {
          const probe = await step.probe(box, IMAGE, all);
          step.check({ ...typed(first), ...typed(second) } as Answers, probe, new Set());
        }
      }
    }),
    { numRuns: 40 },
  );
});

test("a complete file is accepted, and its password removed from the answers", async () => {
  const box = new FakeBox();
  const file = {
    version: 1,
    system: { owner: { name: "anna", password: PASSWORD } },
    member: { username: "anna", password: SECRET },
    node: { id: 54052, accept_licence: true, name: "b", address_from: "48400", email: "a@b.cat", notes: "n" },
  };
  box.files.set(ANSWERS_FILE, stringify(file));
  const found = await readAnswers({ box, image: IMAGE, steps, secrets: new Secrets() });
  expect(found).toMatchObject({
    kind: "valid",
    problems: [],
    providedSecrets: ["system.owner.password", "member.password"],
  });
  expect(JSON.stringify(found)).not.toContain(SECRET);
});

describe("the status and the reset", () => {
  const marker = (box: FakeBox, ...list: string[]) =>
    box.files.set(paths.configured, JSON.stringify({ warnings: list.map((code) => ({ code })) }));

  test("name the command when nothing was done, or when it was skipped", async () => {
    const box = new FakeBox();
    expect(await member.status!(box, IMAGE)).toMatchObject({
      state: "off",
      advice: { key: "status.member.later", values: { command: "cbox member setup" } },
    });
    expect(await node.status!(box, IMAGE)).toMatchObject({
      state: "off",
      advice: { key: "status.node.needs-member", values: { command: "cbox node setup" } },
    });
    box.files.set(paths.guifi, JSON.stringify({ member: { name: "anna" } }));
    expect(await node.status!(box, IMAGE)).toMatchObject({ advice: { key: "status.node.later" } });
    box.files.delete(paths.guifi);
    marker(box, "member-passed", "node-passed");
    expect((await member.status!(box, IMAGE)).state).toBe("trouble");
    expect((await node.status!(box, IMAGE)).state).toBe("trouble");
    marker(box, "member-passed", "node-needs-member");
    expect((await node.status!(box, IMAGE)).state).toBe("trouble");
    marker(box, "member-later", "node-later");
    expect((await node.status!(box, IMAGE)).state).toBe("off");
  });

  test("show what the community knows", async () => {
    const box = new FakeBox();
    const kept = {
      member: { name: "anna", confirmed_by: "directory" },
      node: { id: 54052, name: "BCNCanBruixa20" },
      device: { id: 9, name: "can-box", address: "10.1.2.3" },
    };
    box.files.set(paths.guifi, JSON.stringify(kept));
    expect(await member.status!(box, IMAGE)).toMatchObject({
      state: "works",
      rows: [{ label: "label.member.username", value: "anna" }],
    });
    const found = await node.status!(box, IMAGE);
    expect(found).toMatchObject({ state: "works", data: { node: kept.node, device: kept.device } });
    expect(found.rows.map(({ value }) => value)).toEqual([
      "54052, BCNCanBruixa20",
      "can-box",
      "10.1.2.3",
      "https://guifi.net/guifi/device/9",
    ]);
    expect(found.advice).toBeUndefined();
    box.files.set(paths.guifi, JSON.stringify({ ...kept, device: { id: 9, name: "can-box" } }));
    expect(await node.status!(box, IMAGE)).toMatchObject({ advice: { key: "status.node.no-address" } });
  });

  test("remove all of it from the box", async () => {
    const box = new FakeBox();
    box.files.set(
      paths.guifi,
      JSON.stringify({ member: { name: "anna" }, node: { id: 1 }, device: { id: 2 } }),
    );
    for (const step of [member, node]) await step.reset!(box, IMAGE, { keepData: true, progress: () => {} });
    expect(JSON.parse(box.files.get(paths.guifi) ?? "")).toEqual({});
  });
});

test("the console reports mistakes at their question, and shows the node's name", async () => {
  const box = new FakeBox();
  const community = new SimulatedCommunity(() => box.now());
  box.servers = community;
  const own = steps.filter(({ id }) => ["network", "member", "node"].includes(id));
  const runner = await SetupRunner.open({
    box,
    image: { ...IMAGE, community: { ...IMAGE.community, default_language: "en" } },
    steps: own,
    log: openLog(box),
  });
  runner.start();
  const person = new Person();
  const corrects = async (tag: string, words: string, reply: string) => {
    await person.sees(`[${tag}]`);
    await person.sees(words);
    await person.sees("> ");
    person.type(`${reply}\r`);
  };
  const done = converse({ runner, terminal: person.terminal, signal: new AbortController().signal });
  await person.answers("network/method", "1");
  await person.answers("member/sign_in", "1");
  await person.answers("member/username", "anna");
  await person.answers("member/password", "mistyped");
  await corrects("member/password", "The community does not know", SECRET);
  await person.answers("node/register", "1");
  await person.answers("node/id", "999999");
  await corrects("node/id", "There is no node with this number", String(NODES.foreign));
  await corrects("node/id.confirm", `Node ${NODES.foreign}, BCNRiera5: is this yours?`, "2");
  await person.answers("node/id", String(NODES.own));
  await person.answers("node/id.confirm", "1");
  await person.sees("[node/accept_licence]");
  await person.sees("https://guifi.net/ComunsXOLN");
  person.type("2\r");
  await corrects("node/accept_licence", "Without consent", "1");
  await person.answers("node/name");
  await person.sees(`BCNCanBruixa20Rd1 (${UPLINK.address})`);
  person.type("\r");
  await person.answers("node/email");
  await person.answers("node/notes", "In the library");
  await person.sees("[review]");
  person.type("\r");
  await person.sees("Address in the community: 10.139.40.226");
  await done;
  expect(community.boxes).toMatchObject([
    {
      title: "BCNCanBruixa20-box",
      comment: "In the library [52:54:00:12:34:56]",
      notification: "anna@example.net",
    },
  ]);
  expect(person.screen).not.toContain(SECRET);
  expect(person.screen).not.toContain("mistyped");
  expect(box.everWritten.filter((text) => text.includes(SECRET))).toEqual([]);
});

// SPDX-License-Identifier: GPL-3.0-or-later
// One step of a box that is set up, once more: by keys and by file, with secrets that are kept and that are not, left,
// interrupted, cut off, and what stays afterwards.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { fail } from "../../../../common/fail.ts";
import { readStatus } from "../../../../firstboot/commands/status.ts";
import { type StepSetupWay, setUpStep } from "../../../../firstboot/commands/step-setup.ts";
import { openLog } from "../../../../firstboot/host/log.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { answersFileHash } from "../../../../firstboot/setup/answers/file.ts";
import { readMarker } from "../../../../firstboot/setup/marker.ts";
import { SetupRunner } from "../../../../firstboot/setup/runner.ts";
import type { Answers, Step } from "../../../../firstboot/setup/step.ts";
import { system } from "../../../../firstboot/steps/system/index.ts";
import { failureOf } from "../../../failure-of.ts";
import { ANSWERS_FILE, FakeBox, IMAGE, PASSWORD } from "../../helpers/fake-box.ts";
import { type Person, personAtPort } from "../../helpers/person.ts";

const MEMBER_SECRET = "tres tristos tigres";
const OTHER = "quatre gats i un gos";

/** What the steps were applied with. */
let applied: Record<string, Answers>[];
/** `node` works only when this is true. */
let nodeWorks: boolean;

const member: Step = {
  id: "member",
  schema: {
    type: "object",
    properties: { name: { type: "string" }, password: { type: "string", "x-secret": true } },
  },
  skippable: true,
  probe: async () => ({ defaults: { name: "anna" } }),
  lookUp: {
    paths: ["password"],
    run: async (_path, { password }) =>
      password === "wrong"
        ? { problems: [{ code: "invalid", field: "member.password", found: "", expected: "" }] }
        : {},
  },
  check: () => [],
  apply: async (answers) => void applied.push({ member: answers }),
  verify: async () => [],
};

const node: Step = {
  id: "node",
  schema: { type: "object", properties: { device: { type: "string" } }, required: ["device"] },
  skippable: true,
  secretsFrom: ["member"],
  probe: async (_box, _image, all) => ({ defaults: { device: `${all.system?.hostname ?? "x"}-box` } }),
  check: () => [],
  apply: async (answers, { answersOf, box }) => {
    applied.push({ node: answers, member: answersOf("member") });
    await box.writeFile("/etc/node", String(answers.device));
    if (!nodeWorks) fail({ code: "server-slow", what: "The server is slow.", hint: "Try again later." });
  },
  verify: async () => [{ code: "serf-no-peers" }],
  status: async () => ({ state: nodeWorks ? "works" : "trouble", rows: [], data: { device: "d" } }),
  generatedCredentials: async (answers) => [
    { key: "done.step", values: { step: `made for ${String(answers.device)}` } },
  ],
};

const steps = [system, member, node];
/** The community speaks another language than the box: its own has to be used. */
const image = { ...IMAGE, community: { ...IMAGE.community, default_language: "ca" as const } };
let box: FakeBox;

beforeEach(async () => {
  applied = [];
  nodeWorks = false;
  box = new FakeBox();
  box.files.set(
    ANSWERS_FILE,
    `version: 1
system: { language: en, hostname: can-bruixa, owner: { name: anna, password: "${PASSWORD}" } }
member: { name: anna, password: "${MEMBER_SECRET}" }
node: { device: first-box }
`,
  );
  const runner = await SetupRunner.open({ box, image, steps, log: openLog(box) });
  runner.start();
  await runner.reached("done");
  runner.stop();
  box.files.delete(paths.state);
  expect((await readMarker(box))?.warnings).toEqual([
    { code: "node-passed", step: "node", values: { reason: "server-slow" } },
  ]);
  applied = [];
});

let unplug: () => void = () => {};
afterEach(() => unplug());

function sit(step: Step): { person: Person; ended: Promise<unknown> } {
  const { person, port, hangUp } = personAtPort();
  unplug = hangUp;
  const ended = run(step, { port }).catch((error: unknown) => error);
  return { person, ended };
}

function run(step: Step, way: StepSetupWay) {
  return setUpStep({ box, image, steps, log: openLog(box) }, step, way);
}

const lines: string[] = [];
const byFile = (step: Step, file: string) => run(step, { file, print: (line) => void lines.push(line) });
const kept = () => parse(box.files.get(paths.answersKept) ?? "") as Record<string, Answers>;
const secrets = () =>
  box.everWritten.filter((text) => [PASSWORD, MEMBER_SECRET, OTHER].some((each) => text.includes(each)));

describe("one step at a terminal", () => {
  test("asks for the borrowed secret, offers the earlier answers, and clears the warning", async () => {
    nodeWorks = true;
    const { person, ended } = sit(node);
    await person.sees("a secret that the box does not keep");
    await person.answers("member/password", "wrong");
    await person.answers("member/password", MEMBER_SECRET);
    await person.sees("[node/device]");
    await person.sees("(first-box) > ");
    person.type("second-box\r");
    await person.answers("review", "1");
    await person.sees("[done] node is set up");
    await person.sees("made for second-box");
    person.type("\r");
    expect(await ended).toBe("done");
    expect(applied).toEqual([
      { node: { device: "second-box" }, member: { name: "anna", password: MEMBER_SECRET } },
    ]);
    expect(kept().node).toEqual({ device: "second-box" });
    expect(kept().system).toMatchObject({ hostname: "can-bruixa" });
    const marker = await readMarker(box);
    expect(marker?.warnings).toEqual([{ code: "serf-no-peers", step: "node" }]);
    expect(marker?.providedSecrets).toEqual(["system.owner.password", "member.password"]);
    // So that a reset still knows the file.
    expect(marker?.answers_file).toBe(await answersFileHash(box, image));
    expect(box.files.has(paths.setupState("node"))).toBe(false);
    expect(secrets()).toEqual([]);
    // Shown once, and only there.
    expect(box.everWritten.join()).not.toContain("made for");
  });

  test("reads the marker of the previous release with the former name of its field", async () => {
    const given = ["system.owner.password", "member.password"];
    const { provided_secrets, ...former } = JSON.parse(box.files.get(paths.configured) ?? "");
    expect(provided_secrets).toEqual(given);
    box.files.set(paths.configured, JSON.stringify({ ...former, given }));
    expect((await readMarker(box))?.providedSecrets).toEqual(given);
  });

  test("keeps one of the box's own secrets with Enter, and asks for one of a server again", async () => {
    const { person, ended } = sit(system);
    await person.answers("system/language");
    await person.answers("system/timezone");
    await person.answers("system/hostname", "can-sol");
    await person.sees("[system/owner.password]");
    await person.sees("Enter keeps the one you gave before");
    await person.sees("> ");
    person.type("\r");
    await person.answers("system/owner.ssh_keys");
    await person.answers("review", "1");
    await person.sees("[done] system is set up");
    person.type("\r");
    expect(await ended).toBe("done");
    expect(box.files.get("/etc/hostname")).toBe("can-sol\n");
    expect(person.screen).not.toContain("[system/owner.name]");
    expect(box.system.accounts.get("anna")?.shadow).toMatch(/^\$y\$/);
    expect((await readMarker(box))?.providedSecrets).toContain("system.owner.password");

    const again = sit(member);
    await again.person.answers("member/name");
    await again.person.sees("[member/password]");
    await again.person.sees("> ");
    expect(again.person.screen).not.toContain("Enter keeps");
  });

  test('is left by "b" at the first question, and nothing is changed', async () => {
    const before = new Map(box.files);
    const { person, ended } = sit(member);
    await person.answers("member/name", "b");
    await person.answers("leave", "2");
    await person.answers("member/name", "b");
    await person.answers("leave", "1");
    expect(await ended).toBe("left");
    expect(person.screen).toContain("Cancelled. Nothing was changed.");
    box.files.delete(paths.log);
    before.delete(paths.log);
    expect(box.files).toEqual(before);
  });

  test("is left by Ctrl-C at any moment, and continues there after a failure", async () => {
    const { person, ended } = sit(node);
    await person.answers("member/password", MEMBER_SECRET);
    await person.answers("node/device", "third-box");
    await person.answers("review", "1");
    await person.sees("[error] node server-slow");
    person.type("\x03");
    expect(await ended).toBe("interrupted");
    expect(person.screen).toContain('"sudo cbox node setup" goes on');
    expect((await readStatus(box, image, steps)).unfinished).toEqual(["node"]);
    nodeWorks = true;
    const again = sit(node);
    await again.person.answers("error", "1");
    await again.person.answers("member/password", MEMBER_SECRET);
    await again.person.sees("[done] node is set up");
    again.person.type("\r");
    expect(await again.ended).toBe("done");
    expect(kept().node).toEqual({ device: "third-box" });
    expect((await readStatus(box, image, steps)).unfinished).toEqual([]);
  });

  test("keeps the answers when it is skipped, and the status still reports what is missing", async () => {
    const { person, ended } = sit(node);
    await person.answers("member/password", MEMBER_SECRET);
    await person.answers("node/device", "third-box");
    await person.answers("review", "1");
    await person.answers("error", "3");
    await person.sees("[done] node passed over");
    person.type("\r");
    expect(await ended).toBe("passed");
    expect(kept().node).toEqual({ device: "third-box" });
    expect((await readStatus(box, image, steps)).warnings.map(({ code }) => code)).toEqual(["node-passed"]);
    nodeWorks = true;
    expect((await readStatus(box, image, steps)).warnings).toEqual([]);
  });
});

describe("one step by file", () => {
  test("needs only its own section, and stores none of its secrets", async () => {
    expect(await byFile(member, `name: berta\npassword: "${OTHER}"\n`)).toBe("done");
    expect(applied).toEqual([{ member: { name: "berta", password: OTHER } }]);
    expect(kept().member).toEqual({ name: "berta" });
    expect(secrets()).toEqual([]);
  });

  test("takes borrowed secrets from an answers file with sections", async () => {
    nodeWorks = true;
    const file = `version: 1\nmember: { name: someone, password: "${MEMBER_SECRET}" }\nnode: { device: fourth-box }\n`;
    expect(await byFile(node, file)).toBe("done");
    // Of the other sections nothing but the secrets is taken.
    expect(applied).toEqual([
      { node: { device: "fourth-box" }, member: { name: "anna", password: MEMBER_SECRET } },
    ]);
    expect(lines.join("\n")).toContain("made for fourth-box");
    expect(kept().member).toEqual({ name: "anna" });
  });

  test("names the borrowed secret that is missing", async () => {
    expect(await failureOf(() => byFile(node, "device: fifth-box\n"))).toMatchObject({
      code: "secret-missing",
      found: "member.password",
    });
    expect(applied).toEqual([]);
    expect(box.files.has(paths.setupState("node"))).toBe(false);
  });

  test("names mistakes and changes nothing", async () => {
    const error = await failureOf(() =>
      byFile(system, "hostname: Can Bruixa\nowner: { name: berta }\nx: 1\n"),
    );
    expect(error).toMatchObject({ code: "answers-refused" });
    // In the language of the box.
    expect(error.found).toMatch(/system\.hostname: Un nom només té.*system\.owner\.name: .*anna/s);
    expect(error.found).toContain("system.x: No hi ha cap camp amb aquest nom.");
    expect(box.files.get("/etc/hostname")).toBe("can-bruixa\n");
  });

  test("names the line of a file that is not YAML, without its text", async () => {
    const error = await failureOf(() => byFile(member, `name: a\npassword: "${OTHER}\n`));
    expect(error).toMatchObject({ code: "answers-not-yaml" });
    expect(JSON.stringify(error)).not.toContain(OTHER);
  });

  test("skips what cannot be applied, and reports it", async () => {
    const file = `version: 1\nmember: { password: "${MEMBER_SECRET}" }\nnode: { device: fourth-box }\n`;
    expect(await byFile(node, file)).toBe("passed");
    expect(lines.join("\n")).toContain("The box is not on the map yet");
  });

  test("keeps the warnings about other steps that were skipped before", async () => {
    await byFile(member, `name: berta\npassword: "${OTHER}"\n`);
    expect((await readMarker(box))?.warnings.map(({ code }) => code)).toEqual(["node-passed"]);
  });
});

test("a snapshot still being written does not reappear after the step is left", async () => {
  const write = box.writeFile.bind(box);
  box.writeFile = async (path, content) => {
    if (path === paths.setupState("system")) await new Promise((resolve) => setTimeout(resolve, 30));
    await write(path, content);
  };
  await failureOf(() => byFile(system, "hostnmae: a\n"));
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(box.files.has(paths.setupState("system"))).toBe(false);
});

test("a box that is not set up refuses a single step: not-configured", async () => {
  box.files.delete(paths.configured);
  expect(await failureOf(() => byFile(member, "name: a\n"))).toMatchObject({ code: "not-configured" });
});

test("a power cut after each single effect changes nothing in the result of the next attempt", async () => {
  nodeWorks = true;
  const file = `version: 1\nmember: { password: "${MEMBER_SECRET}" }\nnode: { device: fourth-box }\n`;
  const start = new Map(box.files);
  const picture = () =>
    Object.fromEntries(
      [...box.files].filter(([path]) => ![paths.log, paths.published].includes(path as never)),
    );
  const before = box.effects.length;
  await byFile(node, file);
  const whole = picture();
  const count = box.effects.length - before;
  expect(count).toBeGreaterThan(6);
  for (let cut = 0; cut < count; cut++) {
    box.files.clear();
    for (const [path, content] of start) box.files.set(path, content);
    box.cutAfter(cut);
    await byFile(node, file).catch(() => {});
    if (!box.isOff) await new Promise((resolve) => setTimeout(resolve, 5));
    box.powerOn();
    expect(await byFile(node, file), `after cut ${cut}`).toBe("done");
    expect(picture(), `after cut ${cut}`).toEqual(whole);
  }
});

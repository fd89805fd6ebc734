// SPDX-License-Identifier: GPL-3.0-or-later
// The set-up with a community around it: signed in, registered and addressed, whatever is cut off or broken meanwhile.
// What counts is what the site knows afterwards.

import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { openLog } from "../../../../firstboot/host/log.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { SetupRunner } from "../../../../firstboot/setup/runner.ts";
import { steps } from "../../../../firstboot/steps/index.ts";
import { NODES, UPLINK } from "../../../lab/guifi-site/seed.ts";
import { labMember } from "../../../lab/members.ts";
import { SimulatedCommunity } from "../../helpers/community.ts";
import {
  ANSWERS_FILE,
  FakeBox,
  IMAGE,
  PASSWORD,
  REPORT_FILE,
  VALID_ANSWERS,
} from "../../helpers/fake-box.ts";

const MAC = "52:54:00:12:34:56";
const { password: SECRET } = labMember("anna");

const ANSWERS = `${VALID_ANSWERS}member:
  username: anna
  password: "${SECRET}"
node:
  id: ${NODES.own}
  accept_licence: true
  notes: In the library
`;

function world(answers: string): { box: FakeBox; community: SimulatedCommunity } {
  const box = new FakeBox();
  box.files.set(ANSWERS_FILE, answers);
  const community = new SimulatedCommunity(() => box.now());
  box.servers = community;
  return { box, community };
}

async function run(box: FakeBox): Promise<SetupRunner> {
  const runner = await SetupRunner.open({ box, image: IMAGE, steps, log: openLog(box) });
  runner.start();
  for (let quiet = 0; quiet < 3000 && runner.state !== "done" && !box.isOff; quiet++) {
    const before = `${runner.state} ${box.effects.length}`;
    await new Promise((resolve) => setImmediate(resolve));
    if (before !== `${runner.state} ${box.effects.length}`) quiet = 0;
    else await new Promise((resolve) => setTimeout(resolve, 1));
    if (/^(failed|secret)_/.test(runner.state)) break;
  }
  return runner;
}

const warnings = (runner: SetupRunner) => runner.context.warnings.map(({ code }) => code);
const registration = (box: FakeBox) => JSON.parse(box.files.get(paths.guifi) ?? "{}");
const leaks = (box: FakeBox) =>
  box.everWritten.filter((text) => text.includes(SECRET) || text.includes(encodeURIComponent(SECRET)));

describe("a box with a member and a node", () => {
  test("becomes one device with an address, recorded on the box and at the web site", async () => {
    const { box, community } = world(ANSWERS);
    const runner = await run(box);
    expect(runner.state).toBe("done");
    expect(community.boxes).toMatchObject([
      {
        title: "BCNCanBruixa20-box",
        status: "Testing",
        mac: MAC,
        notification: "anna@example.net",
        comment: `In the library [${MAC}]`,
        interfaces: [{ type: "Lan", ipv4: UPLINK.next, mask: "255.255.255.224" }],
      },
    ]);
    expect(registration(box)).toEqual({
      member: { name: "anna", confirmed_by: "directory" },
      licence: { ...IMAGE.community.licence, member: "anna", accepted: "2026-01-01" },
      node: { id: NODES.own, name: "BCNCanBruixa20" },
      device: {
        id: community.boxes[0]!.id,
        name: "BCNCanBruixa20-box",
        mac: MAC,
        address: UPLINK.next,
        mask: "255.255.255.224",
      },
    });
    // The network gave the box another address than the community did.
    expect(warnings(runner)).toEqual(["node-address-differs"]);
    expect(parse(box.files.get(REPORT_FILE) ?? "")).toMatchObject({ result: "applied" });
    expect(leaks(box)).toEqual([]);
    expect(box.effects.filter((effect) => /^(GET|POST) .*\?/.test(effect))).toEqual([]);
  });

  test("makes one device and one address and writes no secret, despite a power cut at each effect", async () => {
    const calm = world(ANSWERS);
    await run(calm.box);
    const whole = calm.box.files.get(paths.guifi);
    const start = calm.box.effects.findIndex((effect) => effect.startsWith("bind "));
    // The steps around these have cuts of their own (firstboot-setup).
    const asked = calm.box.effects.flatMap((effect, index) => (effect.startsWith("GET ") ? [index] : []));
    const end = Math.max(...asked) + 2;
    expect(end).toBeGreaterThan(start + 15);
    for (let cut = start; cut <= end; cut++) {
      const { box, community } = world(ANSWERS);
      box.cutAfter(cut);
      const first = await run(box);
      expect(box.isOff, `cut ${cut} happened`).toBe(true);
      first.stop();
      box.powerOn();
      const at = `after cut ${cut}, before ${calm.box.effects[cut]}`;
      if (!box.files.has(paths.configured)) expect((await run(box)).state, at).toBe("done");
      expect(box.files.get(paths.guifi), at).toBe(whole);
      expect(community.boxes.length, at).toBe(1);
      expect(community.boxes[0]!.interfaces.length, at).toBe(1);
      expect(leaks(box), at).toEqual([]);
    }
  }, 600_000);

  test("makes nothing twice after a power cut between the site's change and the box's record of it", async () => {
    for (const command of [
      "guifi.device.add",
      "guifi.cloudy.addlink",
      "guifi.cnml.clear",
      "guifi.auth.login",
    ]) {
      const { box, community } = world(ANSWERS);
      const request = community.request;
      let isCut = false;
      box.servers = {
        ldapBind: community.ldapBind,
        request: async (wanted) => {
          const answer = await request(wanted);
          if (isCut || !wanted.url.includes(command)) return answer;
          isCut = true;
          box.cutAfter(0);
          return answer;
        },
      };
      const first = await run(box);
      expect([command, isCut, box.isOff]).toEqual([command, true, true]);
      first.stop();
      box.powerOn();
      expect((await run(box)).state).toBe("done");
      expect(community.boxes.map(({ interfaces }) => interfaces.length)).toEqual([1]);
      expect(registration(box).device).toMatchObject({ id: community.boxes[0]!.id, address: UPLINK.next });
    }
  });

  test("finds its device again when it is set up again without its records", async () => {
    const first = world(ANSWERS);
    await run(first.box);
    const again = new FakeBox();
    again.files.set(ANSWERS_FILE, ANSWERS);
    again.servers = first.community;
    await run(again);
    expect(first.community.boxes).toHaveLength(1);
    expect(again.files.get(paths.guifi)).toBe(first.box.files.get(paths.guifi));
  });
});

describe("a set-up at the console", () => {
  test("asks for the member's password again after a power cut, and for nothing else", async () => {
    const { box, community } = world(ANSWERS);
    box.files.delete(ANSWERS_FILE);
    const runner = await SetupRunner.open({ box, image: IMAGE, steps, log: openLog(box) });
    runner.start();
    while (runner.state === "reading") await new Promise((resolve) => setImmediate(resolve));
    runner.send({ type: "BEGIN" });
    const typed: Record<string, Record<string, unknown>> = {
      system: { language: "en", timezone: "UTC", hostname: "b", owner: { name: "anna", password: PASSWORD } },
      network: { method: "dhcp" },
      member: { sign_in: "now", username: "anna", password: SECRET },
      node: {
        register: "now",
        id: String(NODES.own),
        accept_licence: true,
        name: "can-box",
        email: "",
        notes: "-",
      },
    };
    for (const step of steps) {
      runner.answer("ANSWER", step, (typed[step.id] ?? {}) as never, await runner.probe(step));
      await runner.left(`${step.id}_check`);
    }
    expect(runner.state).toBe("review");
    const request = community.request;
    box.servers = {
      ...box.servers,
      ldapBind: community.ldapBind,
      request: async (wanted) => {
        const answer = await request(wanted);
        if (wanted.url.includes("guifi.device.add")) box.cutAfter(0);
        return answer;
      },
    };
    runner.send({ type: "CONFIRM" });
    while (!box.isOff) await new Promise((resolve) => setImmediate(resolve));
    runner.stop();
    box.powerOn();
    box.servers = community;
    const resumed = await run(box);
    expect(resumed.state).toBe("secret_node");
    const node = steps.find(({ id }) => id === "node")!;
    const missing = resumed.missingSecrets(node);
    expect(missing.map(({ step, question }) => `${step.id}.${question.path}`)).toEqual(["member.password"]);
    resumed.remember(missing[0]!.step, "password", SECRET);
    resumed.send({ type: "SECRETS" });
    await resumed.reached("done");
    expect(community.boxes).toMatchObject([{ title: "can-box", interfaces: [{ ipv4: UPLINK.next }] }]);
    expect(leaks(box)).toEqual([]);
  });
});

describe("a set-up in which something fails", () => {
  const reportOf = (box: FakeBox) => {
    const { result, steps: results } = parse(box.files.get(REPORT_FILE) ?? "") as {
      result: string;
      steps: { id: string; result: string; detail?: string }[];
    };
    const of = (id: string) => {
      const { result: own, detail = "" } = results.find((each) => each.id === id) ?? { result: "" };
      return `${own} ${detail}`.trim();
    };
    return { result, member: of("member"), node: of("node") };
  };

  test("completes without any server, and reports what is missing", async () => {
    const { box, community } = world(ANSWERS);
    community.breakDirectories();
    community.siteAnswers = "server-unreachable";
    const runner = await run(box);
    expect(runner.state).toBe("done");
    expect(reportOf(box)).toEqual({
      result: "partial",
      member: "passed-over member-unasked",
      node: "applied",
    });
    expect(warnings(runner)).toEqual(["member-passed", "node-needs-member"]);
  });

  test("accepts the member by the web site when only the directory is down", async () => {
    const { box, community } = world(ANSWERS);
    community.breakDirectories();
    const runner = await run(box);
    expect(warnings(runner)).toEqual(["member-by-web-site", "node-address-differs"]);
    expect(community.boxes).toHaveLength(1);
  });

  test("confirms the member and skips the node when only the web site is down", async () => {
    const { box, community } = world(ANSWERS);
    community.siteAnswers = "server-slow";
    const runner = await run(box);
    expect(reportOf(box)).toMatchObject({ member: "applied", node: "passed-over server-slow" });
    expect(warnings(runner)).toEqual(["node-passed"]);
  });

  test("accepts a member who is new today: the directory refuses, the web site confirms", async () => {
    const { password } = labMember("nuria");
    const { box, community } = world(
      ANSWERS.replace("anna\n  password", "nuria\n  password").replace(SECRET, password),
    );
    const runner = await run(box);
    expect(warnings(runner).slice(0, 1)).toEqual(["member-by-web-site"]);
    // Anybody may add a device; getting it an address takes rights on the one that gives it.
    expect(community.boxes).toMatchObject([{ notification: "nuria@example.net", interfaces: [] }]);
    expect(warnings(runner)).toContain("node-no-address");
  });

  test("skips the node of a member whom only the web site refuses", async () => {
    const { password } = labMember("oriol");
    const { box } = world(ANSWERS.replace("anna\n  password", "oriol\n  password").replace(SECRET, password));
    await run(box);
    expect(reportOf(box)).toMatchObject({ member: "applied", node: "passed-over api-login-disagrees" });
  });

  test("signs nobody in and registers nothing with a wrong password", async () => {
    const { box, community } = world(ANSWERS.replace(SECRET, "mistyped"));
    await run(box);
    expect(reportOf(box)).toMatchObject({ member: "passed-over member-refused" });
    expect(community.boxes).toEqual([]);
    expect(box.files.has(paths.guifi)).toBe(false);
  });

  test("refuses an answers file that does not accept the licence", async () => {
    const { box, community } = world(ANSWERS.replace("accept_licence: true", "accept_licence: false"));
    const runner = await run(box);
    expect(runner.context.problems.map(({ field, code }) => `${field} ${code}`)).toEqual([
      "node.accept_licence licence-needed",
    ]);
    expect(community.requests).toEqual([]);
  });
});

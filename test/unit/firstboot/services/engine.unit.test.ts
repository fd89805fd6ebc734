// SPDX-License-Identifier: GPL-3.0-or-later
// The engine on a box in memory: every service in every place it may run, on, off, on again, moved, its data removed;
// and the whole step, with the power cut after each single effect.

import { beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import type { PublishedService } from "../../../../common/serf-payload.ts";
import type { PlaceId, Service } from "../../../../common/service.ts";
import { catalogue } from "../../../../firstboot/catalogue/catalogue.ts";
import { warningText } from "../../../../firstboot/console/pages.ts";
import { type Box, runOrFail } from "../../../../firstboot/host/box.ts";
import { openLog } from "../../../../firstboot/host/log.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { translator } from "../../../../firstboot/i18n/translate.ts";
import { avahiFiles } from "../../../../firstboot/services/announce.ts";
import { defaultInputs } from "../../../../firstboot/services/data.ts";
import { activate, deactivate, removeData } from "../../../../firstboot/services/engine.ts";
import { faultsOf, waitUntilHealthy } from "../../../../firstboot/services/health.ts";
import { overview } from "../../../../firstboot/services/overview.ts";
import { placeOf } from "../../../../firstboot/services/place.ts";
import { publish } from "../../../../firstboot/services/publish.ts";
import { SetupRunner } from "../../../../firstboot/setup/runner.ts";
import type { Answers, Step } from "../../../../firstboot/setup/step.ts";
import { steps } from "../../../../firstboot/steps/index.ts";
import { servicesStatus } from "../../../../firstboot/steps/services/status.ts";
import { passwordProblem } from "../../../../firstboot/steps/system/password.ts";
import { failureOf } from "../../../failure-of.ts";
import { ANSWERS_FILE, type FakeBox, IMAGE, PASSWORD, PowerCut } from "../../helpers/fake-box.ts";
import { roomyBox, stateOf } from "../../helpers/services-box.ts";

const find = (id: string) => catalogue.find((service) => service.id === id)!;
const SECRET = "5a".repeat(10);

async function switchOn(box: FakeBox, service: Service, where?: PlaceId) {
  const place = where ?? service.where.allowed[0]!;
  await activate({ box, image: IMAGE }, service, { where: place, inputs: defaultInputs(service) });
}

const everywhere = catalogue.flatMap((service) =>
  service.where.allowed.map((where) => [service.id, where, service] as const),
);

describe.each(everywhere)("%s on %s", (id, where, service) => {
  test("is enabled and works, and enabling it again changes nothing", async () => {
    const box = roomyBox();
    await switchOn(box, service, where);
    const state = await stateOf(box, id);
    expect(state).toMatchObject({ state: "on", where });
    expect(await faultsOf({ box, image: IMAGE }, service, state!)).toEqual([]);
    const files = new Map(box.files);
    await switchOn(box, service, where);
    expect(box.files).toEqual(files);
  });

  test("is disabled and leaves nothing running; its data is removed only on request", async () => {
    const box = roomyBox();
    await switchOn(box, service, where);
    await deactivate({ box, image: IMAGE }, service);
    expect((await stateOf(box, id))?.state).toBe("off");
    expect(box.system.services.devices.size).toBe(0);
    if (service.managed && where === "host")
      for (const unit of service.units) expect(box.system.running.has(unit), unit).toBe(false);
    for (const path of service.data) box.files.set(`/witness${path}`, "");
    const removed = await removeData({ box, image: IMAGE }, service);
    expect(removed).toEqual(service.data.map((path) => `${where}: ${path}`));
    expect(box.files.has(`${paths.serviceSecrets}/${id}.json`)).toBe(false);
  });
});

describe("services marked in the set-up", () => {
  const all = Object.fromEntries(catalogue.map(({ id }) => [id, { enabled: true }]));
  const ask = (box: FakeBox, answers: Answers) =>
    steps
      .find(({ id }) => id === "services")!
      .lookUp!.run("which", answers, {
        ...{ box, image: IMAGE, answersOf: () => ({}), signal: new AbortController().signal },
      });

  test("lead to a question with both numbers when the box lacks the memory for them", async () => {
    const box = roomyBox();
    box.files.set("/proc/meminfo", "MemTotal:        524288 kB\n");
    const memory = catalogue.reduce((sum, { needs }) => sum + (needs.memory_mib ?? 0), 0);
    expect(await ask(box, all)).toEqual({
      confirm: { key: "look-up.services.memory", values: { memory, room: 256 } },
    });
  });

  test("are accepted when they fit", async () => {
    expect(await ask(roomyBox(), { snmp: { enabled: true } })).toEqual({});
  });
});

describe("the secrets of a service", () => {
  test("are made once, stored in one file, and in no command line", async () => {
    const box = roomyBox();
    await switchOn(box, find("syncthing"), "owner");
    const holding = [...box.files].filter(([, text]) => text.includes(SECRET)).map(([path]) => path);
    expect(holding).toEqual([`${paths.serviceSecrets}/syncthing.json`]);
    expect(box.system.commands.filter((line) => line.includes(SECRET))).toEqual([]);
    await deactivate({ box, image: IMAGE }, find("syncthing"));
    box.randomHex = () => "other";
    await switchOn(box, find("syncthing"), "owner");
    expect(box.files.get(`${paths.serviceSecrets}/syncthing.json`)).toContain(SECRET);
  });
});

describe("an obstacle to a service", () => {
  test("is named when another program uses its port, and nothing is started", async () => {
    const box = roomyBox();
    box.system.running.add("squid.service");
    const failure = await failureOf(() => switchOn(box, find("guifi-proxy"), "community"));
    expect(failure).toMatchObject({ code: "service-port-taken", found: "tcp/3128" });
    expect(await stateOf(box, "guifi-proxy")).toBeUndefined();
  });

  test("of packages that cannot be installed leaves it unfinished, and the next attempt finishes it", async () => {
    const box = roomyBox();
    box.system.services.brokenPackages.add("snmpd");
    const failure = await failureOf(() => switchOn(box, find("snmp")));
    expect(failure).toMatchObject({ code: "service-packages", found: "exit code 100" });
    expect((await stateOf(box, "snmp"))?.state).toBe("starting");
    box.system.services.brokenPackages.clear();
    await switchOn(box, find("snmp"));
    expect((await stateOf(box, "snmp"))?.state).toBe("on");
  });

  test("keeps the data of an enabled service from being removed", async () => {
    const box = roomyBox();
    await switchOn(box, find("syncthing"), "owner");
    expect((await failureOf(() => removeData({ box, image: IMAGE }, find("syncthing")))).code).toBe(
      "service-running",
    );
  });

  test("does not include slowness: a late service is awaited, even where each check takes longer than the limit", async () => {
    const box = roomyBox();
    box.slowness = 90_000;
    box.system.services.deafUnits.add("snmpd.service");
    await switchOn(box, find("snmp"));
    let looks = 0;
    const sleep = box.sleep.bind(box);
    box.sleep = async (...args) => {
      looks += 1;
      if (looks === 5) box.system.services.deafUnits.clear();
      return sleep(...args);
    };
    const state = (await stateOf(box, "snmp"))!;
    expect(await waitUntilHealthy({ box, image: IMAGE }, find("snmp"), state)).toEqual([]);
    box.system.services.deafUnits.add("snmpd.service");
    looks = 5;
    expect(await waitUntilHealthy({ box, image: IMAGE }, find("snmp"), state)).toEqual(["port udp/161"]);
    expect(looks).toBe(5 + 30);
  });

  test("is named by the port on which the service does not listen", async () => {
    const box = roomyBox();
    box.system.services.deafUnits.add("snmpd.service");
    await switchOn(box, find("snmp"));
    const state = (await stateOf(box, "snmp"))!;
    expect(await faultsOf({ box, image: IMAGE }, find("snmp"), state)).toEqual(["port udp/161"]);
  });
});

describe("free space on the disk", () => {
  const df = (mib: number | string) => `   Avail\n${mib}\n`;
  const answering = (instances: object, free: number | string): Pick<Box, "run"> => ({
    run: async (_command, args) => ({
      code: 0,
      stdout: args[0] === "query" ? JSON.stringify(instances) : df(free),
      stderr: "",
    }),
  });
  const context = (size: string | undefined, usage: number | undefined) => [
    { name: "web", expanded_devices: { root: { size: "1MiB" } }, state: { disk: { root: { usage: 1 } } } },
    {
      name: "community",
      expanded_devices: { root: { size } },
      state: usage === undefined ? null : { disk: { root: { usage } } },
    },
  ];

  test.each([
    ["host", {}, 812, 812],
    ["host", {}, "-", undefined],
    ["community", context("500MiB", 100 * 1024 ** 2), 2000, 400],
    ["community", context("4GiB", 100 * 1024 ** 2), 2000, 2000],
    ["community", context("500MiB", 600 * 1024 ** 2), 2000, 0],
    ["community", context(undefined, 100), 2000, 2000],
    ["community", context("500MiB", undefined), 2000, 2000],
    ["community", [], "?", undefined],
  ] as const)("of %s, with %j and df reporting %s, is %s MiB", async (where, instances, free, expected) => {
    expect(await placeOf(answering(instances, free) as Box, where).freeMib()).toBe(expected);
  });

  test("that runs out makes a command fail with box-full, not command-failed", async () => {
    const stderr = "tee: /etc/snmp/snmpd.conf.new: Disk quota exceeded";
    const box = { run: async () => ({ code: 1, stdout: "", stderr }) };
    expect(await failureOf(() => runOrFail(box, "tee", ["/etc/snmp/snmpd.conf.new"]))).toMatchObject({
      code: "box-full",
      found: "tee /etc/snmp/snmpd.conf.new",
    });
  });
});

test("a service that moves is stopped at its old place before it starts at the new one", async () => {
  const box = roomyBox();
  await switchOn(box, find("syncthing"), "owner");
  await switchOn(box, find("syncthing"), "community");
  expect([...box.system.services.devices.keys()].sort()).toEqual([
    "community/cbox-tcp-22000",
    "community/cbox-tcp-8384",
  ]);
  expect(box.system.services.devices.get("community/cbox-tcp-8384")).toBe("tcp:127.0.0.1:8384");
});

describe("announcing services", () => {
  async function announcedBox(): Promise<FakeBox> {
    const box = roomyBox();
    for (const id of ["serf", "guifi-proxy", "syncthing", "snmp", "ssh"]) await switchOn(box, find(id));
    return box;
  }

  test("includes what is enabled and listens, the most important first, and reports the rest", async () => {
    const box = await announcedBox();
    box.system.services.deafUnits.add("snmpd.service");
    const result = await publish(box, IMAGE);
    expect(result.published.map(({ s, p }) => `${s} ${p}`)).toEqual([
      "serf 5000",
      "proxy3 3128",
      "syncthing 22000",
      "ssh 22",
    ]);
    expect(result.published[2]?.t).toMatch(/^node_id=([A-Z]{7}-){7}[A-Z]{7}$/);
    expect(result.silent).toEqual(["snmp"]);
  });

  test("includes a context's port only when something answers inside it", async () => {
    const box = await announcedBox();
    box.system.services.deafUnits.add("cbox-syncthing.service");
    expect((await publish(box, IMAGE)).silent).toEqual(["syncthing"]);
  });

  test("omits and reports the least important when there is less space", async () => {
    const box = await announcedBox();
    const community = { ...IMAGE.community, serf: { ...IMAGE.community.serf, tag_budget_bytes: 300 } };
    const result = await publish(box, { ...IMAGE, community });
    expect(result.published[0]?.s).toBe("serf");
    expect(result.omitted.length).toBeGreaterThan(0);
    expect([...result.published.map(({ s }) => s), ...result.omitted].sort()).toEqual([
      "proxy3",
      "serf",
      "snmp",
      "ssh",
      "syncthing",
    ]);
  });

  test("writes files for Avahi, too, while that is enabled, and removes them afterwards", async () => {
    const box = await announcedBox();
    await switchOn(box, find("avahi"));
    box.files.set(`${paths.avahiServices}/mine.service`, "the owner's");
    await publish(box, IMAGE);
    const files = await box.list(paths.avahiServices);
    expect(files).toEqual([
      "cbox-proxy3-3128.service",
      "cbox-serf-5000.service",
      "cbox-snmp-161.service",
      "cbox-ssh-22.service",
      "cbox-syncthing-22000.service",
      "mine.service",
    ]);
    expect(box.files.get(`${paths.avahiServices}/cbox-snmp-161.service`)).toContain(
      "<type>_snmp._udp</type>",
    );
    await deactivate({ box, image: IMAGE }, find("avahi"));
    await publish(box, IMAGE);
    expect(await box.list(paths.avahiServices)).toEqual(["mine.service"]);
  });

  describe("by Avahi, which drops a second service of one name and type, and a name of more than 63 bytes,", () => {
    const namesOf = (...services: Partial<PublishedService>[]) =>
      [
        ...avahiFiles(
          services.map((more) => ({
            ...{ s: "Docker", d: "wiki:3_wiki", m: "can-bruixa.guifi.local", i: "10.1.2.3", p: "80" },
            ...{ e: "guifi", t: "", ...more },
          })),
        ).values(),
      ].map((text) => /<name replace-wildcards="yes">(.*)<\/name>/.exec(text)?.[1]);

    test("distinguishes two ports of one project", () => {
      expect(namesOf({ p: "8085" }, { p: "2525" }, { s: "http" })).toEqual([
        "wiki:3 wiki (8085) on %h",
        "wiki:3 wiki (2525) on %h",
        "wiki:3 wiki on %h",
      ]);
    });

    test("truncates a long description between letters, and adds its port where another has the same", () => {
      const d = "Còpies".repeat(12);
      const [one = "", other = ""] = namesOf({ d, p: "8085" }, { d: `${d}_two`, p: "25" });
      expect([one, other]).toEqual([
        expect.stringMatching(/^(Còpies)+\S* \(8085\) on %h$/),
        expect.stringMatching(/^(Còpies)+\S* \(25\) on %h$/),
      ]);
      for (const name of [one, other])
        expect(Buffer.byteLength(name.replace("%h", "can-bruixa-12"))).toBeLessThanOrEqual(63);
    });

    test("uses only the description beside a host name of 63 letters", () => {
      expect(namesOf({ m: `${"x".repeat(63)}.guifi.local` })).toEqual(["wiki:3 wiki"]);
    });
  });
});

describe("the status of services", () => {
  test("shows what is enabled, where and in what state, and why something is not offered", async () => {
    const box = roomyBox({ contexts: false });
    await switchOn(box, find("serf"));
    await switchOn(box, find("snmp"));
    await publish(box, IMAGE);
    box.system.running.delete("snmpd.service");
    const views = await overview(box, IMAGE);
    const of = (id: string) => views.find(({ service }) => service.id === id);
    expect(of("serf")).toMatchObject({
      state: "on",
      where: "host",
      faults: [],
      announced: { address: "10.1.2.50", port: "5000" },
      members: 2,
    });
    expect(of("snmp")?.faults).toEqual(["unit snmpd.service", "port udp/161"]);
    expect(of("docker")).toMatchObject({ state: "off", places: [], reason: "place" });
    const status = await servicesStatus(box, IMAGE);
    expect(status.state).toBe("trouble");
    expect(status.advice?.values).toEqual({ id: "snmp" });
    expect(status.rows.map(({ value }) => value)[0]).toMatch(/10\.1\.2\.50:5000/);
  });
});

describe("the services step", () => {
  const own = steps.filter(({ id }) => id === "system" || id === "services");
  const answers = (services: object) =>
    stringify({
      version: 1,
      system: { language: "en", hostname: "can-bruixa", owner: { name: "anna", password: PASSWORD } },
      services,
    });
  const ALL = {
    "guifi-proxy": { enabled: true, cache_mib: 200 },
    syncthing: { enabled: true },
    docker: { enabled: true },
    snmp: { enabled: true, contact: "anna@example.net" },
    ssh: { enabled: true },
    avahi: { enabled: true },
  };

  const toolsFor = (box: FakeBox) => ({
    box,
    image: IMAGE,
    providedSecrets: new Set<string>(),
    skippedSteps: new Set<string>(),
    answersOf: () => ({}),
    progress: () => {},
    signal: new AbortController().signal,
  });

  async function run(box: FakeBox): Promise<SetupRunner> {
    const runner = await SetupRunner.open({ box, image: IMAGE, steps: own, log: openLog(box) });
    runner.start();
    const isOver = () =>
      box.isOff || ["done", "file_refused"].includes(runner.state) || /^failed/.test(runner.state);
    for (let idle = 0; idle < 200 && !isOver(); idle++) {
      const before = box.effects.length;
      await new Promise((resolve) => setTimeout(resolve, idle > 5 ? 2 : 0));
      if (box.effects.length !== before) idle = 0;
    }
    return runner;
  }

  function boxWith(services: object, options?: { contexts: boolean }): FakeBox {
    const box = roomyBox(options);
    box.files.set(ANSWERS_FILE, answers(services));
    return box;
  }

  // The lists of words take a moment to load, in which nothing happens on the box.
  beforeAll(() => passwordProblem(PASSWORD, []));

  test("enables everything, each in its best place", async () => {
    const box = boxWith(ALL);
    const runner = await run(box);
    expect(runner.state).toBe("done");
    expect(runner.context.warnings).toEqual([]);
    const ids = ["serf", ...Object.keys(ALL)];
    const places = await Promise.all(ids.map(async (id) => (await stateOf(box, id))?.where));
    expect(places).toEqual(["host", "community", "owner", "community", "host", "host", "host"]);
    const squid = box.files.get("/var/lib/incus/containers/community_community/rootfs/etc/squid/squid.conf");
    expect(squid).toContain("cache_dir ufs /var/spool/squid 200 32 512");
    expect(box.files.get("/etc/snmp/snmpd.conf")).toContain("sysContact anna@example.net");
  });

  test("refuses all that cannot work here, by name", async () => {
    const box = boxWith({ ...ALL, syncthing: { enabled: true, context: "owner" } }, { contexts: false });
    const runner = await run(box);
    expect(runner.state).toBe("file_refused");
    expect(runner.context.problems.map(({ field, code }) => `${field} ${code}`)).toEqual([
      "services.syncthing.context service-where",
      "services.docker.enabled service-place",
    ]);
  });

  test("enables Docker before an application that needs it", async () => {
    const box = boxWith({ etherpad: { enabled: true } });
    const runner = await run(box);
    expect(runner.state).toBe("done");
    expect((await stateOf(box, "docker"))?.state).toBe("on");
    expect((await stateOf(box, "etherpad"))?.state).toBe("on");
    await own[1]!.apply({}, toolsFor(box));
    expect((await stateOf(box, "etherpad"))?.state).toBe("off");
    expect((await stateOf(box, "docker"))?.state).toBe("off");
  });

  test("reports a service that fails, while the others run and the box is set up", async () => {
    const box = boxWith(ALL);
    box.system.services.brokenPackages.add("squid");
    const runner = await run(box);
    expect(runner.state).toBe("done");
    expect(runner.context.warnings.map(({ code }) => code)).toEqual(["services-passed"]);
    expect((await stateOf(box, "syncthing"))?.state).toBe("on");
    expect((await stateOf(box, "guifi-proxy"))?.trouble).toMatchObject({ code: "service-packages" });
    const result = await publish(box, IMAGE);
    expect(result.published.map(({ s }) => s)).not.toContain("proxy3");
  });

  test("warns of a storage grid of this box alone on the last page, until another box is in it", async () => {
    const box = boxWith({ "tahoe-lafs": { enabled: true } });
    const runner = await run(box);
    expect(runner.context.warnings.map((warning) => warningText(translator("en"), warning))).toEqual([
      expect.stringContaining(
        "no other box is in the grid yet, so all copies of a file lie on this one disk",
      ),
    ]);
    box.system.services.gridBoxes = 2;
    expect(await own[1]!.verify({ "tahoe-lafs": { enabled: true } }, toolsFor(box))).toEqual([]);
  });

  test("disables what is no longer wanted", async () => {
    const box = boxWith(ALL);
    const runner = await run(box);
    expect(runner.state).toBe("done");
    const [, services] = own as [Step, Step];
    const tools = toolsFor(box);
    await services.apply({ serf: { enabled: false } }, tools);
    expect(await services.verify({ serf: { enabled: false } }, tools)).toEqual([]);
    for (const id of ["serf", ...Object.keys(ALL)]) expect((await stateOf(box, id))?.state, id).toBe("off");
    expect(box.system.enabled.has("serf.service")).toBe(false);
    expect(box.system.enabled.has("ssh.service"), "sshd is not the services' to stop").toBe(true);
  });

  test("hands over the generated passwords, and stores them nowhere else", async () => {
    const box = boxWith({ syncthing: { enabled: true } });
    const runner = await run(box);
    const lines = await own[1]!.generatedCredentials!(runner.context.answers.services ?? {}, toolsFor(box));
    expect(lines).toEqual([{ key: "hand-over.services.syncthing.gui_password", values: { secret: SECRET } }]);
    // The made-up randomness is the same for the name of the Serf node.
    const holding = box.everWritten.filter((text) => text.includes(SECRET) && !text.includes("serf"));
    expect(holding).toHaveLength(1);
  });

  test("has the same result after a power cut at each single effect", async () => {
    const picture = (box: FakeBox) => ({
      files: Object.fromEntries(
        [...box.files]
          .filter(([path]) => path !== paths.published && !path.endsWith(".new"))
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      ),
      enabled: [...box.system.enabled].sort(),
      devices: [...box.system.services.devices].sort(),
      tags: box.system.tags,
    });
    /** What the set-up does with the step, and does again after a cut: firstboot-setup has the rest. */
    const applied = async (box: FakeBox) => {
      await own[1]!.apply(ALL, toolsFor(box));
      return own[1]!.verify(ALL, toolsFor(box));
    };
    const calm = roomyBox();
    expect(await applied(calm)).toEqual([]);
    const whole = picture(calm);
    for (let cut = 0; cut < calm.effects.length; cut++) {
      const box = roomyBox();
      box.cutAfter(cut);
      await expect(applied(box), `cut ${cut} happened`).rejects.toThrow(PowerCut);
      box.powerOn();
      expect(await applied(box), `after cut ${cut}, before ${calm.effects[cut]}`).toEqual([]);
      expect(picture(box), `after cut ${cut}, before ${calm.effects[cut]}`).toEqual(whole);
    }
  }, 600_000);
});

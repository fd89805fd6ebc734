// SPDX-License-Identifier: GPL-3.0-or-later
// Compose projects on a box in memory: an application of the catalogue, and what the owner brings along.

import { describe, expect, test } from "vitest";
import { imagesOf, withoutDigest, writeDigest } from "../../../../common/container-image.ts";
import { findService } from "../../../../firstboot/catalogue/catalogue.ts";
import { runCompose, runServices } from "../../../../firstboot/commands/services.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { translator } from "../../../../firstboot/i18n/translate.ts";
import { ownServices } from "../../../../firstboot/services/custom-projects.ts";
import { describeProject } from "../../../../firstboot/services/project-words.ts";
import { publish } from "../../../../firstboot/services/publish.ts";
import { failureOf } from "../../../failure-of.ts";
import { type FakeBox, IMAGE, PowerCut } from "../../helpers/fake-box.ts";
import { roomyBox, stateOf } from "../../helpers/services-box.ts";

const INSIDE = "/var/lib/incus/containers/community_community/rootfs";
const PROJECTS = `${INSIDE}/var/lib/community-box/compose`;
const SECRET = "5a".repeat(10);
const FILE = `services:
  web:
    image: registry.example.net/team/wiki:3
    ports: ["8085:80"]
  mail:
    image: smtp:1
    ports: ["127.0.0.1:2525:25", "5300:53/udp"]
`;

function toolsFor(box: FakeBox) {
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  return { lines, tools: { box, image: IMAGE, t: translator("en"), print } };
}

async function run(box: FakeBox, verb: string, id?: string, options = {}): Promise<string> {
  const { lines, tools } = toolsFor(box);
  await runServices(tools, verb, id, options);
  return lines.join("\n");
}

async function compose(box: FakeBox, act: string, what?: string, options = {}): Promise<string> {
  const { lines, tools } = toolsFor(box);
  await runCompose(tools, act, what, options);
  return lines.join("\n");
}

const DIGEST = `sha256:${"5a".repeat(32)}`;

/** While `work` runs, the box's catalogue has this digest beside each image of the service, or none, whatever it has else. */
async function withDigest(
  id: string,
  digest: string | undefined,
  work: () => Promise<unknown>,
): Promise<void> {
  const service = findService(id)!;
  const file = service.compose?.file ?? "";
  const templates = service.templates as Record<string, string>;
  const before = templates[file] ?? "";
  const bare = before.replaceAll(/@sha256:[0-9a-f]{64}/g, "");
  const write = (text: string, image: string) => (digest ? writeDigest(text, image, digest) : text);
  templates[file] = imagesOf(service).map(withoutDigest).reduce(write, bare);
  await work().finally(() => {
    templates[file] = before;
  });
}

/** What `cbox services --json` says. */
async function byTag(box: FakeBox, id: string): Promise<unknown> {
  const { services } = JSON.parse(await run(box, "list", undefined, { json: true }));
  return services.find((each: { readonly id: string }) => each.id === id).images_by_tag;
}

const dockerCommands = (box: FakeBox, verb: string) =>
  box.system.commands.filter((line) => new RegExp(`-- docker compose .* ${verb}\\b`).test(line));

describe("an application of the catalogue", () => {
  test("runs in Docker, is reached by the box's port, and is announced", async () => {
    const box = roomyBox();
    await run(box, "enable", "serf");
    expect(await run(box, "enable", "etherpad")).toContain(`Etherpad, Page /admin, user "admin": ${SECRET}`);
    expect(await stateOf(box, "docker")).toMatchObject({ state: "on", where: "community" });
    expect(box.files.get(`${PROJECTS}/etherpad/compose.yaml`)).toContain("image: etherpad/etherpad:2.2.7");
    expect(box.system.services.devices.get("community/cbox-tcp-9001")).toBe("tcp:0.0.0.0:9001");
    const { published } = await publish(box, IMAGE);
    expect(published.map(({ s, p, d }) => `${s} ${p} ${d}`)).toContain("Docker 9001 etherpad_etherpad");
    expect(await run(box, "list")).toMatch(/^etherpad +community +works, announced as 10\.1\.2\.50:9001$/m);
  });

  test("has its secrets in a file for root alone, and in no command line", async () => {
    const box = roomyBox();
    await run(box, "enable", "nextcloud");
    const environment = `/var/lib/community-box/compose/nextcloud/.env`;
    expect(box.files.get(`${INSIDE}${environment}`)).toContain(`ADMIN_PASSWORD=${SECRET}`);
    expect(box.system.commands.filter((line) => line.includes(SECRET))).toEqual([]);
    const made = box.system.commands.find((line) => line.includes(`/dev/null ${environment}.new`));
    expect(made).toContain("--mode 0600 --owner root --group root");
    // What only the service needs is told to nobody.
    expect(await run(box, "secret", "nextcloud")).toBe(`Nextcloud, Web page, user "cbox": ${SECRET}`);
  });

  test("fetches its images once; a missing network is reported, and the next attempt continues", async () => {
    const box = roomyBox();
    box.system.services.docker.isOffline = true;
    expect(await failureOf(() => run(box, "enable", "etherpad"))).toMatchObject({
      code: "service-images",
      found: expect.stringContaining("simulated failure"),
      hint: expect.stringContaining("Internet"),
    });
    expect((await stateOf(box, "etherpad"))?.state).toBe("starting");
    box.system.services.docker.isOffline = false;
    await run(box, "enable", "etherpad");
    expect(dockerCommands(box, "pull")).toHaveLength(2);
    await run(box, "disable", "etherpad");
    box.system.services.docker.isOffline = true;
    await run(box, "enable", "etherpad");
    expect(dockerCommands(box, "pull")).toHaveLength(2);
  });

  test.each<[string, (box: FakeBox) => Promise<unknown>]>([
    ["an application", (box) => run(box, "enable", "etherpad")],
    ["a project of one's own", (box) => compose(box, "add", "/home/anna/wiki")],
    ["Docker itself, again", (box) => run(box, "enable", "docker")],
  ])("does not overwrite the owner's Docker settings when there comes %s", async (_what, add) => {
    const box = roomyBox();
    box.files.set("/home/anna/wiki/compose.yaml", FILE);
    await run(box, "enable", "docker");
    expect(box.files.get(`${INSIDE}/etc/docker/daemon.json`)).toContain("live-restore");
    const mine = '{ "registry-mirrors": ["https://mirror.example.net"] }\n';
    box.files.set(`${INSIDE}/etc/docker/daemon.json`, mine);
    await add(box);
    expect(box.files.get(`${INSIDE}/etc/docker/daemon.json`)).toBe(mine);
  });

  test("is reported with the container that does not stay up", async () => {
    const box = roomyBox();
    box.system.services.docker.crashing.add("nextcloud/database");
    expect(await failureOf(() => run(box, "enable", "nextcloud"))).toMatchObject({
      code: "service-failed",
      found: "container database (restarting)",
      hint: "sudo cbox services log nextcloud",
    });
  });

  test("keeps Docker enabled while it needs it", async () => {
    const box = roomyBox();
    await run(box, "enable", "etherpad");
    expect(await failureOf(() => run(box, "disable", "docker"))).toMatchObject({
      code: "service-needed",
      found: "etherpad",
    });
    await run(box, "disable", "etherpad");
    await run(box, "disable", "docker");
    expect((await stateOf(box, "docker"))?.state).toBe("off");
  });

  test("closes its port and keeps its data when disabled, and loses volumes and files when removed", async () => {
    const box = roomyBox();
    await run(box, "enable", "etherpad");
    expect(await run(box, "disable", "etherpad")).toBe(
      "kept in community: /var/lib/community-box/compose/etherpad",
    );
    expect([...box.system.services.devices]).toEqual([]);
    expect(dockerCommands(box, "down")).toEqual([]);
    await run(box, "disable", "docker");
    await run(box, "remove-data", "etherpad", { yes: true });
    expect(dockerCommands(box, "down")[0]).toContain("down --volumes --remove-orphans --rmi all");
    expect([...box.files.keys()].filter((path) => path.startsWith(`${PROJECTS}/etherpad`))).toEqual([]);
    // Docker was only started for that.
    expect(box.system.commands.at(-1)).not.toContain("start docker.service");
    expect(box.effects.filter((effect) => effect.endsWith("systemctl stop docker.service"))).toHaveLength(1);
  });

  test("without digests names its images when it is enabled, in the list, and in JSON", async () => {
    const box = roomyBox();
    const images = imagesOf(findService("wordpress")!).map(withoutDigest);
    const sentence = `WordPress: the catalogue has no digest of these images, so the box takes whatever their registries give for these names on the day: ${images.join(", ")}`;
    await withDigest("wordpress", undefined, async () => {
      expect(await run(box, "list"), "before it is on").not.toContain("digest");
      const lines = (await run(box, "enable", "wordpress")).split("\n");
      expect(lines[0]).toBe(sentence);
      expect(await run(box, "list")).toContain(sentence);
      expect(await byTag(box, "wordpress")).toEqual(images);
      expect(await byTag(box, "serf")).toBeUndefined();
    });
  });

  test("with digests prints nothing about them, and gives them to Docker beside the tags", async () => {
    const box = roomyBox();
    await withDigest("etherpad", DIGEST, async () => {
      expect(await run(box, "enable", "etherpad")).not.toContain("digest");
      expect(await run(box, "list")).not.toContain("digest");
      expect(await byTag(box, "etherpad")).toEqual([]);
    });
    expect(box.files.get(`${PROJECTS}/etherpad/compose.yaml`)).toContain(
      `image: etherpad/etherpad:2.2.7@${DIGEST}\n`,
    );
    expect([...box.system.services.docker.images]).toEqual([`etherpad/etherpad:2.2.7@${DIGEST}`]);
  });

  test("upgrades to what a newer catalogue of the box names", async () => {
    const box = roomyBox();
    await withDigest("etherpad", undefined, () => run(box, "enable", "etherpad"));
    await withDigest("etherpad", DIGEST, () => run(box, "upgrade", "etherpad"));
    expect(box.files.get(`${PROJECTS}/etherpad/compose.yaml`)).toContain(`etherpad:2.2.7@${DIGEST}`);
    expect([...box.system.services.docker.images]).toContain(`etherpad/etherpad:2.2.7@${DIGEST}`);
  });

  test("fetches newer images and restarts on upgrade", async () => {
    const box = roomyBox();
    await run(box, "enable", "etherpad");
    await run(box, "upgrade", "etherpad");
    expect(dockerCommands(box, "pull")).toHaveLength(2);
    expect(box.effects.at(-1) ?? "").not.toBe("");
    expect(box.effects.some((effect) => effect.endsWith("restart cbox-compose@etherpad.service"))).toBe(true);
  });
});

describe("upgrade of Debian's packages", () => {
  test("upgrades only the packages of the service, from the sources of its place", async () => {
    const box = roomyBox();
    await run(box, "enable", "snmp");
    await run(box, "upgrade", "snmp");
    const upgraded = box.system.commands.filter((line) => line.includes("--only-upgrade"));
    expect(upgraded).toHaveLength(1);
    expect(upgraded[0]).toMatch(/install --only-upgrade snmpd$/);
    expect(upgraded[0]).not.toContain("pool.list");
  });
});

describe("the owner's compose project", () => {
  function boxWith(files: Record<string, string> = { "docker-compose.yml": FILE }): FakeBox {
    const box = roomyBox();
    for (const [name, text] of Object.entries(files)) box.files.set(`/home/anna/wiki/${name}`, text);
    return box;
  }

  test("is copied from a directory into the context, started, and each port announced", async () => {
    const box = boxWith({ "docker-compose.yml": FILE, "conf/wiki.ini": "x=1\n" });
    await run(box, "enable", "serf");
    await compose(box, "add", "/home/anna/wiki");
    expect(box.files.get(`${PROJECTS}/wiki/conf/wiki.ini`)).toBe("x=1\n");
    expect([...box.system.services.devices.keys()].sort()).toEqual([
      "community/cbox-tcp-8085",
      "community/cbox-udp-5300",
    ]);
    const { published } = await publish(box, IMAGE);
    expect(published.filter(({ s }) => s === "Docker").map(({ p, d }) => `${p} ${d}`)).toEqual([
      "8085 wiki:3_wiki",
      "5300 wiki:3_wiki",
    ]);
    expect(await run(box, "list")).toMatch(/^wiki +community +works, announced as 10\.1\.2\.50:8085$/m);
  });

  test.each([
    [
      "of several addresses, and of TCP and UDP",
      'services: { dns: { image: "pihole:6", ports: ["0.0.0.0:8053:53", "[::]:8053:53", "8053:53/udp"] } }',
      ["8053 pihole:6_wiki"],
    ],
    [
      "with a database, which stands first",
      'services: { db: { image: "postgres:16" }, web: { image: "gitea/gitea:1.22", ports: ["3000:3000"] } }',
      ["3000 gitea:1.22_wiki"],
    ],
    [
      "with a name of its own",
      'name: forge\nservices: { git: { image: "gitea/gitea:1.22", ports: ["2222:22", "3000:3000"] } }',
      ["2222 gitea:1.22_forge", "3000 gitea:1.22_forge"],
    ],
  ])(
    "%s is announced once for each number, under the image that people open",
    async (_what, text, announced) => {
      const box = boxWith({ "compose.yaml": text });
      await run(box, "enable", "serf");
      await compose(box, "add", "/home/anna/wiki");
      const { published } = await publish(box, IMAGE);
      expect(published.filter(({ s }) => s === "Docker").map(({ p, d }) => `${p} ${d}`)).toEqual(announced);
    },
  );

  test.each([
    [
      "the port where programs speak HTTP",
      { ssh: { image: "a:1", ports: [22] }, ui: { image: "b:2", ports: [8080] } },
      "b:2_x",
    ],
    [
      "a database's own port is no page",
      { db: { image: "mariadb:11", ports: [3306] }, app: { image: "c:3" } },
      "c:3_x",
    ],
    [
      "without any, the first one",
      { a: { image: "reg.example.net:5000/t/d@sha256:00" }, b: { image: "e" } },
      "d_x",
    ],
    ["one that is built here", { web: { ports: [80] } }, "web_x"],
  ])("is described by the image that people open: %s", (_what, services, words) => {
    const read = Object.entries(services as Record<string, { image?: string; ports?: number[] }>).map(
      ([name, { ports = [], ...more }]) => [name, { ...more, ports: ports.map((target) => ({ target })) }],
    );
    expect(describeProject("x", Object.fromEntries(read))).toBe(words);
  });

  test("can be a single file, with another name and one of its ports", async () => {
    const box = boxWith({ "one.yaml": FILE });
    await compose(box, "add", "/home/anna/wiki/one.yaml", { name: "docs", port: ["8085"] });
    expect(box.files.get(`${PROJECTS}/docs/compose.yaml`)).toBe(FILE);
    expect([...box.system.services.devices.keys()]).toEqual(["community/cbox-tcp-8085"]);
  });

  test.each([
    ["the short form", '["127.0.0.1:5432:5432"]', "5432/tcp", "127.0.0.1", "127.0.0.1"],
    [
      "the long form",
      "[{ target: 5432, published: 5432, host_ip: 127.0.0.1 }]",
      "5432/tcp",
      "127.0.0.1",
      "127.0.0.1",
    ],
    ["another address of the loopback", '["127.0.0.53:53:53/udp"]', "53/udp", "127.0.0.53", "127.0.0.53"],
    ["IPv6", '["[::1]:5432:5432"]', "5432/tcp", "::1", "[::1]"],
    ["IPv4 written as IPv6", '["[::ffff:127.0.0.1]:5432:5432"]', "5432/tcp", "127.0.0.1", "127.0.0.1"],
    ["both", '["[::1]:5432:5432", "127.0.0.1:5432:5432"]', "5432/tcp", "127.0.0.1", "127.0.0.1"],
    ["an address of one network", '["192.168.1.10:5432:5432"]', "5432/tcp", "192.168.1.10", "192.168.1.10"],
  ])(
    "keeps a port bound to one address closed (%s) and says so; --port opens it",
    async (_how, ports, name, bound, inside) => {
      const box = boxWith({
        "compose.yaml": `services: { db: { image: "postgres:16", ports: ${ports} } }\n`,
      });
      const [number, protocol] = name.split("/");
      await run(box, "enable", "serf");
      const said = await compose(box, "add", "/home/anna/wiki");
      expect(said).toContain(
        `Closed to other machines, since the compose file names an address for it: ${name} (db: ${bound}). `,
      );
      expect(said).toContain(`the same command with: --port ${name}`);
      expect([...box.system.services.devices]).toEqual([]);
      expect((await publish(box, IMAGE)).published.filter(({ s }) => s === "Docker")).toEqual([]);
      expect(await run(box, "list")).toMatch(/^wiki +community +works$/m);

      expect(await compose(box, "add", "/home/anna/wiki", { port: [name] })).not.toContain("Closed");
      expect([...box.system.services.devices]).toEqual([
        [`community/cbox-${protocol}-${number}`, `${protocol}:0.0.0.0:${number}`],
      ]);
      const added = box.system.commands.filter((line) => line.includes("config device add"));
      expect(added.at(-1)).toContain(`connect=${protocol}:${inside}:${number} `);
      expect(
        (await publish(box, IMAGE)).published.filter(({ s }) => s === "Docker").map(({ p }) => p),
      ).toEqual([number]);
    },
  );

  test.each([
    ["both wildcards", '["0.0.0.0:8080:80", "[::]:8080:80"]', "127.0.0.1"],
    ["that of IPv6 alone", '["[::]:8080:80"]', "[::1]"],
    ["that of IPv6 in full", '["[0:0:0:0:0:0:0:0]:8080:80"]', "[::1]"],
  ])("opens a port at every address (%s) once", async (_how, ports, inside) => {
    const box = boxWith({ "compose.yaml": `services: { web: { image: "web:1", ports: ${ports} } }\n` });
    await run(box, "enable", "serf");
    expect(await compose(box, "add", "/home/anna/wiki")).not.toContain("Closed");
    const added = box.system.commands.filter((line) => line.includes("config device add"));
    expect(added).toEqual([expect.stringContaining(`listen=tcp:0.0.0.0:8080 connect=tcp:${inside}:8080 `)]);
    expect((await publish(box, IMAGE)).published.filter(({ s }) => s === "Docker").map(({ p }) => p)).toEqual(
      ["8080"],
    );
  });

  test.each([
    ["network_mode", 'services: { tv: { image: "tv:1", network_mode: host, ports: ["1234:80"] } }\n'],
    [
      "the network that is called host",
      'services: { tv: { image: "tv:1", networks: { lan: {} } } }\nnetworks: { lan: { external: true, name: host } }\n',
    ],
  ])(
    "opens nothing for a service on the host's network (%s) and says so; --port opens what it listens on",
    async (_how, text) => {
      const box = boxWith({ "compose.yaml": text });
      const ports = [{ published: "8096", protocol: "tcp", target: 0 }];
      box.system.services.docker.listeners.set("wiki", ports);
      await run(box, "enable", "serf");
      expect(await compose(box, "add", "/home/anna/wiki")).toContain(
        "tv uses the network of its context (network_mode: host), so the compose file does not say its ports, and none of them is open.",
      );
      expect([...box.system.services.devices]).toEqual([]);

      expect(await compose(box, "add", "/home/anna/wiki", { port: ["8096"] })).not.toContain(
        "none of them is open",
      );
      expect([...box.system.services.devices]).toEqual([["community/cbox-tcp-8096", "tcp:0.0.0.0:8096"]]);
      const { published } = await publish(box, IMAGE);
      expect(published.filter(({ s }) => s === "Docker").map(({ p }) => p)).toEqual(["8096"]);

      expect(await failureOf(() => compose(box, "add", "/home/anna/wiki", { port: ["8097"] }))).toMatchObject(
        {
          code: "service-failed",
          found: "port tcp/8097",
        },
      );
    },
  );

  const TURN =
    'services: { turn: { image: "turn:1", ports: ["3478:3478/udp", "49160-50160:49160-50160/udp"] } }\n';

  test("opens more than a hundred ports only with --yes, as one device, and does not announce the range", async () => {
    const box = boxWith({ "compose.yaml": TURN });
    await run(box, "enable", "serf");
    expect(await failureOf(() => compose(box, "add", "/home/anna/wiki"))).toMatchObject({
      code: "compose-many-ports",
      message: "This opens 1002 ports of wiki to other machines, and Docker runs a program for each of them.",
      found: "3478/udp, 49160-50160/udp",
    });
    expect(await ownServices(box)).toEqual([]);
    const said = await compose(box, "add", "/home/anna/wiki", { yes: true });
    expect(said).toContain("Open as a range, and not announced: 49160-50160/udp");
    expect([...box.system.services.devices]).toEqual([
      ["community/cbox-udp-3478", "udp:0.0.0.0:3478"],
      ["community/cbox-udp-49160-50160", "udp:0.0.0.0:49160-50160"],
    ]);
    const { published } = await publish(box, IMAGE);
    expect(published.filter(({ s }) => s === "Docker").map(({ p }) => p)).toEqual(["3478"]);
    await run(box, "disable", "wiki");
    expect([...box.system.services.devices]).toEqual([]);
  });

  test.each([
    [["49160-49200/udp"], ["cbox-udp-49160-49200"]],
    [
      ["49170/udp", "3478/udp"],
      ["cbox-udp-3478", "cbox-udp-49170"],
    ],
    [["49170-49172/udp"], ["cbox-udp-49170", "cbox-udp-49171", "cbox-udp-49172"]],
  ])("opens part of a range with --port %j", async (port, devices) => {
    const box = boxWith({ "compose.yaml": TURN });
    await compose(box, "add", "/home/anna/wiki", { port });
    expect([...box.system.services.devices.keys()].sort()).toEqual(
      devices.map((name) => `community/${name}`),
    );
  });

  test("keeps a range bound to an address closed, and prints it as one name", async () => {
    const box = boxWith({
      "compose.yaml": 'services: { ftp: { image: "ftp:1", ports: ["127.0.0.1:30000-30999:30000-30999"] } }\n',
    });
    expect(await compose(box, "add", "/home/anna/wiki")).toContain(": 30000-30999/tcp (ftp: 127.0.0.1). ");
    expect([...box.system.services.devices]).toEqual([]);
  });

  test.each([
    ["a port beyond a range", ["50161/udp"]],
    ["a range that is published in part", ["50000-50200/udp"]],
    ["a range that runs backwards", ["50000-49999/udp"]],
    ["a word", ["turn"]],
  ])("refuses %s, and lists the existing ranges", async (_what, port) => {
    const box = boxWith({ "compose.yaml": TURN });
    expect(await failureOf(() => compose(box, "add", "/home/anna/wiki", { port }))).toMatchObject({
      code: "compose-port",
      message: `wiki does not publish the port ${port[0]}.`,
      found: "3478/udp, 49160-50160/udp",
    });
  });

  test("shortens a long list of ports in a message", async () => {
    const ports = Array.from({ length: 30 }, (_, index) => `"${8000 + 2 * index}:80"`).join(", ");
    const box = boxWith({ "compose.yaml": `services: { web: { image: "web:1", ports: [${ports}] } }\n` });
    const { found = "" } = await failureOf(() => compose(box, "add", "/home/anna/wiki", { port: ["1"] }));
    expect(found).toMatch(/^8000\/tcp, .*, 8018\/tcp, \.\.\. \(\+20\)$/);
  });

  const withPassword = (password: string) =>
    `services:\n  db:\n    image: postgres:16\n    environment: { POSTGRES_PASSWORD: "${password}" }\n`;
  const DATABASE = withPassword(`\${DB_PASSWORD}`);

  test.each([
    ["a password", DATABASE, "DB_PASSWORD"],
    ["a $ within a password", withPassword("pa$word"), "word"],
    ["the address of a port", `${DATABASE}    ports: ["\${BIND}:5432:5432"]\n`, "DB_PASSWORD, BIND"],
  ])(
    "names missing variables, %s, and asks for a file .env, which it then uses",
    async (_what, text, names) => {
      const box = boxWith({ "compose.yaml": text });
      expect(await failureOf(() => compose(box, "add", "/home/anna/wiki"))).toMatchObject({
        code: "compose-variables",
        message: "The compose file of wiki uses variables that are not set.",
        found: names,
        hint: expect.stringMatching(/\.env beside the compose file.* NAME= where .* is written \$\$/),
      });
      expect(await ownServices(box)).toEqual([]);
      box.files.set("/home/anna/wiki/.env", "DB_PASSWORD=grisa\nBIND=127.0.0.1\nword=\n");
      await compose(box, "add", "/home/anna/wiki");
      expect([...box.system.services.devices]).toEqual([]);
      expect((await stateOf(box, "wiki"))?.state).toBe("on");
    },
  );

  test("takes the variables beside a single file, and keeps the earlier ones when there are no new ones", async () => {
    const box = boxWith({ "one.yaml": DATABASE, ".env": "DB_PASSWORD=grisa\n" });
    await compose(box, "add", "/home/anna/wiki/one.yaml", { name: "docs" });
    expect(box.files.get(`${PROJECTS}/docs/.env`)).toBe("DB_PASSWORD=grisa\n");
    box.files.delete("/home/anna/wiki/.env");
    await compose(box, "add", "/home/anna/wiki/one.yaml", { name: "docs" });
    expect(box.files.get(`${PROJECTS}/docs/.env`)).toBe("DB_PASSWORD=grisa\n");
  });

  test("reports a variable that is only passed through, and Docker's warnings about a file that it accepts", async () => {
    const box = boxWith({
      "compose.yaml":
        'version: "3"\nservices: { web: { image: "web:1", environment: { HTTP_PROXY: null } } }\n',
    });
    const said = await compose(box, "add", "/home/anna/wiki");
    expect(said).toContain("they are not set, so the containers go without: web: HTTP_PROXY.");
    expect(said).toContain("docker: compose.yaml: the attribute `version` is obsolete");
  });

  test("prints the whole message of Docker when a start fails", async () => {
    const box = boxWith();
    const words = [
      " Container wiki-web-1  Starting",
      "Error response from daemon: cannot assign requested address",
    ];
    box.system.services.docker.failingStarts.set("wiki", words);
    expect(await failureOf(() => compose(box, "add", "/home/anna/wiki"))).toMatchObject({
      code: "compose-start",
      message: "The containers of wiki could not be started.",
      found: "Container wiki-web-1  Starting\nError response from daemon: cannot assign requested address",
      hint: expect.stringContaining("sudo cbox services log wiki"),
    });
    box.system.services.docker.failingStarts.clear();
    await compose(box, "add", "/home/anna/wiki");
    expect((await stateOf(box, "wiki"))?.state).toBe("on");
  });

  test("uses the new file when it is added again, and keeps the files beside it", async () => {
    const box = boxWith();
    await compose(box, "add", "/home/anna/wiki");
    box.files.set(`${PROJECTS}/wiki/data/page`, "kept");
    box.files.set("/home/anna/wiki/docker-compose.yml", FILE.replace("8085", "8086"));
    await compose(box, "add", "/home/anna/wiki", { port: ["8086"] });
    expect([...box.system.services.devices.keys()]).toEqual(["community/cbox-tcp-8086"]);
    expect(box.files.get(`${PROJECTS}/wiki/data/page`)).toBe("kept");
    expect(await ownServices(box)).toHaveLength(1);
  });

  test("leaves nothing behind when it is removed, which asks first", async () => {
    const box = boxWith();
    await compose(box, "add", "/home/anna/wiki");
    expect(await failureOf(() => compose(box, "remove", "wiki"))).toMatchObject({
      code: "service-data-kept",
      hint: "sudo cbox services compose remove wiki --yes",
    });
    await compose(box, "remove", "wiki", { yes: true });
    expect([...box.files.keys()].filter((path) => path.includes("/wiki"))).toEqual([
      "/home/anna/wiki/docker-compose.yml",
    ]);
    expect(await stateOf(box, "wiki")).toBeUndefined();
    expect([...box.system.services.devices]).toEqual([]);
    expect((await failureOf(() => run(box, "enable", "wiki"))).code).toBe("service-unknown");
  });

  test.each([
    ["a directory without a compose file", "/home/anna", {}, "compose-source", /compose\.yaml/],
    ["nothing", "/home/nobody", {}, "compose-source", /neither a file nor a directory/],
    ["a name with capitals", "/home/anna/wiki", { name: "Wiki" }, "compose-name", /lower-case/],
    ["a name of the catalogue", "/home/anna/wiki", { name: "etherpad" }, "compose-name", /services: serf/],
    ["a port that it does not publish", "/home/anna/wiki", { port: ["80"] }, "compose-port", /8085\/tcp/],
    ["the other protocol", "/home/anna/wiki", { port: ["5300/tcp"] }, "compose-port", /5300\/udp/],
  ])("is refused for %s, and nothing is added", async (_what, path, options, code, found) => {
    const box = boxWith();
    const failure = await failureOf(() => compose(box, "add", path, options));
    expect(failure.code).toBe(code);
    expect(failure.found).toMatch(found);
    expect(await ownServices(box)).toEqual([]);
    expect((await run(box, "list")).split("\n").some((line) => line.startsWith("wiki"))).toBe(false);
  });

  test.each([
    ["that is no compose file", "hello: world\n", /simulated failure/],
    [
      "with a port of no single number",
      FILE.replace("8085:80", "80"),
      /services\.web\.ports: 80 has no single/,
    ],
  ])("is refused for a file %s", async (_what, text, found) => {
    const box = boxWith({ "compose.yaml": text });
    const failure = await failureOf(() => compose(box, "add", "/home/anna/wiki"));
    expect(failure.code).toBe("compose-invalid");
    expect(failure.found).toMatch(found);
  });

  test("is refused on a box without contexts", async () => {
    const box = roomyBox({ contexts: false });
    box.files.set("/home/anna/wiki/compose.yaml", FILE);
    expect((await failureOf(() => compose(box, "add", "/home/anna/wiki"))).code).toBe("service-impossible");
  });

  test("remove refuses a service of the catalogue", async () => {
    const box = roomyBox();
    const failure = await failureOf(() => compose(box, "remove", "etherpad", { yes: true }));
    expect(failure.code).toBe("compose-not-own");
  });

  test("is completed by the same command after a power cut at each single effect of adding", async () => {
    const picture = (box: FakeBox) => ({
      files: [...box.files].filter(([path]) => path !== paths.published && !path.endsWith(".new")).sort(),
      devices: [...box.system.services.devices].sort(),
      enabled: [...box.system.enabled].sort(),
    });
    const calm = boxWith();
    await compose(calm, "add", "/home/anna/wiki");
    const whole = picture(calm);
    for (let cut = 0; cut < calm.effects.length; cut++) {
      const box = boxWith();
      box.cutAfter(cut);
      await expect(compose(box, "add", "/home/anna/wiki"), `cut ${cut}`).rejects.toThrow(PowerCut);
      box.powerOn();
      await compose(box, "add", "/home/anna/wiki");
      expect(picture(box), `after cut ${cut}, before ${calm.effects[cut]}`).toEqual(whole);
    }
  });
});

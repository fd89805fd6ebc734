// SPDX-License-Identifier: GPL-3.0-or-later
// Compose projects with a real Docker, a real docker compose and a real registry in the lab: an entry like those of the
// catalogue is fetched, started, looked at, stopped, renewed and removed by the engine's own code.
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { readCatalogue } from "../../common/catalogue.ts";
import type { Service } from "../../common/service.ts";
import { findService } from "../../firstboot/catalogue/catalogue.ts";
import { needAccount } from "../../firstboot/commands/claim.ts";
import { chosenPorts } from "../../firstboot/commands/compose.ts";
import { announcements } from "../../firstboot/services/announce.ts";
import {
  faultsOfProject,
  fetchImages,
  projectLog,
  readProject,
  removeProject,
} from "../../firstboot/services/compose.ts";
import { ownProject, remember } from "../../firstboot/services/custom-projects.ts";
import { defaultInputs } from "../../firstboot/services/data.ts";
import { activate, deactivate, removeData } from "../../firstboot/services/engine.ts";
import { placeOf } from "../../firstboot/services/place.ts";
import { readStates } from "../../firstboot/services/state.ts";
import { upgrade } from "../../firstboot/services/upgrade.ts";
import { SERVICES } from "../../image/host/paths.ts";
import { labRoot } from "../../image/lab-root.ts";
import { failureOf } from "../failure-of.ts";
import { registry } from "../lab/hosts/registry.ts";
import { cboxInLab } from "./cbox-in-lab.ts";
import type { ChrootBox } from "./chroot-box.ts";
import { type DockerBox, startDocker } from "./docker-box.ts";
import { BOX, image, type ServiceLab, serviceLab, until } from "./service-lab.ts";

const NAME = "composetest";
const IMAGE = "registry.lab/community/page:1";
const DIRECTORY = "/var/lib/community-box/compose/notes";
let community: ServiceLab;
let root: string;
let box: ChrootBox;
let docker: DockerBox | undefined;
let notes: Service;

beforeAll(async () => {
  community = await serviceLab({
    name: NAME,
    boxes: ["box"],
    hosts: [registry("registry", "10.139.40.90")],
  });
  box = community.boxOf("box");
  root = community.rootOf("box");
  await box.writeFile("/etc/hosts", "127.0.0.1 localhost\n10.139.40.90 registry.lab\n");
  await box.writeFile("/etc/docker/certs.d/registry.lab/ca.crt", community.lab.authority());
  notes = entry();
  const engine = findService("docker")!;
  await activate({ box, image }, engine, { where: "host", inputs: defaultInputs(engine) });
  docker = await startDocker(box, root, community.lab.place("box").namespace, `cboxlab-${NAME}`);
  await makeImage(IMAGE, "first");
});

afterAll(async () => {
  await docker?.end();
  await community?.down();
});

/** As a community would write it: a page with an own secret in it, data in a volume. */
function entry(): Service {
  const top = join(root, "entries");
  const words = { en: "Notes", ca: "Notes", es: "Notas" };
  mkdirSync(join(top, "notes"), { recursive: true });
  cpSync(join(SERVICES, "docker"), join(top, "docker"), { recursive: true });
  writeFileSync(
    join(top, "notes/service.yaml"),
    stringify({
      ...{ id: "notes", title: words, description: words, priority: 200, source: "network" },
      compose: { file: "compose.yaml.hbs", environment: "environment.hbs" },
      where: { allowed: ["community"] },
      architectures: ["amd64"],
      ports: [{ port: 8085, protocol: "tcp", public: true }],
      first_account: "none",
      secrets: { word: { bytes: 8 } },
      publication: { type: "Docker", description: "page_notes" },
    }),
  );
  writeFileSync(
    join(top, "notes/compose.yaml.hbs"),
    `services:
  web:
    image: ${IMAGE}
    restart: unless-stopped
    stop_grace_period: 1s
    command: [sh, -c, 'echo "$$WORD $$(cat /version)" > /data/index.html; exec httpd -f -p 80 -h /data']
    ports: ["8085:80"]
    environment: { WORD: "\${WORD}" }
    volumes: ["data:/data"]
volumes:
  data: {}
`,
  );
  writeFileSync(join(top, "notes/environment.hbs"), "WORD={{secrets.word}}\n");
  return readCatalogue(top).find(({ id }) => id === "notes")!;
}

/** As an application that its first visitor owns; `page` answers once its account is made. */
function visitorEntry(page: string): Service {
  const top = join(root, "entries");
  const words = { en: "Diary", ca: "Diari", es: "Diario" };
  mkdirSync(join(top, "diary"), { recursive: true });
  writeFileSync(
    join(top, "diary/service.yaml"),
    stringify({
      ...{ id: "diary", title: words, description: words, priority: 200, source: "network" },
      compose: { file: "compose.yaml.hbs" },
      where: { allowed: ["community"] },
      architectures: ["amd64"],
      ports: [{ port: 8086, protocol: "tcp", public: true }],
      ...{ first_account: "visitor", account_made: page },
      publication: { type: "Docker", description: "page_diary" },
    }),
  );
  writeFileSync(
    join(top, "diary/compose.yaml.hbs"),
    `services:
  web:
    image: ${IMAGE}
    stop_grace_period: 1s
    command: [sh, -c, "echo page > /data/index.html; exec httpd -f -p 80 -h /data"]
    ports: ["{{service.bind}}8086:80"]
    volumes: ["data:/data"]
volumes:
  data: {}
`,
  );
  return readCatalogue(top).find(({ id }) => id === "diary")!;
}

/** A few programs of BusyBox, made here and put into the registry; not kept by Docker itself. */
async function makeImage(name: string, version: string): Promise<void> {
  const tree = join(root, "image");
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(join(tree, "bin"), { recursive: true });
  const from = await labRoot();
  cpSync(join(from, "usr/bin/busybox"), join(tree, "bin/busybox"));
  for (const program of ["sh", "cat", "echo", "httpd", "sleep"])
    symlinkSync("busybox", join(tree, "bin", program));
  for (const library of ["libc.so.6", "libresolv.so.2"]) {
    const path = "lib/x86_64-linux-gnu";
    cpSync(join(from, "usr", path, library), join(tree, path, library), { dereference: true });
  }
  cpSync(join(from, "usr/lib64/ld-linux-x86-64.so.2"), join(tree, "lib64/ld-linux-x86-64.so.2"), {
    dereference: true,
  });
  writeFileSync(join(tree, "version"), version);
  await say("sh", "-c", `tar -C /image -c . | docker import - ${name}`);
  await say("docker", "push", "--quiet", name);
  await say("docker", "image", "rm", name);
}

async function say(command: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await box.run(command, args, { timeout: 600_000 });
  expect(code, `${command} ${args.join(" ")}: ${stderr}`).toBe(0);
  return stdout.trim();
}

const compose = (directory: string, ...words: string[]) =>
  say("docker", "compose", "--project-directory", directory, ...words);
/** In the container `web` of a project. */
const inWeb = (script: string, directory = DIRECTORY) =>
  compose(directory, "exec", "-T", "web", "sh", "-c", script);

async function comesTrue(isIt: () => Promise<boolean>): Promise<void> {
  expect(await until(isIt, Boolean)).toBe(true);
}

/** What systemd would do: the line of the unit that Docker's entry has laid down. */
async function systemd(line: "ExecStart" | "ExecStop", id = "notes"): Promise<void> {
  const unit = (await box.readFile("/etc/systemd/system/cbox-compose@.service")) ?? "";
  const value = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1]?.replaceAll("%i", id);
  await say("sh", "-c", `cd ${value("WorkingDirectory")} && exec ${value(line)}`);
}

const switchOn = () => activate({ box, image }, notes, { where: "host", inputs: {} });
/** As a neighbour sees it. */
const fetchPage = async (port: number, path = "/") =>
  (
    await community.lab.run("client", [
      "curl",
      "--silent",
      "--fail",
      "--max-time",
      "5",
      `http://${BOX}:${port}${path}`,
    ])
  ).stdout.trim();
const page = () => fetchPage(8085);

describe("a service with a compose file", () => {
  test("is fetched from the registry, starts, and works", async () => {
    await switchOn();
    await systemd("ExecStart");
    const { word } = JSON.parse((await box.readFile("/var/lib/community-box/secrets/notes.json")) ?? "{}");
    await comesTrue(async () => (await page()) === `${word} first`);
    expect(await faultsOfProject(placeOf(box, "host"), notes)).toEqual([]);
    expect(await say("stat", "-c", "%a %U", `${DIRECTORY}/.env`)).toBe("600 root");
    expect((await placeOf(box, "host").listening()).has("tcp/8085")).toBe(true);
    expect((await readStates(box)).notes?.state).toBe("on");
  });

  test("starts again without the registry, and reports an image that it cannot get", async () => {
    await systemd("ExecStop");
    expect(await faultsOfProject(placeOf(box, "host"), notes)).toEqual(["container web (exited)"]);
    await community.lab.change("registry", "test", { isDown: true });
    await switchOn();
    await systemd("ExecStart");
    await comesTrue(async () => /first$/.test(await page()));
    await box.writeFile(
      `${DIRECTORY}x/compose.yaml`,
      "services: { web: { image: registry.lab/nobody/has:1 } }\n",
    );
    const other = { ...notes, id: "notesx" };
    expect(await failureOf(() => fetchImages(placeOf(box, "host"), other))).toMatchObject({
      code: "service-images",
      found: expect.stringContaining("registry.lab"),
    });
    await community.lab.change("registry", "test", undefined);
    const failure = await failureOf(() => fetchImages(placeOf(box, "host"), other));
    expect(failure).toMatchObject({
      code: "service-images",
      found: expect.stringMatching(/unknown|not found/),
    });
  });

  test("has a readable log of its containers, and a fault when one keeps restarting", async () => {
    await inWeb("echo hello >/proc/1/fd/1");
    expect(await projectLog(placeOf(box, "host"), notes)).toContain("hello");
    await box.writeFile(
      `${DIRECTORY}y/compose.yaml`,
      `services: { web: { image: "${IMAGE}", restart: always, command: [sh, -c, "exit 3"] } }\n`,
    );
    const failing = { ...notes, id: "notesy" };
    await compose(`${DIRECTORY}y`, "up", "-d");
    await comesTrue(async () =>
      /^container web \(restarting\)$/.test((await faultsOfProject(placeOf(box, "host"), failing))[0] ?? ""),
    );
    await removeProject(placeOf(box, "host"), failing);
    expect(await faultsOfProject(placeOf(box, "host"), failing)).toEqual(["no container"]);
  });

  test("is upgraded to the registry's image of the same tag, and keeps its data", async () => {
    await inWeb("echo kept > /data/kept");
    await systemd("ExecStop");
    await makeImageAgain();
    const state = (await readStates(box)).notes!;
    await upgrade({ box, image }, notes, state);
    expect(box.told.at(-1)).toBe("restart cbox-compose@notes.service");
    await systemd("ExecStart");
    await comesTrue(async () => /second$/.test(await page()));
    expect(await fetchPage(8085, "/kept")).toBe("kept");
  });

  test("leaves no containers, volumes or images when it is removed", async () => {
    await systemd("ExecStop");
    expect(await say("docker", "volume", "ls", "--quiet")).toBe("notes_data");
    await removeProject(placeOf(box, "host"), notes);
    expect(await say("docker", "volume", "ls", "--quiet")).toBe("");
    expect(await say("docker", "ps", "--all", "--quiet")).toBe("");
    expect(await say("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}")).not.toContain(IMAGE);
  });
});

/** Under the same name, while Docker still has the old one. */
async function makeImageAgain(): Promise<void> {
  const before = await say("docker", "image", "inspect", "--format", "{{.Id}}", IMAGE);
  await say("docker", "tag", IMAGE, "kept:old");
  await say("docker", "image", "rm", IMAGE);
  await makeImage(IMAGE, "second");
  await say("docker", "tag", before, IMAGE);
  await say("docker", "image", "rm", "kept:old");
}

describe("a service with a digest beside the tag", () => {
  let folder: string;
  let recorded: string;
  const digests = (...words: string[]) =>
    cboxInLab(community.lab, "client", { "registry.lab": "10.139.40.90" }, [
      ...["services", "digests", ...words, folder],
    ]);
  const written = () =>
    /@(sha256:[0-9a-f]{64})$/m.exec(readFileSync(`${folder}/compose.yaml.hbs`, "utf8"))?.[1];

  test("gets it from the registry by the command, which later only reports a tag that moved", async () => {
    notes = entry();
    folder = join(root, "entries/notes");
    await makeImage(IMAGE, "third");
    expect(written()).toBeUndefined();
    const asked = await digests();
    expect(asked, asked.stderr).toMatchObject({ code: 0 });
    recorded = written() ?? "";
    expect(asked.stdout).toBe(`${IMAGE}: ${recorded} is recorded now, before: none\n`);
    expect(await digests("--check")).toMatchObject({ code: 0, stdout: `${IMAGE}: as recorded\n` });
    await makeImage(IMAGE, "moved");
    const moved = await digests("--check");
    expect(moved).toMatchObject({ code: 1, stderr: expect.stringContaining("[image-moved]") });
    expect(moved.stdout).toMatch(new RegExp(`was moved; recorded: ${recorded}, today: sha256:[0-9a-f]{64}`));
    expect(moved.stdout.split(recorded), "today's is another one").toHaveLength(2);
    expect(written()).toBe(recorded);
  });

  test("installs the recorded image on a new box, and keeps it in an upgrade", async () => {
    notes = readCatalogue(join(root, "entries")).find(({ id }) => id === "notes")!;
    await switchOn();
    await systemd("ExecStart");
    await comesTrue(async () => / third$/.test(await page()));
    expect(await box.readFile(`${DIRECTORY}/compose.yaml`)).toContain(`image: ${IMAGE}@${recorded}\n`);
    const format = '{{join .RepoDigests "\\n"}}';
    expect(await say("docker", "image", "inspect", "--format", format, `${IMAGE}@${recorded}`)).toBe(
      `registry.lab/community/page@${recorded}`,
    );
    await upgrade({ box, image }, notes, (await readStates(box)).notes!);
    await systemd("ExecStop");
    await systemd("ExecStart");
    await comesTrue(async () => / third$/.test(await page()));
  });

  test("starts without the registry", async () => {
    await systemd("ExecStop");
    await community.lab.change("registry", "test", { isDown: true });
    await switchOn();
    await systemd("ExecStart");
    await comesTrue(async () => / third$/.test(await page()));
    await community.lab.change("registry", "test", undefined);
  });

  test("gets the newer image with the catalogue's new digest, and leaves no images when it is removed", async () => {
    expect(await digests()).toMatchObject({ code: 0 });
    expect(written()).not.toBe(recorded);
    notes = readCatalogue(join(root, "entries")).find(({ id }) => id === "notes")!;
    await upgrade({ box, image }, notes, (await readStates(box)).notes!);
    await systemd("ExecStop");
    await systemd("ExecStart");
    await comesTrue(async () => / moved$/.test(await page()));
    await deactivate({ box, image }, notes);
    await systemd("ExecStop");
    await removeData({ box, image }, notes);
    const left = await say("docker", "image", "ls", "--digests", "--format", "{{.Digest}}");
    expect(left).not.toContain(written());
  });
});

describe("the owner's compose project", () => {
  const MINE = "/var/lib/community-box/compose/mine";
  let mine: Service;
  const volumes = () => say("docker", "volume", "ls", "--quiet");
  const announced = async () =>
    (await announcements(box, image, BOX)).ready.filter(({ s }) => s === "Docker");

  test("becomes a service from a file, with its ports reachable and announced", async () => {
    await box.writeFile(
      `${MINE}/compose.yaml`,
      `services:
  web:
    image: ${IMAGE}
    stop_grace_period: 1s
    command: [sh, -c, "echo page > /data/index.html; exec httpd -f -p 80 -h /data"]
    ports: ["8091:80", "8092:80", "127.0.0.1:8093:80"]
    volumes: ["data:/data"]
volumes:
  data: {}
`,
    );
    const plan = await readProject(placeOf(box, "host"), "mine", "mine");
    mine = ownProject("mine", plan, chosenPorts("mine", plan, []));
    await remember(box, mine);
    expect(await announced(), "before it is switched on").toEqual([]);
    await activate({ box, image }, mine, { where: "host", inputs: {} });
    await systemd("ExecStart", "mine");
    await comesTrue(async () => (await fetchPage(8091)) === "page");
    expect(await fetchPage(8092)).toBe("page");
    expect(await fetchPage(8093), "a port of the box alone").toBe("");
    expect(await announced()).toMatchObject([
      { s: "Docker", d: "page:1_mine", m: "can-bruixa.guifi.local", i: BOX, p: "8091" },
      { s: "Docker", d: "page:1_mine", m: "can-bruixa.guifi.local", i: BOX, p: "8092" },
    ]);
  });

  test("is closed and not announced when it is disabled, and has its data when it is enabled again", async () => {
    await inWeb("echo kept > /data/kept", MINE);
    await deactivate({ box, image }, mine);
    expect(box.told).toContain("disable --now cbox-compose@mine.service");
    await systemd("ExecStop", "mine");
    expect(await fetchPage(8091)).toBe("");
    expect(await announced()).toEqual([]);
    expect(await volumes()).toBe("mine_data");
    await activate({ box, image }, mine, { where: "host", inputs: {} });
    await systemd("ExecStart", "mine");
    await comesTrue(async () => (await fetchPage(8091, "/kept")) === "kept");
  });

  test("leaves no containers, volume or files when it is removed", async () => {
    await deactivate({ box, image }, mine);
    await systemd("ExecStop", "mine");
    expect(await removeData({ box, image }, mine)).toEqual([`host: ${MINE}`]);
    expect(await volumes()).toBe("");
    expect(await say("docker", "ps", "--all", "--quiet")).toBe("");
    expect(await box.exists(MINE)).toBe(false);
  });
});

describe("a service whose first visitor becomes its administrator", () => {
  /** Its account is made when there is a file `in`. */
  const PAGE = "/in";
  let diary: Service;
  const start = async (more: { readonly claimed?: boolean } = {}) => {
    await activate({ box, image }, diary, { where: "host", inputs: {}, ...more });
    await systemd("ExecStart", "diary");
  };
  const onTheBox = (path: string) => box.request({ method: "GET", url: `http://127.0.0.1:8086${path}` });

  test("answers on the box only, however often it starts, and is not announced", async () => {
    diary = visitorEntry(PAGE);
    await remember(box, diary);
    for (const _time of ["first", "second"]) {
      await start();
      await comesTrue(async () => (await onTheBox("/").catch(() => undefined))?.status === 200);
      expect(await fetchPage(8086), "for a neighbour").toBe("");
      await systemd("ExecStop", "diary");
    }
    await systemd("ExecStart", "diary");
    expect((await announcements(box, image, BOX)).ready.filter(({ p }) => p === "8086")).toEqual([]);
  });

  test("shows on its page whether the account exists, and stays open and announced once claimed", async () => {
    await comesTrue(async () => (await onTheBox("/").catch(() => undefined))?.status === 200);
    expect(await failureOf(() => needAccount(box, diary))).toMatchObject({
      code: "service-unclaimed",
      found: `http://127.0.0.1:8086${PAGE}: expected status 200, found 404`,
    });
    await inWeb(`echo account > /data${PAGE}`, "/var/lib/community-box/compose/diary");
    await needAccount(box, diary);
    await start({ claimed: true });
    await comesTrue(async () => (await fetchPage(8086, PAGE)) === "account");
    expect((await announcements(box, image, BOX)).ready.map(({ p }) => p)).toContain("8086");
    await start();
    await comesTrue(async () => (await fetchPage(8086, PAGE)) === "account");
  });

  test("begins closed without its data", async () => {
    await deactivate({ box, image }, diary);
    await systemd("ExecStop", "diary");
    await removeData({ box, image }, diary);
    await start();
    await comesTrue(async () => (await onTheBox("/").catch(() => undefined))?.status === 200);
    expect((await onTheBox(PAGE)).status).toBe(404);
    expect(await fetchPage(8086), "for a neighbour").toBe("");
    await deactivate({ box, image }, diary);
    await systemd("ExecStop", "diary");
    await removeData({ box, image }, diary);
  });
});

describe("Docker's reading of a compose file", () => {
  const read = async (text: string) => {
    await box.writeFile("/var/lib/community-box/compose/mine/compose.yaml", text);
    return readProject(placeOf(box, "host"), "mine", "mine");
  };

  test("covers every way to write a port", async () => {
    const plan = await read(`services:
  web: { image: "a:1", ports: ["8080:80", "127.0.0.1:8081:81", "5300:53/udp", { target: 82, published: 8082 }] }
  more: { build: ., ports: ["9000-9001:9000-9001"] }
  quiet: { image: "b:1" }
`);
    expect(plan.ports.filter(({ bound }) => bound !== undefined)).toEqual([
      { service: "web", port: 8081, protocol: "tcp", bound: "127.0.0.1" },
    ]);
    expect([...plan.images].sort()).toEqual(["a:1", "b:1", "mine-more"]);
    const ports = plan.ports.map(({ service, port, protocol }) => `${service} ${port}/${protocol}`).sort();
    expect(ports).toEqual([
      ...["more 9000/tcp", "more 9001/tcp"],
      ...["web 5300/udp", "web 8080/tcp", "web 8081/tcp", "web 8082/tcp"],
    ]);
  });

  test("covers every way to bind a port to one address and to all", async () => {
    const { ports } = await read(`services:
  web:
    image: "a:1"
    ports:
      - "127.0.0.1:1:80"
      - { target: 80, published: 2, host_ip: 127.0.0.1 }
      - "[::1]:3:80"
      - "\${WHERE:-127.0.0.2}:4:80"
      - "127.0.0.1:5-6:80-81"
      - "[::ffff:127.0.0.1]:7:80"
      - "192.168.1.10:8:80"
      - "127.0.0.1::80"
      - "0.0.0.0:9:80"
      - "[::]:9:80"
      - "[0:0:0:0:0:0:0:0]:10:80"
      - { target: 80, published: 11, host_ip: "::" }
`);
    expect(
      ports.map(({ port, bound = "all", inside = "127.0.0.1" }) => `${port} ${bound} ${inside}`),
    ).toEqual([
      ...["1 127.0.0.1 127.0.0.1", "2 127.0.0.1 127.0.0.1", "3 ::1 ::1", "4 127.0.0.2 127.0.0.2"],
      ...["5 127.0.0.1 127.0.0.1", "6 127.0.0.1 127.0.0.1", "7 127.0.0.1 127.0.0.1"],
      ...["8 192.168.1.10 192.168.1.10", "9 all 127.0.0.1", "10 all ::1", "11 all ::1"],
    ]);
  });

  test("merges a thousand adjacent ports into one range, and finds no ports of a service on the host's network", async () => {
    const { ports, onHost } = await read(`services:
  turn: { image: "a:1", ports: ["3478:3478/udp", "49160-50160:49160-50160/udp"] }
  tv: { image: "a:1", network_mode: host, ports: ["1234:80"] }
  radio: { image: "a:1", networks: [lan] }
networks: { lan: { external: true, name: host } }
`);
    expect(ports).toEqual([
      { service: "turn", port: 3478, protocol: "udp" },
      { service: "turn", port: 49160, last: 50160, protocol: "udp" },
    ]);
    expect([...onHost].sort()).toEqual(["radio", "tv"]);
  });

  test.each([
    ["one without a default", `A: "\${DB_PASSWORD}"`, "DB_PASSWORD"],
    ["a $ within a password, and another", `A: pa$word, B: "\${OTHER}"`, "OTHER, word"],
    ["one that must be set", `A: "\${DB_PASSWORD:?say it}"`, "DB_PASSWORD"],
  ])("names variables that are not set: %s", async (_what, environment, names) => {
    const failure = await failureOf(() =>
      read(`services: { db: { image: "a:1", environment: { ${environment} } } }\n`),
    );
    expect(failure.code).toBe("compose-variables");
    expect(failure.found?.split(", ").sort().join(", ")).toBe(names);
  });

  test("covers variables with a value, a default or passed through, and warnings about an accepted file", async () => {
    await box.writeFile("/var/lib/community-box/compose/mine/.env", "GIVEN=x\nBLANK=\n");
    const plan = await read(
      `version: "3"
services: { web: { image: "a:1", environment: { A: "\${GIVEN}", B: "\${BLANK}", C: "\${D:-y}", E: "a$$b", F: } } }
`,
    );
    await box.remove("/var/lib/community-box/compose/mine/.env");
    expect(plan.absent).toEqual(["web: F"]);
    expect(plan.said).toEqual([expect.stringMatching(/the attribute `version` is obsolete/)]);
  });

  test.each([
    ["no services", "hello: world\n", /hello/],
    ["a service without image", "services: { web: {} }\n", /image/],
    ["a wrong type", "services: { web: { image: [1] } }\n", /image/],
    ["services that are none", "services: {}\n", /there is none/],
    ["no YAML", "services: [", /yaml/],
    ["a port by chance", 'services: { web: { image: "a:1", ports: ["80"] } }\n', /no single number outside/],
    [
      "a choice of ports",
      'services: { web: { image: "a:1", ports: ["8080-8090:80"] } }\n',
      /no single number outside/,
    ],
  ])("refuses %s with Docker's reason", async (_what, text, found) => {
    expect(await failureOf(() => read(text))).toMatchObject({
      code: "compose-invalid",
      found: expect.stringMatching(found),
    });
  });
});

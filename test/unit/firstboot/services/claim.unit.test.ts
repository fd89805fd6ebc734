// SPDX-License-Identifier: GPL-3.0-or-later
// Applications whose first visitor becomes their administrator: closed to other machines until the owner has made that
// account, whatever happens in between, and open afterwards.

import { describe, expect, test } from "vitest";
import type { Service } from "../../../../common/service.ts";
import { catalogue } from "../../../../firstboot/catalogue/catalogue.ts";
import { runCompose, runServices } from "../../../../firstboot/commands/services.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { translator } from "../../../../firstboot/i18n/translate.ts";
import { announcements } from "../../../../firstboot/services/announce.ts";
import { defaultInputs } from "../../../../firstboot/services/data.ts";
import { activate, deactivate } from "../../../../firstboot/services/engine.ts";
import { publish } from "../../../../firstboot/services/publish.ts";
import { writeState } from "../../../../firstboot/services/state.ts";
import { steps } from "../../../../firstboot/steps/index.ts";
import { servicesStatus } from "../../../../firstboot/steps/services/status.ts";
import { failureOf } from "../../../failure-of.ts";
import { type FakeBox, IMAGE, PowerCut } from "../../helpers/fake-box.ts";
import { roomyBox, stateOf } from "../../helpers/services-box.ts";

const INSIDE = "/var/lib/incus/containers/community_community/rootfs/var/lib/community-box/compose";
/** Those of the catalogue, with their port and the page that tells. */
const CLOSED = [
  ["wordpress", 8087, "/wp-login.php"],
  ["home-assistant", 8123, "/"],
] as const;

async function run(box: FakeBox, verb: string, id?: string, options = {}): Promise<string> {
  const lines: string[] = [];
  const tools = { box, image: IMAGE, t: translator("en"), print: (line: string) => void lines.push(line) };
  await runServices(tools, verb, id, options);
  return lines.join("\n");
}

/** What its page answers on the box, and which page was asked for. */
function answering(box: FakeBox, status: number): string[] {
  const asked: string[] = [];
  box.servers.request = async ({ method, url }) => {
    asked.push(`${method} ${url}`);
    return { status, body: Buffer.from("") };
  };
  return asked;
}

const listens = (box: FakeBox, port: number) => box.system.services.devices.get(`community/cbox-tcp-${port}`);
const published = (box: FakeBox, id: string) => box.files.get(`${INSIDE}/${id}/compose.yaml`);
const closed = (box: FakeBox, id: string, port: number) => {
  expect(listens(box, port)).toBe(`tcp:127.0.0.1:${port}`);
  expect(published(box, id)).toContain(`"127.0.0.1:${port}:`);
};
const open = (box: FakeBox, id: string, port: number) => {
  expect(listens(box, port)).toBe(`tcp:0.0.0.0:${port}`);
  expect(published(box, id)).toContain(`"${port}:`);
};

test("the catalogue states for each service with an open port who gets the administrator's account", () => {
  const unsaid = catalogue.filter(
    ({ ports, first_account: account }) => ports.some((port) => port.public) && account === undefined,
  );
  expect(unsaid.map(({ id }) => id)).toEqual([]);
  const visitors = catalogue.filter((service) => service.first_account === "visitor");
  expect(visitors.map(({ id }) => id).sort()).toEqual(["home-assistant", "wordpress"]);
});

describe.each(CLOSED)("%s", (id, port, page) => {
  test("is closed when it is enabled, and prints the exact commands for its owner", async () => {
    const box = roomyBox();
    box.files.set(paths.choices, JSON.stringify({ owner: "anna" }));
    const said = await run(box, "enable", id);
    closed(box, id, port);
    expect(said).toContain(`ssh -L ${port}:localhost:${port} anna@10.1.2.50`);
    expect(said).toContain(`http://localhost:${port}/`);
    expect(said).toContain(`sudo cbox services claim ${id}`);
    expect(await run(box, "list")).toMatch(
      new RegExp(`^${id} +community +works, not claimed yet: sudo cbox services claim ${id}$`, "m"),
    );
  });

  test("is opened by claim once its page shows the account, and refuses claim before", async () => {
    const box = roomyBox();
    await run(box, "enable", id);
    const asked = answering(box, 302);
    expect(await failureOf(() => run(box, "claim", id))).toMatchObject({
      code: "service-unclaimed",
      found: expect.stringContaining("302"),
      hint: expect.stringContaining(`sudo cbox services claim ${id}`),
    });
    expect(asked).toEqual([`GET http://127.0.0.1:${port}${page}`]);
    closed(box, id, port);
    answering(box, 200);
    expect(await run(box, "claim", id)).toContain(`http://10.1.2.50:${port}/`);
    open(box, id, port);
    expect(await run(box, "list")).toMatch(new RegExp(`^${id} +community +works$`, "m"));
    // As often as one likes; off and on again it stays the owner's.
    await run(box, "claim", id);
    await run(box, "disable", id);
    await run(box, "enable", id);
    open(box, id, port);
  });

  test("stays closed when its page does not answer, unless the owner says --yes", async () => {
    const box = roomyBox();
    await run(box, "enable", id);
    expect((await failureOf(() => run(box, "claim", id))).code).toBe("service-unclaimed");
    closed(box, id, port);
    await run(box, "claim", id, { yes: true });
    open(box, id, port);
  });

  test("begins closed again after its data was removed", async () => {
    const box = roomyBox();
    await run(box, "enable", id);
    await run(box, "claim", id, { yes: true });
    await run(box, "disable", id);
    await run(box, "remove-data", id, { yes: true });
    await run(box, "enable", id);
    closed(box, id, port);
  });

  test("begins closed in a context that was made again", async () => {
    const box = roomyBox();
    await run(box, "enable", id);
    await run(box, "claim", id, { yes: true });
    for (const path of [...box.files.keys()]) if (path.startsWith(INSIDE)) box.files.delete(path);
    await run(box, "enable", id);
    closed(box, id, port);
  });

  test("stays open on a box where it was enabled before claims were recorded", async () => {
    const box = roomyBox();
    await run(box, "enable", id);
    await run(box, "claim", id, { yes: true });
    const { claimed: _unknown, ...old } = (await stateOf(box, id))!;
    await writeState(box, id, old);
    await run(box, "enable", id);
    open(box, id, port);
    expect(await run(box, "list")).toMatch(new RegExp(`^${id} +community +works$`, "m"));
  });

  test("is closed when it comes up after a first start that failed, in the set-up, too", async () => {
    const box = roomyBox();
    box.system.services.docker.isOffline = true;
    const services = steps.find((step) => step.id === "services")!;
    const answers = { [id]: { enabled: true, context: "community" } };
    const signal = new AbortController().signal;
    const tools = { box, image: IMAGE, signal, progress() {}, answersOf: () => ({}), secretsOf: () => ({}) };
    await services.apply(answers, tools as never);
    box.system.services.docker.isOffline = false;
    await run(box, "disable", id);
    await run(box, "enable", id);
    closed(box, id, port);
  });

  test("is closed before the claim, wherever a power cut occurs", async () => {
    for (let effects = 1; ; effects++) {
      const box = roomyBox();
      box.cutAfter(effects);
      const isCut = await run(box, "enable", id).then(
        () => false,
        (error) => error instanceof PowerCut || Promise.reject(error),
      );
      box.powerOn();
      expect([undefined, `tcp:127.0.0.1:${port}`]).toContain(listens(box, port));
      await run(box, "enable", id);
      closed(box, id, port);
      if (!isCut) break;
    }
  });
});

describe("an unclaimed service", () => {
  /** As an entry that is announced would be. */
  const wiki: Service = {
    ...catalogue.find(({ id }) => id === "wordpress")!,
    publication: { type: "Docker", description: "wiki", each_port: false, txt: "" },
  };

  test("is not announced before the claim, and is announced afterwards", async () => {
    const box = roomyBox();
    const at = catalogue.findIndex(({ id }) => id === "wordpress");
    const all = catalogue as Service[];
    const [original] = all.splice(at, 1, wiki);
    try {
      await run(box, "enable", "serf");
      await run(box, "enable", "wordpress");
      const announced = async () => (await announcements(box, IMAGE, "10.1.2.50")).ready.map(({ p }) => p);
      expect(await announced()).not.toContain("8087");
      expect(await run(box, "list")).toMatch(/^wordpress .*works, not claimed yet/m);
      await run(box, "claim", "wordpress", { yes: true });
      await publish(box, IMAGE);
      expect(await announced()).toContain("8087");
    } finally {
      all.splice(at, 1, original!);
    }
  });

  test("is named at the end of the set-up and in cbox status", async () => {
    const box = roomyBox();
    await run(box, "enable", "wordpress");
    const status = await servicesStatus(box, IMAGE);
    expect(status.state).toBe("works");
    expect(status.advice).toEqual({ key: "status.services.claim", values: { id: "wordpress" } });
    expect(status.data).toMatchObject({ services: [{ id: "docker" }, { id: "wordpress", claimed: false }] });
    const services = steps.find((step) => step.id === "services")!;
    const handed = () =>
      services.generatedCredentials!({ wordpress: { enabled: true } }, { box, image: IMAGE } as never);
    expect(await handed()).toEqual([{ key: "hand-over.services.claim", values: { id: "wordpress" } }]);
    await run(box, "claim", "wordpress", { yes: true });
    expect(await handed()).toEqual([]);
  });

  test("is closed after a move to another place, where it has no data", async () => {
    const box = roomyBox();
    const inputs = defaultInputs(wiki);
    await activate({ box, image: IMAGE }, wiki, { where: "community", inputs, claimed: true });
    expect((await stateOf(box, "wordpress"))?.claimed).toBe(true);
    await deactivate({ box, image: IMAGE }, wiki);
    await writeState(box, "wordpress", { ...(await stateOf(box, "wordpress"))!, where: "owner" });
    await activate({ box, image: IMAGE }, wiki, { where: "community", inputs });
    closed(box, "wordpress", 8087);
  });
});

describe("the owner's compose project", () => {
  const FILE = 'services: { web: { image: "forge:1", ports: ["3022:22", "127.0.0.1:3001:1", "3000:80"] } }\n';
  const add = async (options = {}, box = roomyBox()) => {
    box.files.set("/home/anna/forge/compose.yaml", FILE);
    const lines: string[] = [];
    const print = (line: string) => void lines.push(line);
    await runCompose({ box, image: IMAGE, t: translator("en"), print }, "add", "/home/anna/forge", options);
    return { box, said: lines.join("\n") };
  };
  const ports = (box: FakeBox) => [3000, 3022].map((port) => listens(box, port));

  test("added with --claim is closed until it is claimed, even after an upgrade", async () => {
    const { box, said } = await add({ claim: true, port: ["3000", "3022"] });
    expect(said).toContain("ssh -L 3000:localhost:3000");
    expect(ports(box)).toEqual(["tcp:127.0.0.1:3000", "tcp:127.0.0.1:3022"]);
    await add({}, box);
    expect(ports(box)).toEqual(["tcp:127.0.0.1:3000", "tcp:127.0.0.1:3022"]);
    // The box knows none of its pages, and asks none.
    await run(box, "claim", "forge");
    expect(ports(box)).toEqual(["tcp:0.0.0.0:3000", "tcp:0.0.0.0:3022"]);
    await add({ claim: true }, box);
    expect(ports(box), "it is the owner's already").toEqual(["tcp:0.0.0.0:3000", "tcp:0.0.0.0:3022"]);
  });

  test("is open without --claim, and closed when it is added with --claim later", async () => {
    const { box } = await add();
    expect(ports(box)).toEqual(["tcp:0.0.0.0:3000", "tcp:0.0.0.0:3022"]);
    await add({ claim: true }, box);
    expect(ports(box)).toEqual(["tcp:127.0.0.1:3000", "tcp:127.0.0.1:3022"]);
  });
});

test("claim is refused where no account can be taken, and where the service is disabled", async () => {
  const box = roomyBox();
  await run(box, "enable", "etherpad");
  expect((await failureOf(() => run(box, "claim", "etherpad"))).code).toBe("service-no-claim");
  expect((await failureOf(() => run(box, "claim", "wordpress"))).code).toBe("service-off");
});

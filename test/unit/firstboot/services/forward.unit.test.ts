// SPDX-License-Identifier: GPL-3.0-or-later
// Ports of contexts whose clients are seen by their own address: which rules are made for which ports, and when the
// proxies of Incus answer instead.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { PlaceId } from "../../../../common/service.ts";
import { catalogue } from "../../../../firstboot/catalogue/catalogue.ts";
import { chooseNetworks, ensureAcls } from "../../../../firstboot/contexts/network-acl.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { defaultInputs } from "../../../../firstboot/services/data.ts";
import { activate, deactivate } from "../../../../firstboot/services/engine.ts";
import { forwardPorts } from "../../../../firstboot/services/forward.ts";
import { publish } from "../../../../firstboot/services/publish.ts";
import { contexts } from "../../../../firstboot/steps/contexts/index.ts";
import { PROJECT } from "../../../../image/host/paths.ts";
import { type FakeBox, IMAGE } from "../../helpers/fake-box.ts";
import { roomyBox } from "../../helpers/services-box.ts";

const NAMES = ["owner", "community"] as const;
const find = (id: string) => catalogue.find((service) => service.id === id)!;

/** A box with both contexts, each with an address from DHCP. */
async function divided(): Promise<FakeBox> {
  const box = roomyBox();
  const { contexts } = box.system;
  for (const [index, id] of NAMES.entries()) {
    const network = `cbox-${id}`;
    contexts.networks.set(network, { config: { "ipv4.address": `172.31.24${index}.1/24` } });
    contexts.projects.set(id, { config: { "limits.instances": "4" } });
    contexts.profiles.set(id, { devices: { eth0: { type: "nic", network, name: "eth0" } } });
    contexts.instances.set(`${id}/${id}`, { config: {}, devices: {}, status: "Running" });
    contexts.addresses.set(id, `172.31.24${index}.77`);
  }
  await ensureAcls(box, await chooseNetworks(box), IMAGE);
  return box;
}

async function switchOn(box: FakeBox, id: string, where: PlaceId): Promise<void> {
  const service = find(id);
  await activate({ box, image: IMAGE }, service, { where, inputs: defaultInputs(service) });
}

/** What listens in a context, as `ss` there says. */
function listen(box: FakeBox, id: string, ...sockets: readonly string[]): void {
  const lines = sockets.map((socket) => `${socket} 0.0.0.0:*\n`).join("");
  box.system.answers.set(`incus exec ${id} --project ${id} -- ss -Hlntu`, lines);
}

const rules = (box: FakeBox) => (box.files.get(paths.contextPorts) ?? "").match(/^.* dnat to .*$/gm) ?? [];

/** Where the ACL of a context lets others in. */
function entrances(box: FakeBox, id: string): string[] {
  const { ingress } = box.system.contexts.acls.get(`cbox-${id}`) as {
    ingress: { action: string; protocol?: string; destination?: string; destination_port?: string }[];
  };
  return ingress
    .filter(({ destination_port: port }) => port !== undefined)
    .map((rule) => `${rule.action} ${rule.protocol} ${rule.destination} ${rule.destination_port}`);
}

describe("a public port of a service in a context", () => {
  test("is forwarded to the address of the container, which is static from then on", async () => {
    const box = await divided();
    await switchOn(box, "guifi-proxy", "community");
    expect(rules(box)).toEqual([`\t\ttcp dport 3128 dnat to 172.31.241.77 comment "community"`]);
    expect(box.system.contexts.instances.get("community/community")?.devices.eth0).toEqual({
      type: "nic",
      network: "cbox-community",
      name: "eth0",
      "ipv4.address": "172.31.241.77",
    });
    expect(box.system.commands).toContain(`nft -f ${paths.contextPorts}`);
  });

  test("is allowed at that address and port only, and at none of the other context", async () => {
    const box = await divided();
    await switchOn(box, "guifi-proxy", "community");
    expect(entrances(box, "community")).toEqual(["allow tcp 172.31.241.77/32 3128"]);
    expect(entrances(box, "owner")).toEqual([]);
  });

  test("is still a port of the box, for the box itself and for checks of its listeners", async () => {
    const box = await divided();
    await switchOn(box, "guifi-proxy", "community");
    expect(box.system.services.devices.get("community/cbox-tcp-3128")).toBe("tcp:0.0.0.0:3128");
  });

  test("is forwarded for packets to the box only, and neither from a context nor from the box itself", async () => {
    const box = await divided();
    await switchOn(box, "webdav", "owner");
    const lines = (box.files.get(paths.contextPorts) ?? "").split("\n").map((line) => line.trim());
    const first = lines.findIndex((line) => line.includes("dnat to"));
    for (const rule of [
      'iifname { "lo", "cbox-owner", "cbox-community" } accept',
      "fib daddr type != local accept",
    ]) {
      const place = lines.findIndex((line) => line.startsWith(rule));
      expect(place, rule).toBeGreaterThan(0);
      expect(place, rule).toBeLessThan(first);
    }
  });

  test("is forwarded for UDP and for a range of numbers, too", async () => {
    const box = await divided();
    await switchOn(box, "guifi-proxy", "community");
    const { devices } = box.system.services;
    devices.set("community/cbox-udp-5300", "udp:0.0.0.0:5300");
    devices.set("community/cbox-udp-49160-50160", "udp:0.0.0.0:49160-50160");
    listen(box, "community", "udp UNCONN 0 0 *:5300", "udp UNCONN 0 0 0.0.0.0:49200");
    await forwardPorts(box, IMAGE);
    expect(rules(box).map((line) => line.trim().split(" dnat ")[0])).toEqual([
      "tcp dport 3128",
      "udp dport 49160-50160",
      "udp dport 5300",
    ]);
    expect(entrances(box, "community")).toContain("allow udp 172.31.241.77/32 49160-50160");
  });

  test("is closed again when its service is disabled", async () => {
    const box = await divided();
    await switchOn(box, "guifi-proxy", "community");
    await switchOn(box, "webdav", "owner");
    await deactivate({ box, image: IMAGE }, find("guifi-proxy"));
    expect(rules(box)).toEqual([`\t\ttcp dport 8008 dnat to 172.31.240.77 comment "owner"`]);
    expect(entrances(box, "community")).toEqual([]);
    await deactivate({ box, image: IMAGE }, find("webdav"));
    expect(box.files.has(paths.contextPorts)).toBe(false);
  });
});

describe("the proxy of Incus serves", () => {
  test("a port that is only the box's own", async () => {
    const box = await divided();
    await switchOn(box, "syncthing", "owner");
    expect(rules(box).join()).toContain("dport 22000 ");
    expect(rules(box).join()).not.toContain("8384");
  });

  test.each([
    ["the loopback address", "127.0.0.1:3128", []],
    ["an address of Docker's", "172.17.0.1:3128", []],
    ["IPv6 alone", "[::]:3128", []],
    ["every address", "*:3128", ["3128"]],
    ["every address of IPv4", "0.0.0.0:3128", ["3128"]],
    ["its own address", "172.31.241.77:3128", ["3128"]],
    ["every address of one interface", "0.0.0.0%eth0:3128", ["3128"]],
  ])("unless the container listens where others connect: at %s", async (_where, socket, led) => {
    const box = await divided();
    await switchOn(box, "guifi-proxy", "community");
    listen(box, "community", `tcp LISTEN 0 256 ${socket}`);
    await forwardPorts(box, IMAGE);
    expect(rules(box).map((line) => line.match(/dport (\d+)/)?.[1])).toEqual(led);
    expect(entrances(box, "community").map((line) => line.split(" ").at(-1))).toEqual(led);
  });

  test("a service that listens at one address inside, until it is seen to listen at another", async () => {
    const box = await divided();
    await switchOn(box, "guifi-proxy", "community");
    listen(box, "community");
    const args = ["config", "device", "add", "community", "cbox-tcp-80", "proxy"];
    const ends = ["listen=tcp:0.0.0.0:80", "connect=tcp:172.31.241.9:80", "bind=host"];
    await box.run("incus", [...args, ...ends, "--project", "community"]);
    await forwardPorts(box, IMAGE);
    expect(rules(box).map((line) => line.match(/dport (\d+)/)?.[1])).toEqual(["3128"]);
  });

  test("a port until the container has an address", async () => {
    const box = await divided();
    box.system.contexts.addresses.delete("community");
    await switchOn(box, "guifi-proxy", "community");
    expect(rules(box)).toEqual([]);
    box.system.contexts.addresses.set("community", "172.31.241.80");
    await publish(box, IMAGE);
    expect(rules(box).join()).toContain("dnat to 172.31.241.80");
  });

  test("a port when the container uses another address than it was given, but not while it has none", async () => {
    const box = await divided();
    await switchOn(box, "guifi-proxy", "community");
    box.system.contexts.addresses.delete("community");
    await forwardPorts(box, IMAGE);
    expect(rules(box)).toHaveLength(1);
    box.system.contexts.addresses.set("community", "172.31.241.5");
    await forwardPorts(box, IMAGE);
    expect(rules(box)).toEqual([]);
    expect(entrances(box, "community")).toEqual([]);
  });

  const chain = (table: string, policy: string, family = "ip") => ({
    chain: { family, table, name: "FORWARD", type: "filter", hook: "forward", prio: 0, policy },
  });
  const rule = (table: string, family = "ip") => ({ rule: { family, table, chain: "FORWARD", expr: [] } });
  test.each([
    ["drops what is passed on", [chain("filter", "drop")], 0],
    ["has rules of its own for that", [chain("filter", "accept"), rule("filter")], 0],
    ["has none for that", [chain("filter", "accept"), rule("nat"), rule("filter", "ip6")], 1],
    ["is Incus' and the box's own", [chain("incus", "accept", "inet"), rule("incus", "inet")], 1],
  ])("a port, depending on the machine's own firewall, when that %s: %#", async (_what, nftables, count) => {
    const box = await divided();
    box.system.contexts.ruleset = { nftables };
    await switchOn(box, "guifi-proxy", "community");
    expect(rules(box)).toHaveLength(count);
  });

  test("a port when the rules cannot be made: the service runs nevertheless, and the reason is reported", async () => {
    const box = await divided();
    box.system.failing.add("nft");
    await switchOn(box, "guifi-proxy", "community");
    expect(rules(box)).toEqual([]);
    expect(box.system.services.devices.size).toBe(1);
    const said: string[] = [];
    await forwardPorts(box, IMAGE, (line) => said.push(line));
    expect(said.join()).toMatch(/^clients of the contexts are seen by the address of a proxy: .*nft/);
  });
});

describe("the forwarding rules", () => {
  test("do not change when they are made again, and Incus is updated once", async () => {
    const box = await divided();
    await switchOn(box, "guifi-proxy", "community");
    const before = { files: new Map(box.files), puts: box.system.commands.filter(isAclChange).length };
    await forwardPorts(box, IMAGE);
    expect(box.files).toEqual(before.files);
    expect(box.system.commands.filter(isAclChange)).toHaveLength(before.puts);
  });

  test("are made at the next announcement on a box whose services are enabled already", async () => {
    const box = await divided();
    await switchOn(box, "guifi-proxy", "community");
    box.files.delete(paths.contextPorts);
    box.system.contexts.instances.set("community/community", { config: {}, devices: {}, status: "Running" });
    await publish(box, IMAGE);
    expect(rules(box)).toHaveLength(1);
  });

  test("stay unchanged while Incus does not answer", async () => {
    const box = await divided();
    await switchOn(box, "guifi-proxy", "community");
    box.system.failing.add("incus");
    await forwardPorts(box, IMAGE);
    expect(rules(box)).toHaveLength(1);
  });

  test("stay unchanged while a container is starting, about which Incus says hardly anything", async () => {
    const box = await divided();
    await switchOn(box, "guifi-proxy", "community");
    const starting = JSON.stringify([{ name: "community", status: "Error", type: "container" }]);
    box.system.answers.set("incus query /1.0/instances?project=community&recursion=2", starting);
    await forwardPorts(box, IMAGE);
    expect(rules(box)).toHaveLength(1);
  });

  test("survive a change of the contexts' sizes, which makes the ACLs again", async () => {
    const box = await divided();
    await switchOn(box, "guifi-proxy", "community");
    await ensureAcls(box, await chooseNetworks(box), IMAGE);
    expect(entrances(box, "community")).toEqual(["allow tcp 172.31.241.77/32 3128"]);
  });

  test("need no command on a box without services in contexts", async () => {
    const box = await divided();
    await switchOn(box, "guifi-proxy", "host");
    box.system.commands.length = 0;
    await forwardPorts(box, IMAGE);
    expect(box.system.commands).toEqual([]);
  });

  test("are removed with the contexts", async () => {
    const box = await divided();
    await switchOn(box, "guifi-proxy", "community");
    await contexts.reset?.(box, IMAGE, { keepData: false, progress: () => {} });
    expect(box.files.has(paths.contextPorts)).toBe(false);
    expect(box.system.commands).toContain("nft -f -");
  });

  test("are loaded at the next start after the firewall rules of the contexts, and never instead of them", () => {
    const unit = "overlays/base/files/usr/lib/systemd/system/cbox-contexts.service.hbs";
    const starts = readFileSync(join(PROJECT, unit), "utf8").match(/^ExecStart=.*$/gm) ?? [];
    expect(starts).toHaveLength(2);
    expect(starts[0]).toBe(`ExecStart=${paths.wallsProgram}`);
    expect(starts[1]).toMatch(/^ExecStart=-/);
    expect(starts[1]).toContain(`nft -f ${paths.contextPorts}`);
  });
});

test.each(catalogue.filter(({ compose }) => compose).map((service) => [service.id, service] as const))(
  "%s publishes exactly its public ports to others",
  (_id, { ports, templates }) => {
    const text = (templates["compose.yaml.hbs"] ?? "").replaceAll(/\{\{.*?\}\}/g, "x");
    const { services } = parse(text) as { services: { [name: string]: { ports?: string[] } } };
    const published = Object.values(services).flatMap((each) => each.ports ?? []);
    const open = ports.filter((each) => each.public).map(({ port }) => port);
    for (const each of published) {
      const number = Number(/(\d+):\d+(\/udp)?$/.exec(each)?.[1]);
      expect(each.startsWith("127.0.0.1:"), each).toBe(!open.includes(number));
    }
  },
);

function isAclChange(command: string): boolean {
  return command.includes("/1.0/network-acls") && command.includes("--request");
}

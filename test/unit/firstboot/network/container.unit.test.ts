// SPDX-License-Identifier: GPL-3.0-or-later
// The network of a box that is a container: what its host has lent it counts as a socket, what it has made itself not.

import { beforeEach, expect, test } from "vitest";
import { paths } from "../../../../firstboot/host/paths.ts";
import { automatic, findInterfaces } from "../../../../firstboot/network/interfaces.ts";
import type { StepTools } from "../../../../firstboot/setup/step.ts";
import { network } from "../../../../firstboot/steps/network/index.ts";
import { failureOf } from "../../../failure-of.ts";
import { FakeBox, IMAGE } from "../../helpers/fake-box.ts";

const FIXED = { method: "static", address: "10.1.2.3/27", gateway: "10.1.2.1" };

let box: FakeBox;

/** As the kernel shows it: an interface without a device, whose other end has the number `iflink`. */
function link(name: string, ifindex: number, iflink: number, more: readonly string[] = []): void {
  const values = { type: "1", address: "02:00:00:00:00:09", carrier: "1", ifindex, iflink };
  for (const [file, value] of Object.entries(values))
    box.files.set(`/sys/class/net/${name}/${file}`, `${value}\n`);
  for (const file of more) box.files.set(`/sys/class/net/${name}/${file}`, "");
}

const names = async () => (await findInterfaces(box)).map(({ name }) => name);

function tools(): StepTools {
  return {
    ...{
      box,
      image: { ...IMAGE, container: true },
      providedSecrets: new Set<string>(),
      skippedSteps: new Set<never>(),
    },
    ...{ answersOf: () => ({}), progress: () => {}, signal: new AbortController().signal },
  };
}

beforeEach(() => {
  box = new FakeBox();
  for (const path of [...box.files.keys()]) if (path.startsWith("/sys/class/net/")) box.files.delete(path);
  box.files.set("/run/systemd/container", "lxc\n");
});

test.each([
  ["a veth of Incus or LXC", "eth0", 2, 41],
  ["a veth of systemd-nspawn", "host0", 2, 7],
  ["a macvlan", "mv-enp1s0", 5, 2],
])("%s counts as a network interface of the container", async (_name, name, ifindex, iflink) => {
  link(name, ifindex, iflink);
  expect(await names()).toEqual([name]);
});

test("interfaces made in the container do not count", async () => {
  link("eth0", 2, 41);
  link("docker0", 3, 3, ["bridge/bridge_id"]);
  link("vethab12cd", 5, 4, ["brport/state"]);
  link("dummy0", 6, 6);
  expect(await names()).toEqual(["eth0"]);
});

test("a container's end of a veth does not count on a physical machine", async () => {
  box.files.delete("/run/systemd/container");
  box.plugIn("enp1s0", true);
  link("vethab12cd", 5, 4);
  expect(await names()).toEqual(["enp1s0"]);
});

test("a static address is set on the container's interface", async () => {
  link("eth0", 2, 41);
  expect(network.check(FIXED, await network.probe(box, IMAGE, {}), new Set())).toEqual([]);
  await network.apply(FIXED, tools());
  expect(box.files.get(paths.network)).toMatch(
    /^\[Match\]\nName=eth0\n\n\[Network\](.*\n)*Address=10\.1\.2\.3\/27$/m,
  );
});

test("a static address fails without an interface: interface-missing", async () => {
  expect(automatic(await findInterfaces(box))).toBeUndefined();
  const failure = await failureOf(() => network.apply(FIXED, tools()));
  expect(failure.code).toBe("interface-missing");
  expect(failure.message).toBe("No network interface was found for the static address.");
});

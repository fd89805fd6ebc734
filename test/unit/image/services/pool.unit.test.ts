// SPDX-License-Identifier: GPL-3.0-or-later
// Which packages of services go into the image: what the host or a context lacks, and nothing that both have.
import { describe, expect, it } from "vitest";
import type { Service } from "../../../../common/service.ts";
import type { Lock } from "../../../../image/debian/lock.ts";
import { listProfiles, resolveProfile } from "../../../../image/profile/index.ts";
import { planPool, poolPins, SERVICES_SETS, servicesRequests } from "../../../../image/services/pool.ts";
import { catalogueOf, catalogueOfAll, withServices } from "../../../../image/services/source.ts";
import { failureOf } from "../../../failure-of.ts";

const service = (id: string, allowed: readonly string[], more: object = {}) =>
  ({
    id,
    source: "pool",
    packages: [`${id}-package`],
    architectures: ["amd64"],
    where: { allowed },
    ...more,
  }) as unknown as Service;

const CATALOGUE = [
  service("both", ["host", "owner"]),
  service("inside", ["community"]),
  service("outside", ["host"]),
  service("there", ["host"], { source: "image" }),
  service("arm", ["host"], { architectures: ["arm64"] }),
];

describe("the requested packages of services", () => {
  it("are each service's packages where it may run, in addition to those of the image", () => {
    const present = { host: ["?essential", "apt", "both-package"], context: ["?essential"] };
    expect(servicesRequests(CATALOGUE, "amd64", present)).toEqual({
      [SERVICES_SETS.host]: ["?essential", "apt", "both-package", "outside-package"],
      [SERVICES_SETS.context]: ["?essential", "both-package", "inside-package"],
    });
  });

  it("are none for contexts where there are no contexts", () => {
    const requests = servicesRequests(CATALOGUE, "amd64", { host: ["apt"] });
    expect(requests).toEqual({ [SERVICES_SETS.host]: ["apt", "both-package", "outside-package"] });
  });

  it("are those that exist for the architecture", () => {
    const requests = servicesRequests(CATALOGUE, "arm64", { host: [], context: [] });
    expect(requests[SERVICES_SETS.host]).toEqual(["arm-package"]);
  });
});

describe("the packages added to the image", () => {
  const names = ["libc", "perl", "squid", "snmpd"];
  const pin = (name: string) => ({ name }) as Lock["packages"][string];
  const set = (...packages: string[]) => ({ request: [], packages });
  const lock = {
    sets: {
      "profile:x": set("libc", "perl"),
      context: set("libc"),
      [SERVICES_SETS.host]: set("libc", "perl", "snmpd"),
      [SERVICES_SETS.context]: set("libc", "perl", "squid"),
    },
    packages: Object.fromEntries(names.map((name) => [name, pin(name)])),
  } as unknown as Lock;

  it("are those that one of the two lacks, each once, in order", () => {
    expect(poolPins({ lock }, "profile:x", "context").map(({ name }) => name)).toEqual([
      "perl",
      "snmpd",
      "squid",
    ]);
  });
});

describe("the packages of one image, and their cost", () => {
  const controls: Record<string, string> = {
    squid: "Package: squid\nDepends: perl (>= 5), libdb, logrotate | cron\n",
    snmpd: "Package: snmpd\nPre-Depends: perl\nDepends: adduser\n",
    perl: "Package: perl\nDepends: perl-modules,\n libperl\n",
    "perl-modules": "Package: perl-modules\n",
    libperl5: "Package: libperl5\nProvides: libperl (= 5)\n",
    libdb: "Package: libdb\nDepends: libdb\n",
    logrotate: "Package: logrotate\n",
    odd: "Package: odd\n",
  };
  const possible = Object.keys(controls).map((name, index) => ({ name, size: 10 ** index }) as never);
  const packages = { control: async ({ name }: { name: string }) => controls[name]! } as never;
  const plan = (sources: Record<string, string>) =>
    planPool(
      packages,
      possible,
      ["squid", "snmpd"].map((id) =>
        service(id, ["host"], { packages: [id], source: sources[id] ?? "pool" }),
      ),
      "amd64",
    );

  it("are all possible ones, each service with its dependencies, when everything is included", async () => {
    const { pins, costs } = await plan({});
    expect(pins).toEqual(possible);
    expect(costs).toEqual({
      squid: { source: "pool", bytes: 1_111_101, own_bytes: 1_100_001 },
      snmpd: { source: "pool", bytes: 11_110, own_bytes: 10 },
    });
  });

  it("do not include the dependencies of an excluded service alone", async () => {
    const { pins, costs } = await plan({ squid: "network" });
    const left = pins.map(({ name }) => name);
    expect(left).toEqual(["snmpd", "perl", "perl-modules", "libperl5", "odd"]);
    expect(costs.squid).toEqual({ source: "network", bytes: 0, own_bytes: 0 });
    expect(costs.snmpd?.own_bytes).toBe(costs.snmpd?.bytes);
  });
});

describe("a profile's choice of services", () => {
  const vm = resolveProfile("vm-amd64");
  const catalogue = [
    service("snmp", ["host"]),
    service("docker", ["community"]),
    service("serf", ["host"], { source: "image" }),
    service("etherpad", ["community"], { source: "network", compose: { file: "x" } }),
  ];
  const wanting = (services: Record<string, string>) => ({ ...vm, services }) as typeof vm;

  it("decides where the software of a service is, and the others follow their entries", () => {
    const profile = wanting({ snmp: "image", docker: "network" });
    const mine = catalogueOf(profile, catalogue);
    expect(mine.map(({ id, source }) => `${id} ${source}`)).toEqual([
      "snmp image",
      "docker network",
      "serf image",
      "etherpad network",
    ]);
    expect(withServices(profile, mine).packages).toEqual([...vm.packages, "snmp-package"]);
    expect(withServices(vm, catalogueOf(vm, catalogue))).toBe(vm);
  });

  it("of one profile puts the packages into the lock of all", () => {
    const network = [service("snmp", ["host"], { source: "network" })];
    expect(catalogueOfAll([vm, wanting({ snmp: "pool" })], network)[0]?.source).toBe("pool");
    expect(catalogueOfAll([vm], network)[0]?.source).toBe("network");
  });

  it.each([
    [{ snpm: "pool" }, 'services.snpm: there is no such service, did you mean "snmp"?'],
    [{ etherpad: "pool" }, "services.etherpad: container images come from the network, found pool"],
    [{ serf: "network" }, "services.serf: it is a part of every image, found network"],
  ])("is refused for %j", async (services, found) => {
    expect(await failureOf(() => catalogueOf(wanting(services), catalogue))).toMatchObject({
      code: "profile-services",
      found,
    });
  });

  it("is valid in all profiles of the project", () => {
    for (const { id, abstract } of listProfiles()) if (!abstract) catalogueOf(resolveProfile(id), catalogue);
  });
});

// SPDX-License-Identifier: GPL-3.0-or-later
// Which packages of services go into the image: what the host or a context lacks, and nothing that both have.
import { describe, expect, it } from "vitest";
import type { Service } from "../../common/service.ts";
import type { Lock } from "../../image/debian/lock.ts";
import { poolPins, SERVICES_SETS, servicesRequests } from "../../image/services-pool.ts";

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

describe("what is asked for", () => {
  it("is each service's packages where it may run, beside what is there", () => {
    const present = { host: ["?essential", "apt", "both-package"], context: ["?essential"] };
    expect(servicesRequests(CATALOGUE, "amd64", present)).toEqual({
      [SERVICES_SETS.host]: ["?essential", "apt", "both-package", "outside-package"],
      [SERVICES_SETS.context]: ["?essential", "both-package", "inside-package"],
    });
  });

  it("is nothing for contexts where there are none", () => {
    const requests = servicesRequests(CATALOGUE, "amd64", { host: ["apt"] });
    expect(requests).toEqual({ [SERVICES_SETS.host]: ["apt", "both-package", "outside-package"] });
  });

  it("is what exists for the architecture", () => {
    const requests = servicesRequests(CATALOGUE, "arm64", { host: [], context: [] });
    expect(requests[SERVICES_SETS.host]).toEqual(["arm-package"]);
  });
});

describe("what goes into the image", () => {
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

  it("is what one of the two lacks, each once, in order", () => {
    expect(poolPins({ lock }, "profile:x", "context").map(({ name }) => name)).toEqual([
      "perl",
      "snmpd",
      "squid",
    ]);
  });
});

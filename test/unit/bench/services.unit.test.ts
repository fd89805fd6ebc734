// SPDX-License-Identifier: GPL-3.0-or-later
import { describe, expect, test } from "vitest";
import { readCatalogue } from "../../../common/catalogue.ts";
import { SERVICES } from "../../../image/host/paths.ts";
import {
  formatServiceCosts,
  heldMemory,
  isTooLow,
  parseStarts,
  parseUnits,
  type ServiceMeasure,
  unmeasured,
} from "../../bench/service-costs.ts";

const MIB = 1024 * 1024;
const catalogue = readCatalogue(SERVICES);
const find = (id: string) => catalogue.find((service) => service.id === id)!;
const measure = (id: string, mib: number): ServiceMeasure => ({
  ...{ id, where: "owner", diskKib: 30_000, installSeconds: 61.4, startSeconds: 8.6, memory: mib * MIB },
});

describe("measuring a service on a box", () => {
  test("reads the names of active units", () => {
    const output = `squid.service loaded active running Squid Web Proxy Server
  ssh.service   loaded active running OpenBSD Secure Shell server
`;
    expect(parseUnits(output)).toEqual(new Set(["squid.service", "ssh.service"]));
    expect(parseUnits("")).toEqual(new Set());
  });

  test("reads when its units started, and leaves out a unit without processes", () => {
    const output = `Id=docker.service
InactiveExitTimestampMonotonic=120500000
ControlGroup=/system.slice/docker.service

Id=nftables.service
InactiveExitTimestampMonotonic=119000000
ControlGroup=

InactiveExitTimestampMonotonic=118250000
Id=containerd.service
ControlGroup=/system.slice/containerd.service
`;
    expect(parseStarts(output)).toEqual([
      { unit: "docker.service", group: "/system.slice/docker.service", started: 120.5 },
      { unit: "containerd.service", group: "/system.slice/containerd.service", started: 118.25 },
    ]);
    expect(parseStarts("")).toEqual([]);
  });

  test("counts memory without what the kernel can reclaim, but with files in memory", () => {
    const stat = `anon 30000000
file 9000000
kernel 4000000
shmem 2000000
file_mapped 7000000
slab_reclaimable 1000000
slab_unreclaimable 500000
`;
    expect(heldMemory("43000000\n", stat)).toBe(35_000_000);
  });
});

describe("an entry of the catalogue", () => {
  test("states too little when its service uses a whole MiB more", () => {
    const stated = { needs: { memory_mib: 16 } };
    expect(isTooLow(stated, measure("snmp", 16.4))).toBe(false);
    expect(isTooLow(stated, measure("snmp", 16.6))).toBe(true);
    expect(isTooLow({ needs: {} }, measure("serf", 12))).toBe(true);
  });

  test("is measured when Debian has the service and the box can enable it", () => {
    const left = catalogue.filter((service) => unmeasured(service) !== undefined).map(({ id }) => id);
    expect(left).toEqual(expect.arrayContaining(["ssh", "avahi", "nextcloud", "wordpress"]));
    for (const id of ["serf", "docker", "guifi-proxy", "syncthing", "tahoe-lafs"])
      expect(left).not.toContain(id);
  });
});

describe("the page of results", () => {
  const page = formatServiceCosts({
    date: new Date("2026-11-28T12:00:00Z"),
    machine: "2 cores (some), 24 GiB, KVM",
    version: "0.1.0",
    catalogue,
    packed: {
      syncthing: { source: "pool", bytes: 8_313_184, own_bytes: 8_313_184 },
      serf: { source: "image", bytes: 0, own_bytes: 0 },
    },
    measures: [
      measure("serf", 21),
      measure("syncthing", 60),
      { id: "docker", trouble: "failed: no room left" },
    ],
  });
  const row = (id: string) => page.split("\n").find((line) => line.startsWith(`| \`${id}\` |`));

  test("states when, where and by which command it was measured", () => {
    expect(page).toContain("`./cbox bench services` on 2026-11-28: 2 cores (some), 24 GiB, KVM;");
  });

  test("has a row for each service, and marks an entry that states too little", () => {
    expect(row("syncthing")).toBe(
      `| \`syncthing\` | owner | 29 MiB | 8.3 MB (8.3) | 61 s | 9 s | 60 MiB | ${find("syncthing").needs.memory_mib} MiB |  |`,
    );
    expect(row("serf")).toContain("| installed | 61 s | 9 s | 21 MiB | 16 MiB | **says too little** |");
  });

  test("shows a service that could not be measured in a row of the same width", () => {
    expect(row("docker")).toMatch(/\| failed: no room left \|$/);
    expect(row("docker")?.split("|")).toHaveLength(row("syncthing")!.split("|").length);
  });

  test("lists the services that are not measured, with the reason", () => {
    expect(page).toContain("- `nextcloud`: pulled from the Internet\n");
    expect(page).toContain("- `ssh`: part of the system, only watched and announced\n");
  });
});

// SPDX-License-Identifier: GPL-3.0-or-later
// The doctor on machines that lack things: each lack is named and has a cure; a healthy machine passes.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cacheDir } from "../../../../image/cache/directory.ts";
import { foreignState, registration } from "../../../../image/debian/binfmt.ts";
import type { Circumstances } from "../../../../image/doctor/check.ts";
import { checks, kvmWorks, requireChecks, runChecks } from "../../../../image/doctor/index.ts";
import { bootSector } from "../../../../image/doctor/kvm.ts";
import { hostPackages } from "../../../../image/doctor/packages.ts";
import type { Host } from "../../../../image/host/this-host.ts";
import { failureOf } from "../../../failure-of.ts";

const circumstances: Circumstances = {
  cache: "/cache",
  out: "/out",
  architectures: ["amd64"],
  releases: ["trixie"],
};

/** A machine that has everything; the answers of single commands may be replaced. */
function machine(
  changes: Partial<Host> = {},
  answers: Readonly<Record<string, string | undefined>> = {},
): Host {
  const healthy: Record<string, string | undefined> = {
    "gpg --batch": ["12/bookworm", "13/trixie"]
      .map((name) => `uid  Debian Key (${name}) <d@example.net>`)
      .join("\n"),
    "apt-get indextargets": "https://mirror.example.net/debian/",
    "dpkg-query --show": "ii  1.2-3",
    ...answers,
  };
  return {
    userId: 0,
    memoryMib: 4096,
    architecture: "amd64",
    find: (program) => `/usr/bin/${program}`,
    read: () => undefined,
    runsI386: () => true,
    space: () => ({ device: 1, freeMib: 20 * 1024 }),
    async run(program, ...args) {
      const name = Object.keys(healthy).find((start) => [program, ...args].join(" ").startsWith(start));
      const answer = name ? healthy[name] : "";
      return answer === undefined
        ? { exitCode: 1, output: "not permitted" }
        : { exitCode: 0, output: answer };
    },
    ...changes,
  };
}

async function finding(id: string, host: Host, changes: Partial<Circumstances> = {}) {
  const list = checks.filter((check) => check.id === id);
  const [checkup] = await runChecks(list, { ...circumstances, ...changes }, host);
  return checkup?.finding;
}

describe("the doctor", () => {
  it("finds nothing missing on a machine that has everything", async () => {
    const all = { ...circumstances, architectures: ["amd64", "arm64"] };
    const checkups = await runChecks(checks, all, machine());
    expect(checkups.filter(({ finding }) => !finding.ok)).toEqual([]);
    expect(checkups.length).toBe(checks.length);
  });

  it("gives a remedy for every finding, with sudo where the user is not root", async () => {
    const bare = machine(
      {
        userId: 1000,
        memoryMib: 512,
        find: () => undefined,
        space: () => ({ device: 1, freeMib: 100 }),
        run: async () => ({ exitCode: 1, output: "" }),
      },
      {},
    );
    const checkups = await runChecks(checks, { ...circumstances, architectures: ["arm64"] }, bare);
    for (const { check, finding } of checkups) {
      expect.soft(finding, check.id).toMatchObject({ ok: false, cure: expect.stringMatching(/\S/) });
      if (finding.cure?.includes("apt-get")) expect.soft(finding.cure, check.id).toMatch(/^sudo /);
    }
  });

  it.each([
    ["root", machine({ userId: 1000 }), "running as user 1000", "sudo ./cbox …"],
    [
      "memory",
      machine({ memoryMib: 1024 }),
      "1.0 GiB",
      "use a machine with at least 2 GiB, or give this virtual machine more",
    ],
    [
      "disk",
      machine({
        space: (path) => ({ device: path === "/out" ? 2 : 1, freeMib: path === "/out" ? 1024 : 20480 }),
      }),
      "20.0 GiB at /cache, 1.0 GiB at /out",
      "free some space there (df -h /out), or: ./cbox build … --out /a/larger/disk",
    ],
    [
      "keyring",
      machine({}, { "gpg --batch": "uid (12/bookworm)" }),
      "debian-archive-keyring does not know trixie",
      "apt-get install --only-upgrade debian-archive-keyring",
    ],
    [
      "mirror",
      machine({}, { "apt-get indextargets": "" }),
      "APT names no package source",
      "name one: ./cbox build … --mirror URL (or add a deb line to /etc/apt/sources.list)",
    ],
    [
      "mount-namespace",
      machine({}, { "unshare --mount": undefined }),
      "not permitted",
      "leave the container, or start it with --privileged",
    ],
    [
      "network-namespace",
      machine({}, { "ip netns add": undefined }),
      "not permitted",
      "leave the container, or start it with --privileged",
    ],
    [
      "tun",
      machine({ find: () => undefined }, { "unshare --net": undefined }),
      "not permitted",
      "sh -c 'modprobe tun; mkdir -p /dev/net; [ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200'",
    ],
    [
      "package-bmap-tools",
      machine({ find: (name) => (name === "bmaptool" ? undefined : name) }),
      "bmaptool is not there",
      "apt-get install --no-install-recommends bmap-tools",
    ],
  ])("reports and remedies a failing check of %s", async (id, host, detail, cure) => {
    expect(await finding(id, host)).toEqual({ ok: false, detail, cure });
  });

  it("accepts a machine sold with 2 GiB, which reports slightly less", async () => {
    expect(await finding("memory", machine({ memoryMib: 1967 }))).toEqual({ ok: true, detail: "1.9 GiB" });
  });

  it("asks for an emulator only where a profile is of a foreign architecture", async () => {
    expect(await finding("binfmt", machine(), { architectures: ["amd64", "i386"] })).toMatchObject({
      ok: true,
    });
    const without = machine({ find: (name) => (name.startsWith("qemu-aarch64") ? undefined : name) });
    expect(await finding("binfmt", without, { architectures: ["amd64", "arm64"] })).toEqual({
      ok: false,
      detail: "nothing runs programs for arm64",
      cure: "apt-get install --no-install-recommends qemu-user-static",
    });
    expect(await finding("binfmt", machine(), { architectures: ["arm64"] })).toEqual({
      ok: true,
      detail: "arm64: the build registers /usr/bin/qemu-aarch64-static",
    });
  });

  it("accepts an emulator registered by others when it works in a chroot", () => {
    const registered = (flags: string) => (path: string) =>
      path.endsWith("/qemu-aarch64") ? `enabled\ninterpreter /usr/bin/qemu\nflags: ${flags}\n` : undefined;
    expect(foreignState(machine({ read: registered("POCF") }), "arm64")).toEqual({
      kind: "runs",
      by: "qemu-aarch64",
    });
    expect(foreignState(machine({ read: registered("PO") }), "arm64")).toMatchObject({ kind: "ready" });
    expect(foreignState(machine({ architecture: "arm64" }), "arm64")).toEqual({
      kind: "runs",
      by: "this processor",
    });
  });

  it("asks the kernel whether it runs programs of 32-bit x86, and asks for their emulator otherwise", async () => {
    const noEmulator = { find: (name: string) => (name.startsWith("qemu-") ? undefined : name) };
    const old = { architectures: ["i386"] };
    expect(foreignState(machine({ ...noEmulator, runsI386: () => true }), "i386")).toEqual({
      kind: "runs",
      by: "this processor",
    });
    const without = { runsI386: () => false };
    expect(foreignState(machine(without), "i386")).toEqual({
      kind: "ready",
      emulator: "/usr/bin/qemu-i386-static",
      mounted: false,
    });
    expect(await finding("binfmt", machine({ ...noEmulator, ...without }), old)).toEqual({
      ok: false,
      detail: "nothing runs programs for i386",
      cure: "apt-get install --no-install-recommends qemu-user-static",
    });
    expect(await finding("package-qemu-user-static", machine(without), old)).toMatchObject({ ok: true });
    expect(await finding("package-qemu-user-static", machine({ ...noEmulator, ...without }), old)).toEqual({
      ok: false,
      detail: "qemu-aarch64-static is not there",
      cure: "apt-get install --no-install-recommends qemu-user-static",
    });
    expect(await finding("package-qemu-user-static", machine(noEmulator), old)).toEqual({
      ok: true,
      detail: "not needed: programs run on this processor",
    });
  });

  it("rejects a registered emulator that does not work in a chroot", () => {
    const registered = (flags: string) => (path: string) =>
      path.endsWith("/qemu-i386") ? `enabled\ninterpreter /usr/bin/qemu\nflags: ${flags}\n` : undefined;
    expect(foreignState(machine({ read: registered("F") }), "i386")).toEqual({
      kind: "runs",
      by: "qemu-i386",
    });
    expect(foreignState(machine({ read: registered("") }), "i386")).toMatchObject({ kind: "ready" });
    // Only a processor of amd64 is asked.
    expect(foreignState(machine({ architecture: "arm64" }), "i386")).toMatchObject({ kind: "ready" });
    expect(foreignState(machine({ architecture: "i386" }), "amd64")).toMatchObject({ kind: "ready" });
  });

  it("registers the headers of 64-bit ARM programs, with the emulator kept open", () => {
    const [, name, type, offset, head, mask, emulator, flags] = registration("arm64", "/e").split(":");
    expect([name, type, offset, emulator, flags]).toEqual(["cbox-aarch64", "M", "", "/e", "F"]);
    const bytes = (text = "") => text.replaceAll("\\x", "");
    expect(bytes(head)).toBe("7f454c460201010000000000000000000200b700");
    expect(bytes(mask)).toBe("ffffffffffffff00fffffffffffffffffeffffff");
    expect(bytes(registration("i386", "/e").split(":")[4])).toBe(
      "7f454c460101010000000000000000000200" + "0300",
    );
  });

  it("asks for a board's emulated machine only where a profile is of that architecture", async () => {
    const boot = (architectures: string[]) =>
      runChecks(checks, { ...circumstances, architectures }, machine({ find: () => undefined }));
    const ids = async (architectures: string[]) => (await boot(architectures)).map(({ check }) => check.id);
    expect(await ids(["amd64"])).not.toContain("package-qemu-system-arm");
    expect(await ids(["arm64"])).toContain("package-qemu-system-arm");
  });

  it("makes a network namespace with a name of its own, and removes it", async () => {
    const ran: string[] = [];
    const run: Host["run"] = async (...words) => {
      ran.push(words.join(" "));
      return { exitCode: 0, output: "" };
    };
    await finding("network-namespace", machine({ run }));
    await finding("network-namespace", machine({ run }));
    const names = ran.map((command) => command.split(" ").at(-1));
    expect(ran[0]).toMatch(/^ip netns add cbox-doctor-[0-9a-f]{8}$/);
    expect(ran[1]).toBe(`ip netns delete ${names[0]}`);
    expect(names[2]).not.toBe(names[0]);
  });
});

describe("requireChecks", () => {
  it("passes on a healthy machine", async () => {
    await requireChecks("build", { architecture: "amd64", release: "trixie" }, { host: machine() });
  });

  it("reports each finding with its remedy: host-not-ready", async () => {
    const host = machine({ userId: 1000, memoryMib: 1024 });
    expect(await failureOf(() => requireChecks("lab", undefined, { host }))).toMatchObject({
      code: "host-not-ready",
      message: "This machine is not ready to run the lab: 2 things are missing.",
      found:
        "\n  - root rights: running as user 1000. Cure: sudo ./cbox …" +
        "\n  - memory, 2 GiB: 1.0 GiB. Cure: use a machine with at least 2 GiB, or give this virtual machine more",
      hint: "do what each line says, then: ./cbox doctor",
      exitCode: 1,
    });
  });

  it("checks only what the purpose needs", async () => {
    const host = machine({ find: (name) => (name === "lb" ? undefined : name) });
    await requireChecks("boot", undefined, { host });
    expect((await failureOf(() => requireChecks("build", undefined, { host }))).found).toMatch(
      /^live-build \(/,
    );
  });

  it("needs no mirror from APT when one is given", async () => {
    const host = machine({}, { "apt-get indextargets": "" });
    await requireChecks("build", undefined, { host, mirror: "https://mirror.example.net/debian" });
    expect((await failureOf(() => requireChecks("build", undefined, { host }))).found).toMatch(
      /^a Debian mirror/,
    );
  });
});

describe("the list of Debian packages", () => {
  it("has a purpose, a way to check and a reason for each package, and each package once", () => {
    const packages = hostPackages();
    for (const { name, neededFor, proof, why } of packages) {
      expect.soft(neededFor.join(","), name).toMatch(/^(build|boot|flash|lab)(,(build|boot|flash|lab))*$/);
      expect.soft(new Set(neededFor).size, name).toBe(neededFor.length);
      expect.soft(proof, name).toMatch(/^\S+$/);
      expect.soft(why, name).toMatch(/\w/);
    }
    expect(new Set(packages.map(({ name }) => name)).size).toBe(packages.length);
    expect(packages.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["live-build", "mmdebstrap", "nodejs", "npm"]),
    );
  });
});

describe("the KVM probe", () => {
  let cache = "";
  beforeEach(() => {
    cache = mkdtempSync(join(tmpdir(), "cbox-cache-"));
  });
  afterEach(() => rmSync(cache, { recursive: true }));

  it("is a valid boot sector that holds the text where its code looks for it", () => {
    const sector = bootSector("hello");
    expect(sector.length).toBe(512);
    expect(sector.readUInt16LE(510)).toBe(0xaa55);
    const loadText = sector.indexOf(Buffer.from([0xbe]));
    expect(sector.subarray(sector.readUInt16LE(loadText + 1) - 0x7c00).toString("latin1")).toMatch(
      /^hello\0/,
    );
  });

  it("is remembered until this machine is restarted", async () => {
    const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const runs: string[] = [];
    const probe = async () => {
      runs.push("probe");
      return true;
    };
    expect(await kvmWorks({ cache, isThere: () => true, probe })).toBe(true);
    expect(await kvmWorks({ cache, isThere: () => true, probe })).toBe(true);
    expect(runs.length).toBe(1);
    expect(JSON.parse(readFileSync(join(cache, "kvm-probe.json"), "utf8"))).toEqual({ bootId, works: true });

    writeFileSync(join(cache, "kvm-probe.json"), JSON.stringify({ bootId: "an earlier boot", works: false }));
    expect(await kvmWorks({ cache, isThere: () => true, probe })).toBe(true);
    expect(runs.length).toBe(2);
  });

  it("is neither run nor remembered where the user has no /dev/kvm", async () => {
    const probe = () => Promise.reject(new Error("must not run"));
    expect(await kvmWorks({ cache, isThere: () => false, probe })).toBe(false);
    expect(() => readFileSync(join(cache, "kvm-probe.json"))).toThrow("ENOENT");
  });

  it("runs again when its stored result is damaged", async () => {
    writeFileSync(join(cache, "kvm-probe.json"), "{");
    expect(await kvmWorks({ cache, isThere: () => true, probe: async () => true })).toBe(true);
  });
});

describe("cacheDir", () => {
  it("follows the XDG base directories", () => {
    expect(cacheDir({ XDG_CACHE_HOME: "/somewhere" })).toBe("/somewhere/community-box");
    expect(cacheDir({})).toMatch(/^\/.*\/\.cache\/community-box$/);
    expect(cacheDir({ XDG_CACHE_HOME: "" })).toBe(cacheDir({}));
  });
});

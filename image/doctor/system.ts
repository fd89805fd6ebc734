// SPDX-License-Identifier: GPL-3.0-or-later
// Checks of the machine and its kernel: rights, room, namespaces, foreign programs, where Debian comes from.
import { randomBytes } from "node:crypto";
import { foreignState, THIS_PROCESSOR } from "../debian/binfmt.ts";
import { asRoot, type Check } from "./check.ts";

const NEEDED_DISK_MIB = 8 * 1024;
// A machine sold with 2 GiB reports some 5 % less, as the kernel and the firmware reserve memory.
const NEEDED_MEMORY_MIB = 1900;

const root: Check = {
  id: "root",
  title: "root rights",
  neededFor: ["build", "lab"],
  run: async (host) =>
    host.userId === 0
      ? { ok: true, detail: "running as root" }
      : { ok: false, detail: `running as user ${host.userId}`, cure: "sudo ./cbox …" },
};

const memory: Check = {
  id: "memory",
  title: "memory, 2 GiB",
  neededFor: ["build", "boot", "lab"],
  run: async (host) =>
    host.memoryMib >= NEEDED_MEMORY_MIB
      ? { ok: true, detail: gib(host.memoryMib) }
      : {
          ok: false,
          detail: gib(host.memoryMib),
          cure: "use a machine with at least 2 GiB, or give this virtual machine more",
        },
};

const disk: Check = {
  id: "disk",
  title: "free disk space, 8 GiB",
  neededFor: ["build"],
  async run(host, { cache, out }) {
    const short = [cache, out].find((path) => host.space(path).freeMib < NEEDED_DISK_MIB);
    const places = host.space(cache).device === host.space(out).device ? [cache] : [cache, out];
    const detail = places.map((path) => `${gib(host.space(path).freeMib)} at ${path}`).join(", ");
    if (!short) return { ok: true, detail };
    const elsewhere =
      short === cache
        ? "XDG_CACHE_HOME=/a/larger/disk ./cbox build …"
        : "./cbox build … --out /a/larger/disk";
    return { ok: false, detail, cure: `free some space there (df -h ${short}), or: ${elsewhere}` };
  },
};

const keyring: Check = {
  id: "keyring",
  title: "signing keys of the Debian release",
  neededFor: ["build"],
  async run(host, { releases }) {
    const { output } = await host.run(
      "gpg",
      "--batch",
      "--show-keys",
      "/usr/share/keyrings/debian-archive-keyring.gpg",
    );
    const unknown = releases.filter((release) => !output.includes(`/${release})`));
    if (unknown.length === 0) return { ok: true, detail: releases.join(", ") };
    return {
      ok: false,
      detail: `debian-archive-keyring does not know ${unknown.join(", ")}`,
      cure: asRoot(host, "apt-get install --only-upgrade debian-archive-keyring"),
    };
  },
};

const mirror: Check = {
  id: "mirror",
  title: "a Debian mirror, from APT's configuration",
  neededFor: ["build"],
  async run(host) {
    const { output } = await host.run(
      "apt-get",
      "indextargets",
      "--format",
      "$(REPO_URI)",
      "Created-By: Packages",
    );
    const [first] = output.split("\n").filter((line) => /^[a-z+]+:\//.test(line));
    if (first) return { ok: true, detail: first };
    return {
      ok: false,
      detail: "APT names no package source",
      cure: "name one: ./cbox build … --mirror URL (or add a deb line to /etc/apt/sources.list)",
    };
  },
};

const binfmt: Check = {
  id: "binfmt",
  title: "programs of foreign architectures",
  neededFor: ["build"],
  async run(host, { architectures }) {
    const foreign = architectures
      .map((name) => ({ name, state: foreignState(host, name) }))
      .filter(({ state }) => state.kind !== "runs" || state.by !== THIS_PROCESSOR);
    if (foreign.length === 0) return { ok: true, detail: "none to run" };
    const lacking = foreign.find(({ state }) => state.kind === "no-emulator");
    if (lacking) {
      return {
        ok: false,
        detail: `nothing runs programs for ${lacking.name}`,
        cure: asRoot(host, "apt-get install --no-install-recommends qemu-user-static"),
      };
    }
    const detail = foreign.map(({ name, state }) =>
      state.kind === "ready" ? `${name}: the build registers ${state.emulator}` : name,
    );
    return { ok: true, detail: detail.join(", ") };
  },
};

const mountNamespace: Check = {
  id: "mount-namespace",
  title: "mount namespaces",
  neededFor: ["build"],
  async run(host) {
    const { exitCode, output } = await host.run("unshare", "--mount", "true");
    if (exitCode === 0) return { ok: true, detail: "can be made" };
    return { ok: false, detail: output || "unshare failed", cure: inContainer(host.userId) };
  },
};

const networkNamespace: Check = {
  id: "network-namespace",
  title: "network namespaces",
  neededFor: ["boot", "lab"],
  async run(host) {
    const name = `cbox-doctor-${randomBytes(4).toString("hex")}`;
    const added = await host.run("ip", "netns", "add", name);
    if (added.exitCode === 0) {
      await host.run("ip", "netns", "delete", name);
      return { ok: true, detail: "can be made" };
    }
    return { ok: false, detail: added.output || "ip netns add failed", cure: inContainer(host.userId) };
  },
};

const tun: Check = {
  id: "tun",
  title: "/dev/net/tun, for the lab's network cables",
  neededFor: ["lab"],
  async run(host) {
    // In a network namespace of its own, so that nothing is left behind.
    const made = await host.run("unshare", "--net", "ip", "tuntap", "add", "dev", "cbox0", "mode", "tap");
    if (made.exitCode === 0) return { ok: true, detail: "a tap can be made" };
    return {
      ok: false,
      detail: made.output || "no tap could be made",
      cure: host.find("/dev/net/tun")
        ? inContainer(host.userId)
        : asRoot(
            host,
            "sh -c 'modprobe tun; mkdir -p /dev/net; [ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200'",
          ),
    };
  },
};

export const systemChecks: readonly Check[] = [
  root,
  memory,
  disk,
  keyring,
  mirror,
  binfmt,
  mountNamespace,
  networkNamespace,
  tun,
];

function gib(mib: number): string {
  return `${(mib / 1024).toFixed(1)} GiB`;
}

/** Root without the right to make namespaces is root of a container. */
function inContainer(userId: number): string {
  return userId === 0 ? "leave the container, or start it with --privileged" : "sudo ./cbox …";
}

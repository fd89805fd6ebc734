// SPDX-License-Identifier: GPL-3.0-or-later
// The dry run: the wizard on any terminal, with files in a scratch directory and simulated commands. For developers,
// translators, and people who want to see the questions before they buy a box.
//   node --import tsx firstboot/main.ts firstboot --root /tmp/box

import { mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Box } from "../host/box.ts";
import { linuxBox } from "../host/linux.ts";
import { failConnection } from "../host/net.ts";
import { paths } from "../host/paths.ts";
import { DRY_RUN_IMAGE } from "./image.ts";
import { SimulatedSystem } from "./system.ts";

export async function dryRunBox(root: string): Promise<Box> {
  const files = linuxBox({ root });
  await furnish(root, files);
  const system = new SimulatedSystem({
    read: files.readFile,
    write: (path, content) => files.writeFile(path, content),
    list: files.list,
    move: files.rename,
    remove: files.remove,
  });
  return {
    ...files,
    // A dry run must not send requests to real servers.
    request: async ({ url }) => failConnection(new URL(url).hostname, new Error("this is a dry run")),
    ldapBind: async ({ url }) => failConnection(new URL(url).hostname, new Error("this is a dry run")),
    // Without root, files cannot change their owner.
    writeFile: (path, content, { mode } = {}) =>
      files.writeFile(path, content, mode === undefined ? {} : { mode }),
    makeDirectory: (path) => files.makeDirectory(path),
    run: async (command, args, options) => {
      const result = await system.run(command, args, options);
      await files.appendFile("/commands.log", `${[command, ...args].join(" ")}\n`);
      // Slow enough to be visible, as on a box.
      await files.sleep(Number(process.env.CBOX_DRY_RUN_DELAY ?? 50));
      return result;
    },
  };
}

/** Only used by developers, who have the source tree. */
const OVERLAY = fileURLToPath(new URL("../../overlays/base/files", import.meta.url));

/** Writes the files that the image would have; existing ones stay. */
async function furnish(root: string, files: Box): Promise<void> {
  const start: Record<string, string> = {
    [paths.imageInfo]: JSON.stringify(DRY_RUN_IMAGE),
    "/etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    "/etc/passwd": "root:x:0:0::/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\n",
    "/etc/group": "root:x:0:\nsudo:x:27:\nadm:x:4:\n",
    "/usr/bin/unattended-upgrade": "",
    "/proc/meminfo": "MemTotal:        2015000 kB\n",
    "/proc/cpuinfo": "processor\t: 0\nprocessor\t: 1\n",
    "/proc/sys/kernel/threads-max": "15700\n",
    [paths.contextPreseed]: await readFile(join(OVERLAY, paths.contextPreseed), "utf8"),
    [`${paths.contextTemplate}/metadata.tar`]: "",
    [`${paths.contextTemplate}/rootfs.squashfs`]: "",
    "/sys/class/net/enp1s0/type": "1\n",
    "/sys/class/net/enp1s0/address": "52:54:00:12:34:56\n",
    "/sys/class/net/enp1s0/carrier": "1\n",
    "/sys/class/net/enp1s0/device/vendor": "0x1af4\n",
  };
  await mkdir(join(root, "boot/efi"), { recursive: true });
  for (const [path, content] of Object.entries(start)) {
    if (!(await files.exists(path))) await files.writeFile(path, content);
  }
  await mkdir(join(root, "usr/share"), { recursive: true });
  await symlink(paths.zoneinfo, join(root, paths.zoneinfo)).catch(() => {});
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Stage "context": the small Debian that contexts and slivers start from, as an Incus image inside the box's image,
// so that first boot needs no network. It has no kernel, no identity and no SSH; APT installs further packages.
import { readFileSync } from "node:fs";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../cache/code-of.ts";
import type { Layer, LayerInputs, LayerPlan } from "../cache/layers.ts";
import type { Mirror } from "../debian/mirror.ts";
import { mmdebstrap } from "../debian/mmdebstrap.ts";
import { CONTEXT_PACKAGES, CONTEXT_SET } from "../debian/package-sets.ts";
import type { Packages } from "../debian/packages.ts";
import type { DiskTools } from "../disk/tools.ts";
import { OVERLAYS } from "../host/paths.ts";
import { DPKG_OPTIONS } from "./base.ts";
import { type IncusTemplates, putFile, writeIncusMetadata } from "./incus-metadata.ts";
import { normalize } from "./normalize.ts";
import type { Plan } from "./resolve.ts";
import { scrub } from "./scrub.ts";
import type { Workspace } from "./workspace.ts";

/** Place in the box's image, without leading slash. */
export const CONTEXT_DIRECTORY = "usr/share/community-box/context";
/** The two parts of a split Incus image. */
export const CONTEXT_FILES = { metadata: "metadata.tar", rootfs: "rootfs.squashfs" } as const;
/** dpkg's status file of the template, for the SBOM; stays in the layer. */
export const CONTEXT_STATUS = "dpkg-status";

/** Incus uses the kernel's names of architectures. */
const MACHINES: Readonly<Record<string, string>> = { amd64: "x86_64", arm64: "aarch64", armhf: "armv7l" };

/** Its only interface is called eth0 by Incus; the address comes from the context's own network. */
const NETWORK = `[Match]
Name=eth0

[Network]
DHCP=ipv4
LLMNR=no
MulticastDNS=no
IPv6AcceptRA=no

[DHCPv4]
UseDNS=no
ClientIdentifier=mac
`;

/** Files that Incus writes for each instance. */
const INSTANCE = "{{ container.name }}";
const OWN: IncusTemplates = {
  "/etc/hostname": `${INSTANCE}\n`,
  "/etc/hosts": `127.0.0.1\tlocalhost\n127.0.1.1\t${INSTANCE}\n::1\tlocalhost ip6-localhost ip6-loopback\n`,
  "/etc/resolv.conf": `nameserver {{ config_get("user.nameserver", "127.0.0.1") }}\n`,
  // Empty: systemd then makes a new machine ID at the first start, also in a copy of a used instance.
  "/etc/machine-id": "",
};

/** Units that a context does not need; disabled to save memory and time. */
const NOT_NEEDED = [
  "dpkg-db-backup.timer",
  "systemd-networkd-wait-online.service",
  "systemd-pstore.service",
  "console-getty.service",
];

/** The box and its contexts share the files that say how to update; the set-up switches updates on or off. */
const UPDATES = [
  "etc/apt/apt.conf.d/55community-box-updates",
  "usr/lib/systemd/system/apt-daily.timer.d/community-box.conf",
  "usr/lib/systemd/system/apt-daily-upgrade.timer.d/community-box.conf",
  "usr/lib/systemd/system/apt-daily-upgrade.service.d/community-box-mend.conf",
];
const updatesFiles = () =>
  Object.fromEntries(
    UPDATES.map((path) => [path, readFileSync(join(OVERLAYS, "image/files", path), "utf8")]),
  );

export function contextLayer(plan: Plan, packages: Packages, mirror: Mirror): LayerPlan {
  const { release, architecture } = plan.profile;
  return { kind: `context-${release}-${architecture}`, inputs: inputsOf(plan, packages, mirror) };
}

function inputsOf(plan: Plan, packages: Packages, mirror: Mirror): LayerInputs {
  const { release, architecture } = plan.profile;
  return {
    code: codeOf("image/stages/context.ts"),
    release,
    architecture,
    "package version": packages.identity(CONTEXT_SET),
    "dpkg options": DPKG_OPTIONS,
    "file laid after": updatesFiles(),
    squashfs: packages.identity("tools")["squashfs-tools"] ?? "",
    mirror: { ...mirror },
    epoch: packages.lock.epoch,
  };
}

/** A layer of two files: what `incus image import` takes. */
export async function context(
  workspace: Workspace,
  plan: Plan,
  packages: Packages,
  mirror: Mirror,
  tools: DiskTools,
): Promise<Layer> {
  const { session } = workspace;
  const { release, architecture } = plan.profile;
  const { epoch } = packages.lock;
  const { kind, inputs } = contextLayer(plan, packages, mirror);
  return workspace.layers.obtain(kind, inputs, async (root) => {
    const [tree, repository, parts] = [`${root}.tree`, `${root}.repository`, `${root}.metadata`];
    await packages.repository(CONTEXT_SET, repository);
    await mmdebstrap({
      session,
      repository,
      release,
      architecture,
      packages: CONTEXT_PACKAGES,
      variant: "apt",
      target: tree,
      epoch,
      dpkgOptions: DPKG_OPTIONS,
      customize: [
        "systemctl enable systemd-networkd.service",
        `systemctl disable ${NOT_NEEDED.join(" ")} || true`,
        // As on the box: the service would stay in memory.
        "systemctl mask unattended-upgrades.service",
        "passwd --lock root",
      ],
    });
    await scrub(session, tree, epoch);
    await putFile(join(tree, "etc/systemd/network/10-context.network"), NETWORK);
    await putFile(join(tree, "etc/apt/sources.list.d/debian.sources"), sources(release, mirror));
    await putFile(join(tree, "etc/resolv.conf"), "");
    for (const [path, text] of Object.entries(updatesFiles())) await putFile(join(tree, path), text);
    await cp(join(tree, "var/lib/dpkg/status"), join(root, CONTEXT_STATUS));
    const { sets, packages: pins } = packages.lock;
    await normalize(session, { root: tree, epoch, set: sets[CONTEXT_SET]!, packages: pins, architecture });

    session.note("packing the template");
    const level = ["-comp", "zstd", "-Xcompression-level", "19", "-b", "256K"];
    await tools.tool("mksquashfs", [
      ...[tree, join(root, CONTEXT_FILES.rootfs), "-noappend", "-no-progress", "-quiet", ...level],
    ]);
    await writeIncusMetadata(parts, {
      ...{ release, architecture, epoch, machine: MACHINES[architecture] ?? architecture },
      description: `Community Box context (${release})`,
      templates: OWN,
    });
    await session.run([
      // Not ustar: tar 1.35 and 1.34 write different bytes for it.
      ...["tar", "--create", "--format=gnu", "--sort=name", `--mtime=@${epoch}`],
      ...["--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX"],
      ...["--file", join(root, CONTEXT_FILES.metadata), "--directory", parts, "metadata.yaml", "templates"],
    ]);
    for (const path of [tree, repository, parts]) await rm(path, { recursive: true });
  });
}

function sources(release: string, mirror: Mirror): string {
  const stanza = (uri: string, suites: string) =>
    `Types: deb\nURIs: ${uri}\nSuites: ${suites}\nComponents: main\n` +
    "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n";
  return `${stanza(mirror.debian, `${release} ${release}-updates`)}\n${stanza(mirror.security, `${release}-security`)}`;
}

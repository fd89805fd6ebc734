// SPDX-License-Identifier: GPL-3.0-or-later
// The form "container": the customized root file system as one archive, and metadata of it for Incus and LXC;
// systemd-nspawn needs only the archive. It replaces the stages "disk" and "verify".

import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Session } from "../host/session.ts";
import type { ResolvedProfile } from "../profile/index.ts";
import type { Manifest } from "../published/manifest.ts";
import { failOnFindings } from "../stages/failed-checks.ts";
import { type IncusTemplates, putFile, writeIncusMetadata } from "../stages/incus-metadata.ts";
import type { Packer } from "../stages/publish.ts";
import { findSecrets } from "../stages/secrets-gate.ts";

/** Suffixes of the files of a container image. */
export const CONTAINER_FILES = { rootfs: "rootfs.tar.xz", incus: "incus.tar.xz", lxc: "lxc.tar.xz" } as const;

/** xz levels. Always two threads: the output differs between one thread and several. */
const LEVEL = { development: 0, release: 9 } as const;
const THREADS = 2;

/** Reproducible archives: sorted, numeric owners, no access times; with extended attributes. */
const SAME_BYTES = [
  ...["--sort=name", "--numeric-owner", "--format=pax", "--xattrs", "--xattrs-include=*"],
  "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
];

/** The container manager fills /dev; unpacking without root cannot make devices. */
const WITHOUT_DEVICES = ["--anchored", "--exclude=./dev/*"];

/** The kernel's names of architectures, which Incus and LXC both accept. */
const MACHINES: Readonly<Record<string, string>> = { amd64: "x86_64", arm64: "aarch64", i386: "i686" };

export interface ContainerToPack {
  readonly session: Session;
  readonly profile: ResolvedProfile;
  /** The customized root file system. */
  readonly root: string;
  readonly epoch: number;
  /** Scratch directory; removed again. */
  readonly scratch: string;
}

export function containerPacker({ session, profile, root, epoch, scratch }: ContainerToPack): Packer {
  return async ({ staged, name, level }) => {
    await rm(scratch, { recursive: true, force: true });
    const file = `${name}.${CONTAINER_FILES.rootfs}`;
    const plain = join(scratch, "rootfs.tar");
    await mkdir(scratch, { recursive: true });
    await session.run([
      ...["tar", "--create", ...SAME_BYTES, ...WITHOUT_DEVICES, "--file", plain, "--directory", root, "."],
    ]);
    const xz = ["xz", "--keep", `--threads=${THREADS}`, `-${LEVEL[level]}`, "--stdout"];
    const [raw] = await Promise.all([
      sha256(session, plain),
      session.run(["sh", "-c", `${xz.join(" ")} "$1" > "$2"`, "pack", plain, join(staged, file)]),
    ]);
    const { size } = await stat(plain);

    const incus = join(scratch, "incus");
    await writeIncusMetadata(incus, { ...about(profile), epoch, templates: OWN });
    await small(session, incus, ["metadata.yaml", "templates"], epoch, join(staged, `${name}.incus.tar.xz`));
    const lxc = join(scratch, "lxc");
    for (const [path, text] of Object.entries(lxcFiles(profile, epoch))) await putFile(join(lxc, path), text);
    await small(
      session,
      lxc,
      Object.keys(lxcFiles(profile, epoch)),
      epoch,
      join(staged, `${name}.lxc.tar.xz`),
    );
    await rm(scratch, { recursive: true });
    return { file, raw_sha256: raw, raw_size: size, raw_allocated: size };
  };
}

function about({ title, release, architecture }: ResolvedProfile) {
  return { release, architecture, machine: MACHINES[architecture] ?? architecture, description: title };
}

/** Files that are written for each instance. Its host name is provisional: the set-up asks for it. */
const INSTANCE = "{{ container.name }}";
const OWN: IncusTemplates = {
  "/etc/hostname": `${INSTANCE}\n`,
  "/etc/hosts": `127.0.0.1\tlocalhost\n127.0.1.1\t${INSTANCE}\n::1\tlocalhost ip6-localhost ip6-loopback\n`,
  "/etc/machine-id": "",
};

/**
 * What `lxc-create -t local` reads of its metadata archive. Unprivileged containers of LXC need nesting for systemd's
 * own sandboxes of services; the VPN needs a tunnel, character device 10:200, where the host has one.
 * @see https://linuxcontainers.org/lxc/manpages/man5/lxc.container.conf.5.html
 */
function lxcFiles(profile: ResolvedProfile, epoch: number): Readonly<Record<string, string>> {
  const { architecture, title } = profile;
  const common = [
    "lxc.include = LXC_TEMPLATE_CONFIG/common.conf",
    `lxc.arch = ${MACHINES[architecture] ?? architecture}`,
    "lxc.include = LXC_TEMPLATE_CONFIG/nesting.conf",
    "lxc.mount.entry = /dev/net/tun dev/net/tun none bind,create=file,optional 0 0",
  ];
  return {
    config: `${[...common, "lxc.cgroup2.devices.allow = c 10:200 rwm"].join("\n")}\n`,
    "config-user": `${[common[0], "lxc.include = LXC_TEMPLATE_CONFIG/userns.conf", ...common.slice(1)].join("\n")}\n`,
    "create-message": `${title}: start it with lxc-start --foreground, and the set-up is on the terminal.\n`,
    build_id: `${epoch}\n`,
    templates: "/etc/hostname\n",
  };
}

async function small(
  session: Session,
  directory: string,
  names: readonly string[],
  epoch: number,
  target: string,
): Promise<void> {
  await session.run([
    ...["tar", "--create", "--format=ustar", "--sort=name", `--mtime=@${epoch}`, "--numeric-owner"],
    ...["--owner=0", "--group=0", "--mode=u=rwX,go=rX", "--use-compress-program", `xz --threads=${THREADS}`],
    ...["--file", target, "--directory", directory, ...names],
  ]);
}

export interface ContainerToVerify {
  readonly session: Session;
  readonly manifest: Manifest;
  /** The published archive. */
  readonly packed: string;
  /** Scratch directory; removed again. */
  readonly scratch: string;
}

/** Folders that are extracted from the archive and searched; see secrets-gate.ts. */
const PLACES = ["./etc", "./root", "./home", "./var/lib", "./usr/lib/community-box"];

/** @throws Failure `image-invalid` with everything that is wrong */
export async function verifyContainer(options: ContainerToVerify): Promise<void> {
  const findings = await inspectContainer(options);
  failOnFindings(options.packed, findings, options.session.logDirectory);
}

/** Everything that is wrong with the archive; empty when it is sound. */
export async function inspectContainer({
  session,
  manifest,
  packed,
  scratch,
}: ContainerToVerify): Promise<string[]> {
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  try {
    const plain = join(scratch, "rootfs.tar");
    await session.run(["sh", "-c", 'xz --decompress --stdout "$1" > "$2"', "unpack", packed, plain]);
    if ((await sha256(session, plain)) !== manifest.image.raw_sha256)
      return [`${packed} does not unpack to the archive that was built`];
    const names = new Set((await session.run(["tar", "--list", "--file", plain])).split("\n"));
    const findings: string[] = [];
    for (const name of ["./usr/sbin/init", "./usr/bin/cbox", "./usr/lib/community-box/cbox.mjs"])
      if (!names.has(name)) findings.push(`${name.slice(1)} is not in the archive`);
    for (const name of names) {
      if (/^\.\/(boot\/vmlinuz|usr\/lib\/modules\/[^/]+\/kernel)/.test(name))
        findings.push(`${name.slice(1)} is in the archive: a container has no kernel of its own`);
      if (/^\.\/dev\/./.test(name))
        findings.push(`${name.slice(1)} is in the archive: only root could unpack it`);
    }
    const tree = join(scratch, "tree");
    await mkdir(tree);
    await session.run(["tar", "--extract", "--file", plain, "--directory", tree, ...PLACES]);
    return [...new Set([...findings, ...(await findSecrets(tree))])];
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** SHA-256 of a file of hundreds of megabytes, by a program, which is faster than Node.js. */
async function sha256(session: Session, path: string): Promise<string> {
  return (await session.run(["sha256sum", path])).split(" ", 1).join("");
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The form "conversion": one file that turns an existing Debian machine into a box: a script that asks and lets APT
// install a Debian package, made from the overlays, followed by that package and its dependencies. It replaces the
// stages "disk" and "verify".

import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { chmod, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { profileSet } from "../debian/package-sets.ts";
import type { Packages } from "../debian/packages.ts";
import { PROJECT } from "../host/paths.ts";
import type { Session } from "../host/session.ts";
import { sha256 } from "../host/sha256.ts";
import type { ResolvedProfile } from "../profile/index.ts";
import type { Manifest } from "../published/manifest.ts";
import { failOnFindings } from "../stages/failed-checks.ts";
import type { Packer } from "../stages/publish.ts";
import type { Plan } from "../stages/resolve.ts";

/** The package with all files of this project, and its file beside the repository. */
const PACKAGE = "community-box";
const DEB = `${PACKAGE}.deb`;
/** File that identifies the installed build, as two builds may have one version; read by the script. */
const REVISION = "usr/lib/community-box/revision";

const SCRIPTS = join(PROJECT, "image/convert");
const HEAD = "head.sh";
const MAINTAINER_SCRIPTS = ["postinst", "prerm", "postrm"] as const;

/** The only folders of the person's own machine in which the package may install files. */
const PLACES =
  /^\.\/(etc\/profile\.d\/cbox-[a-z]+\.sh|usr\/bin\/cbox|usr\/lib\/(community-box\/.*|systemd\/system\/.*|(sysctl|tmpfiles)\.d\/[0-9-]*community-box[a-z-]*\.conf)|usr\/share\/(community-box\/.*|man\/man1\/cbox\.1)|var\/lib\/community-box\/setup\/)$/;

export interface ConversionToPack {
  readonly session: Session;
  readonly plan: Plan;
  /** The files to install on the machine; becomes the package. */
  readonly root: string;
  readonly packages: Packages;
  /** Names the build: the same for the same inputs. */
  readonly revision: string;
  readonly epoch: number;
  /** Scratch directory; removed again. */
  readonly scratch: string;
}

/** What the script and the package's own scripts are, for the hash of the inputs. */
export async function conversionInputs(): Promise<Record<string, string>> {
  const hash = createHash("sha256");
  for (const name of [HEAD, ...MAINTAINER_SCRIPTS]) hash.update(await readFile(join(SCRIPTS, name)));
  return { conversion: hash.digest("hex") };
}

export function conversionPacker(options: ConversionToPack): Packer {
  const { session, plan, packages, revision, epoch, scratch } = options;
  const { profile, version } = plan;
  return async ({ staged, name }) => {
    await rm(scratch, { recursive: true, force: true });
    await mkdir(scratch, { recursive: true });
    const kit = join(scratch, "kit");
    await packages.repository(profileSet(profile.id), join(kit, "repository"));
    await writeFile(join(kit, "control"), await makePackage(options, join(kit, DEB)));

    const payload = join(scratch, "payload.tar");
    await session.run([
      ...["tar", "--create", "--format=gnu", "--sort=name", `--mtime=@${epoch}`, "--numeric-owner"],
      ...["--owner=0", "--group=0", "--mode=u=rwX,go=rX", "--file", payload, "--directory", kit, "."],
    ]);
    const raw = await sha256(payload);
    const { size } = await stat(payload);
    const file = `${name}.run`;
    const { architecture, release } = profile;
    await conversionFile(payload, raw, { version, revision, architecture, release }, join(staged, file));
    await rm(scratch, { recursive: true });
    return { file, raw_sha256: raw, raw_size: size, raw_allocated: size };
  };
}

export interface ConversionIdentity {
  readonly version: string;
  readonly revision: string;
  readonly architecture: string;
  readonly release: string;
}

/** Writes the file to run: the script, and behind it the archive `payload`, whose SHA-256 is `sum`. */
export async function conversionFile(
  payload: string,
  sum: string,
  identity: ConversionIdentity,
  target: string,
): Promise<void> {
  const { size } = await stat(payload);
  const values = { ...identity, payload_bytes: size, payload_sha256: sum };
  const script = await readFile(join(SCRIPTS, HEAD), "utf8");
  const given = Object.entries(values).reduce(
    (text, [key, value]) => text.replaceAll(`@${key}@`, String(value)),
    script,
  );
  const AT = "@payload_at@";
  // The offset counts its own digits, so it is padded to eight characters with spaces, which the shell ignores.
  const at = Buffer.byteLength(given) - AT.length + 8 + 1;
  await writeFile(target, given.replace(AT, String(at).padEnd(8)), { mode: 0o755 });
  await pipeline(createReadStream(payload), createWriteStream(target, { flags: "a" }));
}

/** Resolves to the package's control stanza. */
async function makePackage(
  { session, plan, root, revision, epoch }: ConversionToPack,
  deb: string,
): Promise<string> {
  // The customize stage writes it for whole systems.
  await rm(join(root, "etc/machine-id"), { force: true });
  await writeFile(join(root, REVISION), `${revision}\n`);
  const kib = (await session.run(["du", "--summarize", "--apparent-size", "--block-size=1024", root])).split(
    "\t",
    1,
  );
  const control = controlOf(plan.profile, plan.version, Number(kib.join("")));
  const about = join(root, "DEBIAN");
  await mkdir(about, { recursive: true });
  await writeFile(join(about, "control"), control);
  const settings = await session.run([
    "find",
    root,
    "-path",
    `${root}/etc/*`,
    "-type",
    "f",
    "-printf",
    "/%P\\n",
  ]);
  await writeFile(
    join(about, "conffiles"),
    settings
      .split("\n")
      .filter(Boolean)
      .sort()
      .map((line) => `${line}\n`)
      .join(""),
  );
  for (const name of MAINTAINER_SCRIPTS) {
    await writeFile(join(about, name), await readFile(join(SCRIPTS, name)));
    await chmod(join(about, name), 0o755);
  }
  await chmod(join(root, plan.profile.boot.mount), 0o700);
  // Its large files are compressed already.
  await session.run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", root, deb], {
    env: { SOURCE_DATE_EPOCH: String(epoch) },
  });
  return control;
}

export function controlOf(
  { architecture, base_packages, packages }: ResolvedProfile,
  version: string,
  kib: number,
) {
  return [
    `Package: ${PACKAGE}`,
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    "Section: admin",
    "Priority: optional",
    "Maintainer: Community Box <community-box@localhost>",
    `Installed-Size: ${kib}`,
    `Depends: ${[...base_packages, ...packages].join(", ")}`,
    "Description: what makes an installed Debian a box of a community network",
    " The set-up and the command cbox, the template of its contexts, and the packages",
    " of its services.",
    "",
  ].join("\n");
}

export interface ConversionToVerify {
  readonly session: Session;
  readonly manifest: Manifest;
  /** The published file. */
  readonly packed: string;
  /** Scratch directory; removed again. */
  readonly scratch: string;
}

/** @throws Failure `image-invalid` with everything that is wrong */
export async function verifyConversion(options: ConversionToVerify): Promise<void> {
  const findings = await inspectConversion(options);
  failOnFindings(options.packed, findings, options.session.logDirectory);
}

/** Everything that is wrong with the file; empty when it is sound. Opens it as the script does. */
export async function inspectConversion({
  session,
  manifest,
  packed,
  scratch,
}: ConversionToVerify): Promise<string[]> {
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  try {
    const at = /^payload_at=(\d+) *$/m.exec(
      await session.run(["sed", "-n", "/^payload_at=/{p;q}", packed]),
    )?.[1];
    const payload = join(scratch, "payload.tar");
    await session.run(["sh", "-c", 'tail -c "+$1" "$2" > "$3"', "cut", at ?? "1", packed, payload]);
    if ((await sha256(payload)) !== manifest.image.raw_sha256)
      return [`what follows the script in ${packed} is not what was packed`];
    await session.run(["tar", "--extract", "--file", payload, "--directory", scratch, `./${DEB}`]);
    const listing = await session.run([
      "sh",
      "-c",
      'dpkg-deb --fsys-tarfile "$1" | tar -t',
      "list",
      join(scratch, DEB),
    ]);
    const names = listing.split("\n").filter(Boolean);
    const findings = names
      .filter((name) => !name.endsWith("/") && !PLACES.test(name))
      .map((name) => `${name.slice(1)} is in the package: it has no business on somebody's own machine`);
    for (const name of [
      "./usr/bin/cbox",
      "./usr/lib/community-box/cbox.mjs",
      "./usr/lib/community-box/image.json",
    ])
      if (!names.includes(name)) findings.push(`${name.slice(1)} is not in the package`);
    return findings;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

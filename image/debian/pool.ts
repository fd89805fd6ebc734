// SPDX-License-Identifier: GPL-3.0-or-later
// The local package store: every .deb once, named by its SHA-256, fetched by APT's own helper (its proxies,
// retries and hash checks apply). From it, small repositories are laid out that hold exactly a locked set.
import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { fail } from "../../common/fail.ts";
import { inTurn } from "../../common/lock.ts";
import type { Session } from "../host/session.ts";
import type { PackagePin } from "./lock.ts";
import type { Mirror } from "./mirror.ts";

const HELPER = "/usr/lib/apt/apt-helper";
/** Downloads per call of APT's helper: few calls, but visible progress. */
const BATCH = 25;
const ATTEMPTS = 3;

export interface Pool {
  /** Makes sure every pin is in the store; throws Failure `package-gone` when the mirror no longer has one. */
  fetch(pins: readonly PackagePin[]): Promise<void>;
  /** Lays out a Debian repository `<directory>/{dists,pool}` with exactly these packages. */
  layOut(
    pins: readonly PackagePin[],
    directory: string,
    release: string,
    architecture: string,
  ): Promise<void>;
  /** The control stanza of a package in the store. */
  control(pin: PackagePin): Promise<string>;
}

export function openPool(session: Session, mirror: Mirror, directory: string): Pool {
  const { run } = session;
  const stored = (pin: PackagePin) => join(directory, `${pin.sha256}.deb`);

  const download = async (pins: readonly PackagePin[]) => {
    const triples = pins.flatMap((pin) => [
      // A path in the index may hold "+" and "~", which mirrors accept unescaped.
      `${mirror[pin.repository]}${pin.path}`,
      `${stored(pin)}.part`,
      `SHA256:${pin.sha256}`,
    ]);
    await run([HELPER, "-o", "Acquire::Retries=3", "download-file", ...triples]);
    for (const pin of pins) await rename(`${stored(pin)}.part`, stored(pin));
  };

  /** Fetches one by one after a batch failed, to find which packages are missing and keep the others. */
  const downloadEach = async (pins: readonly PackagePin[]) => {
    const gone: PackagePin[] = [];
    for (const pin of pins) {
      if (existsSync(stored(pin))) continue;
      try {
        await download([pin]);
      } catch (error) {
        if (session.signal.aborted) throw error;
        gone.push(pin);
      }
    }
    return gone;
  };

  const fetchMissing = async (pins: readonly PackagePin[]) => {
    let missing = pins.filter((pin) => !existsSync(stored(pin)));
    if (missing.length === 0) return;
    const megabytes = Math.ceil(missing.reduce((sum, pin) => sum + pin.size, 0) / 1e6);
    session.note(`downloading ${missing.length} packages, ${megabytes} MB`);
    for (let attempt = 1; missing.length > 0; attempt++) {
      for (let start = 0; start < missing.length; start += BATCH) {
        await download(missing.slice(start, start + BATCH)).catch((error) => {
          // APT's helper has retried already; without a network there is no point in continuing.
          if (session.signal.aborted || error.code === "mirror-unreachable") throw error;
          session.note(`a download failed, trying again: ${error}`);
        });
      }
      missing = missing.filter((pin) => !existsSync(stored(pin)));
      if (missing.length > 0 && attempt === ATTEMPTS) missing = await downloadEach(missing);
      if (missing.length > 0 && attempt >= ATTEMPTS) {
        fail({
          code: "package-gone",
          what: `${missing.length} package(s) of the lock file could not be fetched from the mirror.`,
          found: missing
            .slice(0, 6)
            .map((pin) => `${pin.name} ${pin.version}`)
            .join(", "),
          hint: "./cbox build PROFILE --update-lock takes the mirror's present versions; without network: check the connection",
        });
      }
    }
  };

  return {
    control: controlOf,
    async fetch(pins) {
      if (pins.some((pin) => !existsSync(stored(pin))))
        await inTurn(join(directory, ".lock"), () => fetchMissing(pins), {
          signal: session.signal,
          waits: (holder) => session.note(`process ${holder} is downloading packages; waiting for it`),
        });
    },

    async layOut(pins, target, release, architecture) {
      await rm(target, { recursive: true, force: true });
      const stanzas: string[] = [];
      for (const pin of pins) {
        const file = join("pool", `${pin.name}_${pin.version.replace(/:/g, "%3a")}_${pin.architecture}.deb`);
        await mkdir(join(target, "pool"), { recursive: true });
        await link(stored(pin), join(target, file)).catch(() => copyFile(stored(pin), join(target, file)));
        stanzas.push(
          `${(await controlOf(pin)).trimEnd()}\nFilename: ${file}\nSize: ${pin.size}\nSHA256: ${pin.sha256}\n`,
        );
      }
      const index = `main/binary-${architecture}/Packages`;
      const files = new Map<string, Buffer>();
      const packages = Buffer.from(stanzas.join("\n"));
      files.set(index, packages).set(`${index}.gz`, gzipSync(packages));
      const sums = [...files].map(
        ([name, body]) => ` ${createHash("sha256").update(body).digest("hex")} ${body.length} ${name}`,
      );
      const fields = [
        "Origin: Debian",
        "Label: Debian",
        `Suite: ${release}`,
        `Codename: ${release}`,
        `Architectures: all ${architecture}`,
        "Components: main",
        "Date: Thu, 01 Jan 1970 00:00:00 UTC",
        "SHA256:",
        ...sums,
      ];
      files.set("Release", Buffer.from(`${fields.join("\n")}\n`));
      for (const [name, body] of files) {
        const path = join(target, "dists", release, name);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, body);
      }
    },
  };

  /** The package's control stanza, read out of the .deb once and kept beside it. */
  async function controlOf(pin: PackagePin): Promise<string> {
    const path = join(directory, `${pin.sha256}.control`);
    if (!existsSync(path)) {
      // Two layers that are built in parallel may request the same package.
      const draft = `${path}.${randomUUID()}.new`;
      await writeFile(draft, await run(["dpkg-deb", "--field", stored(pin)]));
      await rename(draft, path);
    }
    return readFile(path, "utf8");
  }
}

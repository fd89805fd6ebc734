// SPDX-License-Identifier: GPL-3.0-or-later
// Copies the running root file system and the boot partition, file by file, into the new file systems.

import { join } from "node:path";
import { fail } from "../../common/fail.ts";
import { type Box, runOrFail } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { answersPaths } from "../host/paths.ts";
import type { Tools } from "../host/tools.ts";
import { WORKPLACE } from "./disks.ts";
import { type Labels, relabel } from "./labels.ts";

const LOOK_MS = 2000;
/** Percent. */
const STEP = 5;

/** Where the running root is visible without other mounts, and where the new one is mounted. */
export const FROM = join(WORKPLACE, "from");
export const TO = join(WORKPLACE, "to");

/** Bytes used in the file system at `place`. */
export async function usedBytes(box: Box, place: string): Promise<number> {
  const { stdout } = await box.run("df", ["--output=used", "--block-size=1", place]);
  return Number(stdout.trim().split("\n").at(-1) ?? 0) || 0;
}

export async function copyRoot(tools: Pick<Tools, "box" | "progress" | "signal">, total: number) {
  const { box, progress, signal } = tools;
  let isOver = false;
  const copying = runOrFail(box, "cp", ["--archive", "--one-file-system", `${FROM}/.`, `${TO}/`]).finally(
    () => {
      isOver = true;
    },
  );
  // The error is thrown by the await below; this prevents an unhandled rejection during the sleep.
  copying.catch(() => {});
  let shown = -1;
  while (!isOver) {
    // In steps, because a terminal that cannot replace lines prints each as a new one.
    const percent = Math.min(95, STEP * Math.floor(((await usedBytes(box, TO)) * 100) / total / STEP) || 0);
    if (percent !== shown) progress("progress.install.copy", { percent }, { transient: true });
    shown = percent;
    await Promise.race([copying.catch(() => {}), box.sleep(LOOK_MS, signal)]);
  }
  await copying;
  progress("progress.install.copied", {}, { transient: true });
}

const EFI = "EFI";
const REMOVABLE = "BOOT";

/**
 * Copies the boot partition except the loaders that firmware starts: those come last, see {@link copyLoaders}. A
 * person's files are included; the answers without the section "install", and not the report, which is about the
 * stick.
 */
export async function copyBootFiles(box: Box, image: ImageInfo, to: string, labels: Labels): Promise<void> {
  const from = image.boot_mount;
  const copy = async (name: string, into: string) =>
    runOrFail(box, "cp", ["--recursive", "--preserve=timestamps", join(from, name), into]);
  for (const name of (await box.list(from)).filter((each) => each.toUpperCase() !== EFI))
    await copy(name, to);
  await box.makeDirectory(join(to, EFI));
  for (const name of await box.list(join(from, EFI)))
    if (name.toUpperCase() !== REMOVABLE) await copy(join(EFI, name), join(to, EFI));
  await renameIn(box, join(to, "EFI/debian/grub.cfg"), labels);
  await box.remove(answersPaths(to).report);
  const { answers } = answersPaths(to);
  const text = await box.readFile(answers);
  const rest = text === undefined ? undefined : await withoutInstall(text);
  if (rest !== undefined && rest !== text) await box.writeFile(answers, rest);
}

export async function copyLoaders(box: Box, image: ImageInfo, to: string): Promise<void> {
  const loaders = (await box.list(join(image.boot_mount, EFI))).filter(
    (name) => name.toUpperCase() === REMOVABLE,
  );
  for (const name of loaders)
    await runOrFail(box, "cp", ["--recursive", join(image.boot_mount, EFI, name), join(to, EFI)]);
}

/** Replaces the names in a configuration. Fails with `install-names-missing`. */
export async function renameIn(box: Box, path: string, labels: Labels): Promise<void> {
  const text = (await box.readFile(path)) ?? "";
  const renamed = relabel(text, labels);
  if (renamed === undefined) {
    return fail({
      code: "install-names-missing",
      what: "A file of the stick does not say where the system is.",
      found: path,
      hint: "Write the image to the stick again, and start again.",
    });
  }
  if (renamed !== text) await box.writeFile(path, renamed);
}

/** A file that is not YAML stays unchanged: the box will report it again. */
async function withoutInstall(text: string): Promise<string> {
  const { parseDocument } = await import("yaml");
  const document = parseDocument(text);
  if (document.errors.length > 0 || !document.has("install")) return text;
  document.delete("install");
  return document.toString();
}

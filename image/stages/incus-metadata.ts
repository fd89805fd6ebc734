// SPDX-License-Identifier: GPL-3.0-or-later
// The metadata of an Incus image: its architecture, and the files that Incus writes for each instance.
// https://linuxcontainers.org/incus/docs/main/reference/image_format/
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Path in the instance -> content, in the language of Incus's templates (Pongo2). */
export type IncusTemplates = Readonly<Record<string, string>>;

export interface IncusImage {
  readonly release: string;
  /** Debian's name of the architecture. */
  readonly architecture: string;
  /** The kernel's name of the machine. */
  readonly machine: string;
  readonly description: string;
  /** Date of creation, in seconds. */
  readonly epoch: number;
  /** Written when an instance is made and when it is copied. */
  readonly templates: IncusTemplates;
}

/** Writes `metadata.yaml` and `templates/` into the directory. */
export async function writeIncusMetadata(directory: string, image: IncusImage): Promise<void> {
  const { release, architecture, machine, description, epoch } = image;
  const templates = Object.entries(image.templates).map(([path, text]) => ({
    path,
    file: `${basename(path)}.tpl`,
    text,
  }));
  const metadata = {
    architecture: machine,
    creation_date: epoch,
    properties: { os: "Debian", release, architecture, description },
    templates: Object.fromEntries(
      templates.map(({ path, file }) => [path, { when: ["create", "copy"], template: file }]),
    ),
  };
  // JSON is YAML.
  await putFile(join(directory, "metadata.yaml"), `${JSON.stringify(metadata, null, 2)}\n`);
  for (const { file, text } of templates) await putFile(join(directory, "templates", file), text);
}

/** Writes a file; replaces what was there, also a link. */
export async function putFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  await writeFile(path, text);
  await chmod(path, 0o644);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The stick's record of its last installation: enough to recognize the disk and ask to remove the stick.

import { parseJson } from "../../common/json.ts";
import type { Box } from "../host/box.ts";
import { paths } from "../host/paths.ts";
import type { Disks } from "./disks.ts";

export interface InstallRecord {
  /** GUID of the partition table that the installation created. */
  readonly table_id: string;
}

/** Undefined if no installation from here was completed. */
export async function readInstallRecord(box: Pick<Box, "readFile">): Promise<InstallRecord | undefined> {
  const text = await box.readFile(paths.installed);
  const { table_id } = parseJson<Partial<InstallRecord>>(text ?? "{}", {});
  return table_id ? { table_id } : undefined;
}

export async function writeInstallRecord(box: Box, record: InstallRecord): Promise<void> {
  await box.writeFile(paths.installed, `${JSON.stringify(record)}\n`);
}

/** Is the disk that this stick was installed to in this box? */
export async function isInstalled(box: Box, { others }: Disks): Promise<boolean> {
  const record = await readInstallRecord(box);
  return record !== undefined && others.some(({ tableId }) => tableId === record.table_id);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The record of a running lab, by which any later process can find, use and remove it.
import {
  accessSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { HostProcess } from "../../image/host/process.ts";
import type { Authority, CertificateRequest } from "./certificate-request.ts";

/** The change that a fault makes to a server. Several faults may change one server; see upkeep.ts. */
export interface ServerChange {
  readonly isDown?: true;
  /** Words added to its command. */
  readonly words?: readonly string[];
  /** Whose certificate it shows; its own lab's unless said. */
  readonly authority?: Authority;
}

/** All that is needed to start it again, by any process. */
export interface RecordedServer {
  readonly host: string;
  readonly command: readonly string[];
  /** The pattern that says it is ready. */
  readonly ready: { readonly source: string; readonly flags: string };
  readonly certificate?: CertificateRequest;
  /** By name of the fault. */
  readonly changes: Readonly<Record<string, ServerChange>>;
  /** Undefined while it is down on purpose. */
  readonly process?: HostProcess;
  /** What it was started with. */
  readonly startedWith?: ServerChange;
}

export interface RecordedBox {
  readonly name: string;
  readonly tap: string;
  readonly mac: string;
  /** The process that plugged the box in; the plug is free again when it is gone. */
  readonly owner: HostProcess;
}

export interface LabRecord {
  /** The process that is setting the lab up, until it is up. */
  readonly starting?: HostProcess;
  /** The lab's root file system. */
  readonly root: string;
  readonly servers: readonly RecordedServer[];
  readonly boxes: readonly RecordedBox[];
  /** Names of the faults that are on. */
  readonly faults: readonly string[];
}

/** Directory of a lab: its record, and one directory per host with configuration, state and log. */
export function labDirectory(lab: string): string {
  return join(runDirectory(), "lab", lab);
}

export const hostDirectory = (lab: string, host: string) => join(labDirectory(lab), host);
const recordPath = (lab: string) => join(labDirectory(lab), "lab.json");

export function readRecord(lab: string): LabRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordPath(lab), "utf8")) as LabRecord;
  } catch {
    return undefined;
  }
}

/** Names of the labs that something is written down about. */
export function recordedLabs(): readonly string[] {
  try {
    return readdirSync(dirname(labDirectory("any")));
  } catch {
    return [];
  }
}

/** Writes the first record. False when there is one already, by another process. */
export function claimRecord(lab: string, record: LabRecord): boolean {
  mkdirSync(labDirectory(lab), { recursive: true });
  try {
    writeFileSync(recordPath(lab), JSON.stringify(record), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Reads and writes synchronously, so that no other code of this process runs between the two. */
export function changeRecord(lab: string, change: (before: LabRecord) => LabRecord): void {
  const before = readRecord(lab);
  if (!before) return;
  const fresh = `${recordPath(lab)}.${process.pid}`;
  writeFileSync(fresh, JSON.stringify(change(before)));
  renameSync(fresh, recordPath(lab));
}

export function removeRecord(lab: string): void {
  rmSync(labDirectory(lab), { recursive: true, force: true });
}

function runDirectory(): string {
  try {
    accessSync("/run", constants.W_OK);
    return "/run/community-box";
  } catch {
    return "/tmp/community-box";
  }
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps each server of the lab in its wanted state: that of its host, changed by the faults that are on. The wanted
// state is recorded before a change, so that any later process can finish an interrupted one.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fail } from "../../common/fail.ts";
import { end, isAlive } from "../../image/host/process.ts";
import { issueCertificate } from "./authority.ts";
import type { LabHost, Server } from "./host.ts";
import { waitUntilEmpty } from "./network.ts";
import { changeRecord, type RecordedServer, readRecord, type ServerChange } from "./record.ts";
import { type Place, startServer } from "./server.ts";

/** For a busy machine. */
const PATIENCE_MS = 60_000;

/** Starts the server of a host and writes it down. */
export async function addServer(lab: string, host: LabHost, place: Place, server: Server): Promise<void> {
  for (const [name, text] of Object.entries(server.files ?? {}))
    writeFileSync(join(place.directory, name), text);
  const recorded: RecordedServer = {
    host: host.name,
    command: server.command,
    ready: { source: server.ready.source, flags: server.ready.flags },
    ...(server.tls ? { certificate: { names: server.tls, address: host.address } } : {}),
    changes: {},
  };
  changeRecord(lab, (before) => ({ ...before, servers: [...before.servers, recorded] }));
  await start(lab, place, recorded);
}

/** @param change undefined takes back what was asked for this reason. */
export async function changeServer(
  lab: string,
  place: Place,
  host: string,
  reason: string,
  change: ServerChange | undefined,
): Promise<void> {
  const { [reason]: _, ...others } = find(lab, host).changes;
  const changes = change ? { ...others, [reason]: change } : others;
  rewrite(lab, host, (server) => ({ ...server, changes }));
  const server = find(lab, host);
  if (isAsWanted(server)) return;
  await stop(lab, place, server);
  if (!wanted(server).isDown) await start(lab, place, server);
}

/** Runs as the faults ask, or is down because they do. */
export function isAsWanted(server: RecordedServer): boolean {
  const isRunning = server.process !== undefined && isAlive(server.process);
  const now = wanted(server);
  if (now.isDown) return !isRunning;
  return isRunning && JSON.stringify(server.startedWith) === JSON.stringify(now);
}

/** All changes as one. */
function wanted({ changes }: RecordedServer): ServerChange {
  const all = Object.keys(changes)
    .sort()
    .map((reason) => changes[reason]!);
  const authority = all.find((change) => change.authority)?.authority;
  return {
    ...(all.some(({ isDown }) => isDown) ? { isDown: true } : {}),
    words: all.flatMap(({ words }) => words ?? []),
    ...(authority ? { authority } : {}),
  };
}

async function start(lab: string, place: Place, server: RecordedServer): Promise<void> {
  const { host, command, ready, certificate } = server;
  const startedWith = wanted(server);
  if (certificate) await issueCertificate(lab, place, certificate, startedWith.authority);
  const program = {
    command: [...command, ...startedWith.words!],
    ready: new RegExp(ready.source, ready.flags),
  };
  await startServer(place, program, (process) =>
    rewrite(lab, host, (before) => ({ ...before, process, startedWith })),
  );
}

async function stop(lab: string, place: Place, { host, process }: RecordedServer): Promise<void> {
  if (process) await end(process);
  rewrite(lab, host, ({ process: _, startedWith: __, ...before }) => before);
  // Its port is free when all that it had started is gone, too.
  await waitUntilEmpty(place.namespace, PATIENCE_MS);
}

function find(lab: string, host: string): RecordedServer {
  const servers = readRecord(lab)?.servers ?? [];
  return (
    servers.find((server) => server.host === host) ??
    fail({
      code: "lab-host-unknown",
      what: "The lab has no such host with a server, or it is down.",
      found: host,
      hint: `./cbox lab status --name ${lab}`,
    })
  );
}

function rewrite(lab: string, host: string, change: (server: RecordedServer) => RecordedServer): void {
  changeRecord(lab, (before) => ({
    ...before,
    servers: before.servers.map((server) => (server.host === host ? change(server) : server)),
  }));
}

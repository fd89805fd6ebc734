// SPDX-License-Identifier: GPL-3.0-or-later
// The package store against a mirror that hiccups, on this machine's loopback.
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openPool } from "../../image/debian/pool.ts";
import { createSession } from "../../image/host/session.ts";
import { run, scratch } from "./project.ts";

const BODY = Buffer.from("what a mirror would send");
const pin = (sha256: string) => ({
  ...{
    name: "thing",
    version: "1",
    architecture: "all",
    repository: "debian" as const,
    path: "pool/thing_1_all.deb",
  },
  ...{ size: BODY.length, sha256 },
});
const GOOD = createHash("sha256").update(BODY).digest("hex");

/** Answers with each reply in turn, then for ever with the last. */
async function mirror(replies: readonly { status: number; body?: Buffer }[]) {
  let requests = 0;
  const server = createServer((_request, response) => {
    const { status, body = Buffer.alloc(0) } = replies[Math.min(requests++, replies.length - 1)]!;
    response.writeHead(status, { "content-length": body.length }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { debian: url, security: url, requests: () => requests };
}

async function poolOn(source: Awaited<ReturnType<typeof mirror>>) {
  const directory = await scratch();
  const session = createSession({ logDirectory: join(directory, "log") });
  return { pool: openPool(session, source, join(directory, "pool")), directory };
}

it("a download is repeated until the hash matches, from a mirror that fails twice and sends garbage once", async () => {
  const rubbish = { status: 200, body: Buffer.from("<html>half-synchronised</html>") };
  const source = await mirror([{ status: 503 }, { status: 503 }, rubbish, { status: 200, body: BODY }]);
  const { pool, directory } = await poolOn(source);
  await pool.fetch([pin(GOOD)]);
  expect(await readFile(join(directory, "pool", `${GOOD}.deb`))).toEqual(BODY);
  expect(source.requests()).toBeGreaterThanOrEqual(4);
  const before = source.requests();
  await pool.fetch([pin(GOOD)]);
  expect(source.requests()).toBe(before);
});

it("a file that never has the locked hash is refused: package-gone", async () => {
  const source = await mirror([{ status: 200, body: BODY }]);
  const { pool } = await poolOn(source);
  await expect(pool.fetch([pin("0".repeat(64))])).rejects.toMatchObject({
    code: "package-gone",
    found: "thing 1",
  });
});

it("a package that two layers need at the same time is read for each", async () => {
  const directory = await scratch();
  const tree = join(directory, "tree");
  await mkdir(join(tree, "DEBIAN"), { recursive: true });
  const fields =
    "Package: thing\nVersion: 1\nArchitecture: all\nMaintainer: Nobody <nobody@example.net>\nDescription: a test\n";
  await writeFile(join(tree, "DEBIAN/control"), fields);
  const { ended } = run(["dpkg-deb", "--build", "--root-owner-group", tree, join(directory, "thing.deb")]);
  expect((await ended).code).toBe(0);
  const body = await readFile(join(directory, "thing.deb"));
  const { pool } = await poolOn(await mirror([{ status: 200, body }]));
  const thing = { ...pin(createHash("sha256").update(body).digest("hex")), size: body.length };
  await pool.fetch([thing]);
  const asked = await Promise.all(Array.from({ length: 8 }, () => pool.control(thing)));
  expect(new Set(asked)).toEqual(new Set([fields]));
});

// SPDX-License-Identifier: GPL-3.0-or-later
// Writing an image to a disk, on small files: only what is mapped, the start last, old marks gone, everything read
// back, and what the kernel says turned into sentences.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MIB } from "../../../../image/disk/layout.ts";
import { progressLine, showProgress } from "../../../../image/flash/progress.ts";
import { toFailure, withTrouble } from "../../../../image/flash/trouble.ts";
import { blank, verifyRanges, writeRanges } from "../../../../image/flash/write.ts";
import { failureOf } from "../../../failure-of.ts";
import { temporaryDirectory } from "../../../temporary.ts";

const GARBAGE = 0xa5;
const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

/** 12 MiB in which every byte tells where it is. */
const IMAGE = Buffer.alloc(12 * MIB);
for (let at = 0; at < IMAGE.length; at += 4) IMAGE.writeUInt32LE(at + 1, at);
const range = (start: number, end: number) => ({
  start,
  length: end - start,
  sha256: sha256(IMAGE.subarray(start, end)),
});
const RANGES = [range(0, 4096), range(8192, 2 * MIB), range(5 * MIB, 11 * MIB + 4096)];

/** Pieces that meet the borders of no range. */
function sourceOf(image: Buffer, ranges = RANGES, size = 65_000) {
  async function* stream() {
    for (let at = 0; at < image.length; at += size) yield image.subarray(at, at + size);
  }
  return { name: "box.img", ranges, stream, isChecked: false };
}

async function withDisk<T>(
  work: (file: FileHandle, path: string) => Promise<T>,
  size = 16 * MIB,
): Promise<T> {
  const path = join(temporaryDirectory(), "disk");
  writeFileSync(path, Buffer.alloc(size, GARBAGE));
  const file = await open(path, "r+");
  try {
    return await work(file, path);
  } finally {
    await file.close();
  }
}
const copy = (signal = new AbortController().signal) => {
  const seen: number[] = [];
  return { signal, seen, onProgress: (bytes: number) => void seen.push(bytes) };
};

describe("writeRanges", () => {
  it("writes the mapped ranges and leaves the rest unchanged", () =>
    withDisk(async (file, path) => {
      const options = copy();
      expect(await writeRanges(file, sourceOf(IMAGE), options)).toEqual(RANGES);
      const disk = readFileSync(path);
      const expected = Buffer.alloc(disk.length, GARBAGE);
      for (const { start, length } of RANGES) IMAGE.copy(expected, start, start, start + length);
      expect(disk.equals(expected)).toBe(true);
      expect(options.seen.reduce((sum, bytes) => sum + bytes, 0)).toBe(
        RANGES.reduce((sum, { length }) => sum + length, 0),
      );
    }));

  it("computes the checksums that the map lacks", () =>
    withDisk(async (file) => {
      const ranges = RANGES.map(({ start, length }) => ({ start, length }));
      expect(await writeRanges(file, sourceOf(IMAGE, ranges as typeof RANGES), copy())).toEqual(RANGES);
    }));

  it("relies on the map for an image that was already checked against it", () =>
    withDisk(async (file) => {
      const ranges = RANGES.map((each) => ({ ...each, sha256: `of ${each.start}` }));
      const source = { ...sourceOf(IMAGE, ranges), isChecked: true };
      expect(await writeRanges(file, source, copy())).toEqual(ranges);
      await verifyRanges(file, "sdb", RANGES, copy());
    }));

  it.each([
    ["another byte", () => Buffer.concat([IMAGE.subarray(0, 6 * MIB), Buffer.alloc(6 * MIB)])],
    ["an early end", () => IMAGE.subarray(0, 6 * MIB)],
  ])("stops at %s in the image, before the start of the disk is written", (_what, damaged) =>
    withDisk(async (file, path) => {
      const failure = await failureOf(() => writeRanges(file, sourceOf(damaged()), copy()));
      expect(failure).toMatchObject({
        code: "image-damaged",
        message: "The image box.img is not what its block map says.",
        found: `other bytes, or none, from byte ${5 * MIB} on`,
      });
      expect(
        readFileSync(path)
          .subarray(0, MIB)
          .every((byte) => byte === GARBAGE),
      ).toBe(true);
    }),
  );

  it("stops at Ctrl-C", () =>
    withDisk(async (file, path) => {
      const controller = new AbortController();
      const source = sourceOf(IMAGE);
      async function* stream() {
        for await (const chunk of source.stream()) {
          yield chunk;
          controller.abort();
        }
      }
      const failure = await failureOf(() =>
        writeRanges(file, { ...source, stream }, copy(controller.signal)),
      );
      expect(failure).toMatchObject({ code: "interrupted", message: "Stopped by Ctrl-C.", exitCode: 130 });
      expect(readFileSync(path).includes(IMAGE.subarray(0, 16))).toBe(false);
    }));
});

describe("verifyRanges", () => {
  it("accepts what was written, and finds one wrong bit", () =>
    withDisk(async (file) => {
      const written = await writeRanges(file, sourceOf(IMAGE), copy());
      await verifyRanges(file, "sdb", written, copy());
      await file.write(Buffer.from([IMAGE[9 * MIB]! ^ 1]), 0, 1, 9 * MIB);
      expect(await failureOf(() => verifyRanges(file, "sdb", written, copy()))).toMatchObject({
        code: "disk-unreliable",
        message: "sdb does not give back what was written to it.",
        found: `other bytes somewhere in the 6.3 MB from byte ${5 * MIB} on`,
      });
    }));

  it("finds a disk that ends too early", () =>
    withDisk(async (file) => {
      await file.truncate(6 * MIB);
      expect(await failureOf(() => verifyRanges(file, "sdb", RANGES, copy()))).toMatchObject({
        code: "disk-unreliable",
      });
    }));
});

describe("blank", () => {
  it("erases old signatures at both ends of the disk and of each partition", () =>
    withDisk(async (file, path) => {
      await blank(file, 16 * MIB, [
        { name: "data", start: 5 * MIB, size: 6 * MIB },
        { name: "small", start: 12 * MIB, size: 4096 },
        { name: "beyond", start: 15 * MIB, size: 9 * MIB },
      ]);
      const disk = readFileSync(path);
      expect(disk.length).toBe(16 * MIB);
      const isZero = (from: number, to: number) => disk.subarray(from, to).every((byte) => byte === 0);
      const isKept = (from: number, to: number) => disk.subarray(from, to).every((byte) => byte === GARBAGE);
      expect(isZero(0, MIB)).toBe(true);
      expect(isZero(5 * MIB, 6 * MIB)).toBe(true);
      expect(isZero(10 * MIB, 11 * MIB)).toBe(true);
      expect(isZero(12 * MIB, 12 * MIB + 4096)).toBe(true);
      expect(isZero(15 * MIB, 16 * MIB)).toBe(true);
      expect(isKept(MIB, 5 * MIB)).toBe(true);
      expect(isKept(6 * MIB, 10 * MIB)).toBe(true);
      expect(isKept(12 * MIB + 4096, 15 * MIB)).toBe(true);
    }));
});

describe("an error while writing", () => {
  const card = { path: "/dev/sdb", name: "sdb", kind: "disk" } as const;
  const says = (code: string) => Object.assign(new Error(`${code}: said the kernel`), { code });

  it.each([
    ["EACCES", true, "disk-forbidden", "You may not write to /dev/sdb.", /sudo/],
    ["EPERM", true, "disk-forbidden", "You may not write to /dev/sdb.", /sudo/],
    ["EBUSY", true, "disk-in-use", "/dev/sdb is in use.", /take it out/],
    ["EROFS", true, "disk-read-only", "/dev/sdb is write-protected.", /LOCK/],
    ["ENOSPC", true, "target-full", "/dev/sdb is full: there is not enough room for the image.", /make room/],
    ["EFBIG", true, "target-full", "/dev/sdb is full: there is not enough room for the image.", /make room/],
    [
      "EIO",
      true,
      "disk-broken",
      "/dev/sdb does not take what is written to it, or does not give it back.",
      /another reader/,
    ],
    [
      "EIO",
      false,
      "disk-vanished",
      "/dev/sdb is gone: it was pulled out, or its reader has let go of it.",
      /put it in again/,
    ],
    [
      "ENXIO",
      false,
      "disk-vanished",
      "/dev/sdb is gone: it was pulled out, or its reader has let go of it.",
      /put it in again/,
    ],
    [
      "ENOMEDIUM",
      true,
      "disk-vanished",
      "/dev/sdb is gone: it was pulled out, or its reader has let go of it.",
      /put it in again/,
    ],
  ])("of the kernel, %s (card present: %s), is reported as %s", (errno, isThere, code, what, hint) => {
    expect(toFailure(card, says(errno), () => isThere)).toMatchObject({
      ...{ code, message: what, found: `${errno}: said the kernel` },
      hint: expect.stringMatching(hint),
    });
  });

  it("on a disk that this machine does not have is reported as disk-vanished", async () => {
    const failure = await failureOf(() =>
      withTrouble({ ...card, name: "no-such" }, async () => {
        throw says("EIO");
      }),
    );
    expect(failure.code).toBe("disk-vanished");
  });

  it("of any other kind stays unchanged", () => {
    const error = new TypeError("a mistake");
    expect(toFailure(card, error)).toBe(error);
  });
});

describe("the progress display", () => {
  it("has share, amount, rate and remaining time in one line", () => {
    expect(progressLine("Writing", 154e6, 726e6, 21.3e6)).toBe(
      "Writing  [#####...................]   21 %  154 of 726 MB  21.3 MB/s  0:27 left",
    );
    expect(progressLine("Checking", 0, 726e6, 0)).toBe(
      "Checking  [........................]    0 %  0 of 726 MB  0.0 MB/s",
    );
    expect(progressLine("Writing", 5, 5, 1)).toContain("100 %");
  });

  it("redraws itself at a readable rate and disappears at the end", () => {
    const drawn: string[] = [];
    let time = 0;
    const screen = { isTTY: true, columns: 60, write: (text: string) => drawn.push(text) };
    const progress = showProgress("Writing", 100e6, screen, () => time);
    for (; time < 1000; time += 10) progress.add(1e6);
    expect(progress.end()).toBe(1);
    // Every fifth of a second, when all is done, and to take it away.
    expect(drawn).toHaveLength(7);
    expect(drawn[1]).toContain("\r\x1b[KWriting");
    expect(drawn[1]!.length).toBeLessThan(60 + 4);
    expect(drawn.at(-1)).toBe("\r\x1b[K");
  });

  it("prints nothing where there is no terminal", () => {
    const progress = showProgress("Writing", 10, { write: () => expect.unreachable() });
    progress.add(10);
    progress.end();
  });
});

// SPDX-License-Identifier: GPL-3.0-or-later
// The block map beside an image, in bmaptool's format 2.0: which parts of the disk must be written, and the SHA-256
// of each. The content of the other parts does not matter.
import { createHash } from "node:crypto";
import { XMLParser } from "fast-xml-parser";
import { fail } from "../../common/fail.ts";

export interface BlockMap {
  /** Bytes of the disk that the image unpacks to. */
  readonly size: number;
  /** In ascending order, not touching each other. */
  readonly ranges: readonly MappedRange[];
}

/** In bytes. */
export interface MappedRange {
  readonly start: number;
  readonly length: number;
  /** Absent where no block map states it. */
  readonly sha256?: string;
}

interface BmapFile {
  readonly bmap?: {
    readonly "@version"?: string;
    readonly ImageSize?: string;
    readonly BlockSize?: string;
    readonly ChecksumType?: string;
    readonly BmapFileChecksum?: string;
    readonly BlockMap?: { readonly Range?: readonly (string | { "@chksum"?: string; "#text"?: string })[] };
  };
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  parseTagValue: false,
  parseAttributeValue: false,
  isArray: (name) => name === "Range",
});

/**
 * @param name path of the map, for messages.
 * @throws Failure `image-damaged`
 */
export function parseBlockMap(text: string, name: string): BlockMap {
  const { bmap } = parser.parse(text) as BmapFile;
  if (!bmap) return damaged(name, "not a block map");
  if (!/^2\.0$/.test(bmap["@version"] ?? "") || bmap.ChecksumType?.trim() !== "sha256") {
    return damaged(name, `version ${bmap["@version"] ?? "none"} with ${bmap.ChecksumType ?? "no checksums"}`);
  }
  const own = bmap.BmapFileChecksum?.trim() ?? "";
  // It is computed over the file with zeros in the place of the checksum.
  const sum = createHash("sha256")
    .update(text.replace(own, "0".repeat(own.length)))
    .digest("hex");
  if (sum !== own) return damaged(name, `its own SHA-256 is ${sum}, not ${own || "there"}`);

  const size = Number(bmap.ImageSize);
  const block = Number(bmap.BlockSize);
  const ranges = (bmap.BlockMap?.Range ?? []).map((range): MappedRange => {
    const [words, sha256] = typeof range === "string" ? [range] : [range["#text"] ?? "", range["@chksum"]];
    const [first = Number.NaN, last = first] = words.trim().split("-").map(Number);
    const start = first * block;
    const length = Math.min((last + 1) * block, size) - start;
    return { start, length, ...(sha256 ? { sha256 } : {}) };
  });
  let end = 0;
  for (const { start, length } of ranges) {
    if (!(start >= end && length > 0 && Number.isSafeInteger(start + length))) {
      return damaged(name, "its ranges do not follow each other");
    }
    end = start + length;
  }
  return ranges.length > 0 ? { size, ranges } : damaged(name, "it maps nothing");
}

/** The map of a disk of which every byte is written, in ranges of `piece` bytes. */
export function wholeDisk(size: number, piece = 64 * 1024 * 1024): BlockMap {
  const ranges = Array.from({ length: Math.ceil(size / piece) }, (_, index) => ({
    start: index * piece,
    length: Math.min(piece, size - index * piece),
  }));
  return { size, ranges };
}

export function mappedBytes({ ranges }: Pick<BlockMap, "ranges">): number {
  return ranges.reduce((sum, { length }) => sum + length, 0);
}

function damaged(name: string, found: string): never {
  return fail({
    code: "image-damaged",
    what: `The block map ${name} is damaged.`,
    found,
    hint: "download the files of the image again, all of them into one folder",
  });
}

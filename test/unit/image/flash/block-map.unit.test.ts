// SPDX-License-Identifier: GPL-3.0-or-later
// bmaptool's block maps: what is mapped, and how a damaged one is told.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { mappedBytes, parseBlockMap, wholeDisk } from "../../../../image/flash/block-map.ts";
import { failureOf } from "../../../failure-of.ts";

const SUM = "ab".repeat(32);

function bmap(body: Partial<Record<"version" | "type" | "size" | "ranges", string>> = {}): string {
  const {
    version = "2.0",
    type = "sha256",
    size = "20000",
    ranges = `<Range chksum="${SUM}"> 0-1 </Range>`,
  } = body;
  const text = (sum: string) => `<?xml version="1.0" ?>
<!-- a comment with the word <Range> in it -->
<bmap version="${version}">
  <ImageSize> ${size} </ImageSize><BlockSize> 4096 </BlockSize>
  <ChecksumType> ${type} </ChecksumType>
  <BmapFileChecksum> ${sum} </BmapFileChecksum>
  <BlockMap>${ranges}</BlockMap>
</bmap>
`;
  return text(
    createHash("sha256")
      .update(text("0".repeat(64)))
      .digest("hex"),
  );
}

describe("parseBlockMap", () => {
  it("returns ranges in bytes, the last of which ends with the image", () => {
    const ranges = `<Range chksum="${SUM}"> 0-1 </Range><Range> 3 </Range><Range chksum="${SUM}"> 4 </Range>`;
    const map = parseBlockMap(bmap({ ranges }), "x.bmap");
    expect(map).toEqual({
      size: 20000,
      ranges: [
        { start: 0, length: 8192, sha256: SUM },
        { start: 12288, length: 4096 },
        { start: 16384, length: 3616, sha256: SUM },
      ],
    });
    expect(mappedBytes(map)).toBe(8192 + 4096 + 3616);
  });

  it.each([
    ["something else", "<html></html>", "not a block map"],
    ["another version", bmap({ version: "1.4" }), "version 1.4 with"],
    ["other checksums", bmap({ type: "md5" }), "with md5"],
    ["a changed number", bmap().replace("20000", "20001"), "its own SHA-256 is"],
    ["ranges that go back", bmap({ ranges: "<Range> 2-3 </Range><Range> 1 </Range>" }), "do not follow"],
    ["ranges that are no numbers", bmap({ ranges: "<Range> all </Range>" }), "do not follow"],
    ["no ranges", bmap({ ranges: "" }), "it maps nothing"],
  ])("refuses %s", async (_what, text, found) => {
    const failure = await failureOf(() => parseBlockMap(text, "x.bmap"));
    expect(failure).toMatchObject({ code: "image-damaged", message: "The block map x.bmap is damaged." });
    expect(failure.found).toContain(found);
  });
});

describe("wholeDisk", () => {
  it("maps every byte once", () => {
    expect(wholeDisk(10, 4).ranges).toEqual([
      { start: 0, length: 4 },
      { start: 4, length: 4 },
      { start: 8, length: 2 },
    ]);
  });
});

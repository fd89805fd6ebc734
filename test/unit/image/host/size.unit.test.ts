// SPDX-License-Identifier: GPL-3.0-or-later
// Sizes on the command line.
import { describe, expect, test } from "vitest";
import { parseMib } from "../../../../image/host/size.ts";

describe("parseMib", () => {
  test.each([
    ["512", 512],
    ["512M", 512],
    ["8G", 8192],
    ["8GiB", 8192],
    ["1.5g", 1536],
    ["1T", 1024 * 1024],
  ])("%s is %i MiB", (text, mib) => {
    expect(parseMib(text, "--disk")).toBe(mib);
  });

  test.each(["", "0", "8X", "-1G", "G", "1e3", "8 G B"])("%j is refused, with an example", (text) => {
    expect(() => parseMib(text, "--disk")).toThrow(
      expect.objectContaining({ code: "size-invalid", found: text, hint: "--disk 8G" }),
    );
  });
});

// SPDX-License-Identifier: GPL-3.0-or-later
// Text of strangers where people read it: no control sign reaches a terminal, and no line of theirs looks like one of ours.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeFailure, Failure } from "../../../common/fail.ts";
import { printable, printableLines } from "../../../common/printable.ts";
import { parseDisks } from "../../../firstboot/install/disks.ts";
import { type Disk, describeDisk } from "../../../image/flash/disks.ts";

const ODD = "a\x1b[2Jb\r\nerror: c\u009b1m\u202ed";
const SHOWN = /\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/u;

it("text for one line shows each control character by its number", () => {
  expect(printable(ODD)).toBe("a\\u001b[2Jb\\u000d\\u000aerror: c\\u009b1m\\u202ed");
  expect(printable("Can Bruixa, l·lis 東京 🐐")).toBe("Can Bruixa, l·lis 東京 🐐");
});

it("text for several lines keeps its line ends and tabs", () => {
  expect(printableLines("a\tb\r\nc\rd")).toBe("a\tb\nc\\u000dd");
});

it("no text keeps a control character, and JSON stays valid", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(printable(text)).not.toMatch(SHOWN);
      expect(printableLines(text).replace(/[\n\t]/g, "")).not.toMatch(SHOWN);
      const plain = text.replaceAll(/\p{Cf}/gu, "");
      expect(JSON.parse(printable(JSON.stringify(plain)))).toEqual(plain);
    }),
  );
});

describe("text from outside is shown without control characters", () => {
  it("in a failure, where each line of what was found is indented", () => {
    const failure = new Failure({
      code: "internal-error",
      what: `There is no "${ODD}".`,
      found: `x\nerror: y ${ODD}`,
    });
    expect(describeFailure(failure).split("\n")).toEqual([
      expect.stringMatching(/^error: There is no "a\\u001b/),
      "found: x",
      expect.stringMatching(/^ {7}error: y a\\u001b/),
      expect.stringMatching(/^ {7}error: c\\u009b1m\\u202ed/),
    ]);
  });

  it("in the names of disks that may be erased", () => {
    const device = { name: "sda", path: "/dev/sda", type: "disk", size: 1e9, model: ODD };
    const json = JSON.stringify({
      blockdevices: [{ ...device, children: [{ path: "/dev/sda1", label: ODD }] }],
    });
    const [disk] = parseDisks(json, 8).others;
    expect(disk?.model).not.toMatch(SHOWN);
    expect(disk?.partitions[0]?.label).not.toMatch(SHOWN);
    expect(
      describeDisk({ name: "sda", size: 1e9, model: printable(ODD), transport: "usb" } as Disk),
    ).not.toMatch(SHOWN);
  });
});

// SPDX-License-Identifier: GPL-3.0-or-later
// The report of Lynis and the page that is made of it.
import { expect, test } from "vitest";
import { formatLynis, parseLynis } from "../../bench/lynis.ts";

const REPORT = `# Lynis Report
report_version_major=1
lynis_version=3.0.8
os=Linux
warning[]=PKGS-7392|Found one or more vulnerable packages.|-|-|
suggestion[]=SSH-7408|Consider hardening SSH configuration|AllowTcpForwarding (set YES to NO)|-|
suggestion[]=BOOT-5122|Set a password on GRUB|-|-|
lynis_tests_done=248
hardening_index=71
`;

test("parseLynis reads index, version and findings, and drops Lynis' dashes", () => {
  expect(parseLynis(REPORT)).toEqual({
    version: "3.0.8",
    hardeningIndex: 71,
    tests: 248,
    warnings: [{ test: "PKGS-7392", text: "Found one or more vulnerable packages.", detail: "" }],
    suggestions: [
      {
        test: "SSH-7408",
        text: "Consider hardening SSH configuration",
        detail: "AllowTcpForwarding (set YES to NO)",
      },
      { test: "BOOT-5122", text: "Set a password on GRUB", detail: "" },
    ],
  });
});

test.each(["", "hardening_index=\n", "lynis_version=3\nwarning[]=A|b|-|-|\n"])(
  "parseLynis refuses a report without an index: %j",
  (text) => {
    expect(() => parseLynis(text)).toThrow(/no hardening index/);
  },
);

test("the page shows the index, what was audited, and every finding", () => {
  const page = formatLynis({
    ...{ date: new Date("2026-01-02T03:04:05Z"), machine: "2 cores", image: "x.img.zst" },
    report: parseLynis(REPORT),
  });
  expect(page).toContain("on 2026-01-02: 2 cores; x.img.zst");
  expect(page).toContain("**Hardening index: 71 of 100**, 1 warnings, 2 suggestions.");
  expect(page).toContain("| `BOOT-5122` | Set a password on GRUB |  |");
});

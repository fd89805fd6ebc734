// SPDX-License-Identifier: GPL-3.0-or-later
// The benchmark's results as a page.
export interface Row {
  readonly what: string;
  readonly ours: string;
  readonly theirs: string;
  readonly result: string;
  readonly aim: string;
}

/** In bytes; absent where there is no such image here. */
export interface ImageSizes {
  readonly profile: string;
  readonly packed?: number;
  readonly unpacked?: number;
}

export interface Results {
  readonly date: Date;
  readonly machine: string;
  readonly rows: readonly Row[];
  /** Packages that plain Debian lacks, with their installed size in MB. */
  readonly difference: readonly (readonly [string, number])[];
  readonly images: readonly ImageSizes[];
}

export function formatResults({ date, machine, rows, difference, images }: Results): string {
  const megabytes = (bytes: number | undefined) =>
    bytes ? `${(bytes / 1e6).toFixed(0)} MB` : "not built here";
  const shown = difference.slice(0, 8).map(([name, size]) => `${name} (${size.toFixed(0)} MB)`);
  const total = difference.reduce((sum, [, size]) => sum + size, 0);
  return [
    "# Benchmarks",
    "",
    `Written by \`./cbox bench\` on ${date.toISOString().slice(0, 10)}: ${machine}. One run; only the ratios say something.`,
    "",
    "| measure | ours | compared with | result | aim |",
    "|---|---|---|---|---|",
    ...rows.map(
      ({ what, ours, theirs, result, aim }) => `| ${what} | ${ours} | ${theirs} | **${result}** | ${aim} |`,
    ),
    "",
    `What the image has beyond plain bootable Debian: ${difference.length} packages, ${total.toFixed(0)} MB installed`,
    `before manuals and translations are left out. The largest: ${shown.join(", ")}.`,
    "",
    "The images, as `./cbox build --all` leaves them:",
    "",
    "| profile | packed | unpacked |",
    "|---|---|---|",
    ...images.map(
      ({ profile, packed, unpacked }) => `| \`${profile}\` | ${megabytes(packed)} | ${megabytes(unpacked)} |`,
    ),
    "",
  ].join("\n");
}

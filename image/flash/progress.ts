// SPDX-License-Identifier: GPL-3.0-or-later
// Progress of a long copy: one line kept up to date on a terminal, and no output elsewhere.

export interface Progress {
  /** So many more bytes are done. */
  add(bytes: number): void;
  /** Erases the line; returns the seconds since the start. */
  end(): number;
}

export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const BAR = 24;
/** Milliseconds between two looks of the line; a serial console has other things to do. */
const REST = 200;
/** The rate is that of the last seconds: cards get slower as they fill up. */
const WINDOW = 10_000;

/** @param total bytes. */
export function showProgress(
  verb: string,
  total: number,
  screen: Screen = process.stderr,
  now: () => number = () => performance.now(),
): Progress {
  const started = now();
  const samples: [number, number][] = [[started, 0]];
  let done = 0;
  let drawn = Number.NEGATIVE_INFINITY;
  return {
    add(bytes) {
      done += bytes;
      const time = now();
      if (!screen.isTTY || (time - drawn < REST && done < total)) return;
      drawn = time;
      samples.push([time, done]);
      while (samples.length > 2 && time - samples[0]![0] > WINDOW) samples.shift();
      const [since, before] = samples[0]!;
      const rate = (done - before) / Math.max(1, time - since);
      screen.write(
        `\r\x1b[K${progressLine(verb, done, total, rate * 1000).slice(0, (screen.columns ?? 80) - 1)}`,
      );
    },
    end() {
      if (screen.isTTY) screen.write("\r\x1b[K");
      return (now() - started) / 1000;
    },
  };
}

/**
 * `Writing  [#####...................]  21 %  154 of 726 MB  21.3 MB/s  0:26 left`
 * @param rate bytes per second.
 */
export function progressLine(verb: string, done: number, total: number, rate: number): string {
  const share = total === 0 ? 1 : done / total;
  const bar = "#".repeat(Math.floor(share * BAR)).padEnd(BAR, ".");
  const left = rate > 0 ? `${clock((total - done) / rate)} left` : "";
  return [
    verb,
    `[${bar}]`,
    `${String(Math.floor(share * 100)).padStart(3)} %`,
    `${megabytes(done)} of ${megabytes(total)} MB`,
    `${(rate / 1e6).toFixed(1)} MB/s`,
    left,
  ]
    .join("  ")
    .trimEnd();
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

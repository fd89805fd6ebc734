// SPDX-License-Identifier: GPL-3.0-or-later
// How long an image takes onto a card of 32 GB, by `cbox flash`, by dd of the unpacked disk and by bmaptool. The card
// is a sparse file: what is compared is the work of this computer, a real card is slower than all of them.
import { rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { $ } from "zx";
import { flash } from "../../image/flash/flash.ts";
import { openSource } from "../../image/flash/source.ts";
import { findTarget } from "../../image/flash/target.ts";
import { interruption } from "../../image/host/interrupt.ts";

const CARD = 32e9;
/** The best of so many is taken: the others were disturbed. */
const RUNS = 3;

export interface FlashTimes {
  /** Seconds, the check of the file before included. */
  readonly ours: number;
  /** Read back as well. */
  readonly oursVerified: number;
  readonly dd: number;
  readonly bmaptool: number;
}

/**
 * @param packed the published image, its manifest and block map beside it.
 * @param raw the same, unpacked.
 * @param directory where the card is made; needs room for four images.
 */
export async function measureFlash(packed: string, raw: string, directory: string): Promise<FlashTimes> {
  const card = join(directory, "card.img");
  const best = async (work: () => Promise<unknown>): Promise<number> => {
    const times: number[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      await rm(card, { force: true });
      await writeFile(card, "");
      await truncate(card, CARD);
      await $({ quiet: true })`sync`;
      const started = performance.now();
      await work();
      times.push((performance.now() - started) / 1000);
    }
    await rm(card, { force: true });
    return Math.min(...times);
  };
  const ours = (verify: boolean) => async () => {
    const source = await openSource(packed, () => directory);
    const demands = { least: 0, most: CARD, why: "", force: false, command: "" };
    const target = await findTarget(card, demands, CARD);
    await flash(source, target, { files: {}, verify, signal: interruption() });
  };
  return {
    oursVerified: await best(ours(true)),
    dd: await best(() => $({ quiet: true })`dd if=${raw} of=${card} bs=4M conv=notrunc,fsync status=none`),
    bmaptool: await best(() => $({ quiet: true })`bmaptool --quiet copy ${packed} ${card}`),
    ours: await best(ours(false)),
  };
}

// SPDX-License-Identifier: GPL-3.0-or-later
// A used card, flashed with answers as a person does it, starts a box that sets itself up without a key pressed.
import { open } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { DEFAULT_DISK_MIB } from "../../image/guest/disk.ts";
import { makeScratch } from "../../image/host/scratch.ts";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { cbox } from "../integration/project.ts";
import { type Lab, labUp } from "../lab/lab.ts";
import { BOOT_MS, type Box, createBox } from "./harness.ts";
import * as seen from "./observations.ts";
import { APPLY_MS, logIn } from "./set-up-dialogue.ts";
import { type Subject, subject } from "./subject.ts";

const MIB = 1024 * 1024;
const PASSWORD = "cargol groc damunt la teulada";
const BASE = `version: 1
system:
  owner: { name: anna, password: "${PASSWORD}" }
network: { method: dhcp }
services: { serf: { enabled: false } }
`;
/** Too little for contexts, which would take as long as all else. */
const SMALL = 768;

const scratch = makeScratch();
const file = (name: string) => join(scratch.path, name);
let it: Subject;
let lab: Lab;
let box: Box;

beforeAll(async () => {
  it = await subject("vm-amd64");
  lab = await labUp({ name: "flashtest", root: await labRoot(), community: loadCommunity("guifi") });
});

afterAll(async () => {
  await box?.destroy();
  await lab?.down();
  scratch.remove();
});

/** Full of what it held before, wherever the image could reach. */
async function usedCard(path: string): Promise<void> {
  const card = await open(path, "w");
  const filler = Buffer.alloc(MIB, "what the card held before ");
  for (let at = 0; at < it.manifest.image.raw_size; at += MIB) await card.write(filler, 0, MIB, at);
  await card.write(filler, 0, MIB, (DEFAULT_DISK_MIB - 1) * MIB);
  await card.close();
}

async function put(name: string, text: string): Promise<string> {
  const written = await open(file(name), "w");
  await written.writeFile(text);
  await written.close();
  return file(name);
}

test("a card flashed with the answers of row 3 starts as that box", async () => {
  const list = await put("boxes.csv", "system.hostname\nmas-nou\ncan-bruixa\n");
  const base = await put("base.yaml", BASE);
  await usedCard(file("card"));
  const words = ["flash", "vm-amd64", file("card"), "--fleet", list, "--row", "3", "--base", base, "--yes"];
  const { code, output } = await cbox(words).ended;
  expect(output).toMatch(/\[done\] card is ready: .* every byte right\.\nOn CBOX-BOOT: answers\.yaml\./);
  expect(code).toBe(0);

  box = await createBox({
    ...it,
    image: file("card"),
    lab,
    name: "flashed",
    ownDisk: true,
    memoryMib: SMALL,
  });
  await box.powerOn();
  await box.expect(/\[done\] Set-up is complete/, { timeoutMs: BOOT_MS + APPLY_MS });
  await logIn(box, "anna", PASSWORD);
  expect(await box.ask("hostname")).toBe("can-bruixa");
  expect(await seen.health(box)).toEqual(seen.HEALTHY);
  expect(await seen.rootSize(box)).toBeGreaterThan(2 * it.manifest.disk.partitions.root.size * 512);

  await box.ask("systemctl poweroff --no-block");
  await box.poweredOff();
  const partition = await box.bootPartition();
  expect(parse((await partition.get("answers-report.yaml")) ?? "")).toMatchObject({
    result: "applied",
    errors: [],
  });
  expect((await partition.bytes()).includes(PASSWORD)).toBe(false);
});

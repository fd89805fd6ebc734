// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox contexts walls`: which networks of the box are closed to the community's context, which ones the owner has
// opened, and whether the box forwards between its networks.

import { fail } from "../../common/fail.ts";
import { jsonLines } from "../../common/say.ts";
import { wrap } from "../console/ascii.ts";
import { chooseNetworks, ensureAcls } from "../contexts/network-acl.ts";
import {
  applyWallSettings,
  readWallSettings,
  readWalls,
  type WallSettings,
  without,
} from "../contexts/wall-settings.ts";
import { errorText } from "../host/error-text.ts";
import { saidOr } from "../host/found-text.ts";
import type { ContextsTools } from "./contexts-tools.ts";
import { parseNetwork } from "./wall-network.ts";

const WIDTH = 80;

/** Resolves to the exit code. */
export async function walls(tools: ContextsTools, words: readonly string[], asJson = false): Promise<number> {
  const [verb = "list", what = "", ...more] = words;
  const before = await readWallSettings(tools.box);
  if (more.length > 0) return unknown([verb, what, ...more].join(" "));
  switch (verb) {
    case "list":
      return list(tools, asJson);
    case "open": {
      const network = parseNetwork(what);
      return change(tools, { ...before, open: [...new Set([...before.open, network])] });
    }
    case "close": {
      const network = parseNetwork(what);
      if (!before.open.includes(network)) notOpen(network, before.open);
      return change(tools, { ...before, open: before.open.filter((each) => each !== network) });
    }
    case "forward":
      if (what !== "on" && what !== "off") return unknown(`forward ${what}`.trim());
      return change(tools, { ...before, forward: what === "on" });
    default:
      return unknown(verb);
  }
}

async function change(tools: ContextsTools, after: WallSettings): Promise<number> {
  const { box, image } = tools;
  await applyWallSettings(box, after);
  await ensureAcls(box, await chooseNetworks(box), image);
  return list(tools, false);
}

async function list({ box, t, print }: ContextsTools, asJson: boolean): Promise<number> {
  const { home, open, forward } = await readWalls(box);
  if (asJson) {
    for (const line of jsonLines({ home, open, forward })) print(line);
    return 0;
  }
  const closed = home.flatMap((network) => without(network, open)).filter((each) => !open.includes(each));
  const shown = [
    closed.length > 0
      ? t("contexts.walls.home", { networks: closed.join(", ") })
      : t("contexts.walls.home-none"),
    ...(open.length > 0 ? [t("contexts.walls.open", { networks: open.join(", ") })] : []),
    t(`contexts.walls.forward-${forward}`),
  ];
  for (const text of shown) for (const line of wrap(text, WIDTH, "  ")) print(line);
  return 0;
}

function notOpen(network: string, open: readonly string[]): never {
  return fail({
    code: "wall-not-open",
    ...errorText("error.wall-not-open", { network }),
    ...saidOr(open.join(", "), "found.no-open-networks"),
  });
}

function unknown(words: string): never {
  return fail({
    code: "unknown-command",
    ...errorText("error.unknown-command", {
      program: "cbox contexts walls",
      command: words,
      help: "cbox contexts help",
    }),
    exitCode: 2,
  });
}

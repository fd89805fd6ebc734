// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox search [type]`: the community's services, nearest first, each with a number: to open it, or to let this box's
// own service join it.

import { parseArgs } from "node:util";
import { askTerminal, isYes } from "../../common/ask-terminal.ts";
import { fail } from "../../common/fail.ts";
import { say, sayJson } from "../../common/say.ts";
import { toAscii } from "../console/ascii.ts";
import { type FoundService, search } from "../discovery/search.ts";
import { mayAskSerf } from "../discovery/serf-rpc.ts";
import { errorText } from "../host/error-text.ts";
import { sayFound } from "../host/found-text.ts";
import { readImageInfo } from "../host/image-info.ts";
import { linuxBox } from "../host/linux.ts";
import { alone } from "../host/lock.ts";
import { readChoices } from "../host/owner-settings.ts";
import { isLanguage, type Translate, translator } from "../i18n/translate.ts";
import type { EngineTools } from "../services/engine.ts";
import { publish } from "../services/publish.ts";
import { actOn, counterpart } from "../services/remote-service.ts";
import { needRoot } from "./root.ts";

export interface SearchTools extends EngineTools {
  readonly language: string;
  readonly print: (line: string) => void;
}

export async function searchNow(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: "boolean" }, join: { type: "string" }, yes: { type: "boolean" } },
  });
  const [type] = positionals;
  const box = linuxBox();
  const found = await search(box, type);
  if (!found) {
    if (!(await mayAskSerf(box))) needRoot(["cbox search", ...args].join(" "));
    return fail({ code: "serf-silent", ...errorText("error.serf-silent") });
  }
  const image = await readImageInfo(box);
  const { language = image.community.default_language } = await readChoices(box);
  const t = translator(language);
  const tools = { box, image, language, print: say };
  if (values.json) return sayJson(found);
  const isSure = Boolean(values.yes);
  if (values.join !== undefined) return join(tools, pickByAddress(found.services, values.join), isSure);
  for (const line of searchLines(found.services, t)) say(line);
  if (found.services.length === 0 || !process.stdin.isTTY || !process.stdout.isTTY) return;
  const typed = (await askTerminal(toAscii(t("search.which")))).trim();
  if (typed) await join(tools, pick(found.services, typed), isSure);
}

/** By its number in the shown list, or by ADDRESS:PORT. Fails with `search-unknown`, `search-ambiguous`. */
export function pick(shown: readonly FoundService[], which: string): FoundService {
  return /^\d+$/.test(which)
    ? (shown[Number(which) - 1] ?? unknown(shown, which))
    : pickByAddress(shown, which);
}

/**
 * Only by ADDRESS:PORT: a number refers to a shown list, and a new search may give another one. Fails with
 * `search-unknown`, and with `search-ambiguous` if several different services are announced there.
 */
export function pickByAddress(services: readonly FoundService[], which: string): FoundService {
  const there = services.filter(({ address, port }) => `${address}:${port}` === which);
  const [first] = there;
  if (!first) return unknown(services, which);
  const identity = ({ type, txt }: FoundService) => JSON.stringify([type, Object.entries(txt).sort()]);
  if (there.every((each) => identity(each) === identity(first))) return first;
  return fail({
    code: "search-ambiguous",
    ...errorText("error.search-ambiguous", { which }),
    found: there.map(({ type, node }) => `${type} (${node})`).join(", "),
    exitCode: 2,
  });
}

function unknown(services: readonly FoundService[], which: string): never {
  return fail({
    code: "search-unknown",
    ...errorText("error.search-unknown", { which }),
    ...sayFound("found.in-sight", { count: services.length }),
    exitCode: 2,
  });
}

async function join(tools: SearchTools, found: FoundService, isSure: boolean): Promise<void> {
  const act = (await counterpart(tools, found.type))?.found?.join;
  if (!act) return runJoin(tools, found);
  needRoot(`cbox search ${found.type} --join ${found.address}:${found.port}`);
  if (!isSure && !(await isMeant(tools, found, Object.keys(act.txt ?? {})))) return;
  await alone(() => runJoin(tools, found));
}

/** Describes the service to be joined, for a person to compare. `identity`: keys of the pairs that identify it. */
export function joinLines(found: FoundService, identity: readonly string[], t: Translate): string[] {
  const { type, node, address, port, announced_from: from } = found;
  return [
    t("search.joining", { type, node, address: `${address}:${port}` }),
    ...identity.map((name) => `  ${name}: ${found.txt[name] ?? "-"}`),
    ...(from === undefined ? [] : [t("search.elsewhere", { address: from })]),
  ];
}

/** Fails with `terminal-needed`. */
async function isMeant(
  { language, print }: SearchTools,
  found: FoundService,
  identity: readonly string[],
): Promise<boolean> {
  const t = translator(language);
  for (const line of joinLines(found, identity, t)) print(toAscii(line));
  if (!process.stdin.isTTY) fail({ code: "terminal-needed", ...errorText("error.terminal-needed.question") });
  return isYes(await askTerminal(toAscii(t("search.join")), { isDeliberate: true }));
}

/** Fails as {@link actOn} does, and with `service-failed`. */
export async function runJoin(tools: SearchTools, found: FoundService): Promise<void> {
  const { box, image, language, print } = tools;
  const t = translator(language);
  const done = await actOn(tools, found);
  if ("open" in done) return print(toAscii(t("search.open", { address: done.open })));
  await publish(box, image);
  const { service, faults, says } = done;
  if (faults.length) {
    fail({
      code: "service-failed",
      ...errorText("error.service-failed.joined", { title: service.title, id: service.id }),
      found: faults.join(", "),
    });
  }
  print(toAscii(says[isLanguage(language) ? language : "en"]));
}

const COLUMNS = ["type", "description", "host", "address", "rtt", "by"] as const;

/** A table of the necessary width; a narrower terminal wraps it. */
export function searchLines(services: readonly FoundService[], t: Translate): string[] {
  if (services.length === 0) return [t("search.nothing")];
  const hasBoth = services.some(({ by }) => by === "avahi");
  const head = COLUMNS.filter((column) => column !== "by" || hasBoth);
  const rows = [
    ["#", ...head.map((column) => t(`search.${column}`))],
    ...services.map(
      ({ type, description, host, address, port, by, rtt_ms: rtt, announced_from: from }, index) => [
        String(index + 1),
        type,
        description,
        host,
        `${address}:${port}${from === undefined ? "" : " *"}`,
        rtt === undefined ? "-" : `${rtt < 10 ? rtt.toFixed(1) : Math.round(rtt)} ms`,
        ...(hasBoth ? [by === "serf" ? "Serf" : "Avahi"] : []),
      ],
    ),
  ];
  const ascii = rows.map((row) => row.map(toAscii));
  const widths = ["#", ...head].map((_, column) =>
    ascii.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), 0),
  );
  const isMarked = services.some(({ announced_from: from }) => from !== undefined);
  return [
    ...ascii.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    ),
    ...(isMarked ? [toAscii(`* ${t("search.marked")}`)] : []),
  ];
}

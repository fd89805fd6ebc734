// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox node`: the state of the registration, and `cbox node leave`, which returns the box's address and device to
// the community. Asks for the member's password, since the box never stores it.

import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { type AskOptions, askTerminal } from "../../common/ask-terminal.ts";
import { fail } from "../../common/fail.ts";
import { say } from "../../common/say.ts";
import { textOf } from "../../common/text-encoding.ts";
import { asRecord, GuifiApi } from "../guifi/api.ts";
import type { Credentials } from "../guifi/credentials.ts";
import { leaveNode, type Place, placesOf } from "../guifi/leave.ts";
import { readRegistration } from "../guifi/store.ts";
import { wayWarnings } from "../guifi/way.ts";
import { takeAuthorities } from "../host/authorities.ts";
import type { Box } from "../host/box.ts";
import { errorText } from "../host/error-text.ts";
import { sayFound } from "../host/found-text.ts";
import { type ImageInfo, readImageInfo } from "../host/image-info.ts";
import { linuxBox } from "../host/linux.ts";
import { alone } from "../host/lock.ts";
import { openLog } from "../host/log.ts";
import { readChoices } from "../host/owner-settings.ts";
import { type Translate, translator } from "../i18n/translate.ts";
import { parseAnswers } from "../setup/answers/file.ts";
import { node as step } from "../steps/node/index.ts";
import { needRoot } from "./root.ts";
import { stepStatus } from "./status.ts";

export interface LeaveTools {
  readonly box: Box;
  readonly image: ImageInfo;
  readonly t: Translate;
  readonly print: (line: string) => void;
  /** Asks on the terminal; undefined if there is none. */
  readonly ask?: ((question: string, options?: AskOptions) => Promise<string>) | undefined;
}

export async function node(args: readonly string[]): Promise<void> {
  const [verb, ...rest] = args;
  if (["help", "--help", "-h"].includes(verb ?? "")) return (await import("./help.ts")).help(["node"]);
  if (verb === undefined || verb.startsWith("-")) return stepStatus(step, args);
  if (verb !== "leave") {
    return fail({
      code: "unknown-command",
      ...errorText("error.unknown-command", {
        program: "cbox",
        command: `node ${verb}`,
        help: "cbox help node",
      }),
      exitCode: 2,
    });
  }
  const { values } = parseArgs({
    args: rest,
    options: { yes: { type: "boolean" }, answers: { type: "string" } },
  });
  needRoot(["cbox node", ...args].join(" "));
  await alone(async () => {
    const log = openLog(linuxBox());
    const box = linuxBox({ onCommand: log });
    const image = await readImageInfo(box);
    await takeAuthorities(box, image, log);
    const { language = image.community.default_language } = await readChoices(box);
    const tools = { box, image, t: translator(language), print: say, ask: terminalAsk() };
    const file = values.answers === undefined ? undefined : await readMember(values.answers);
    log("node leave");
    const isDone = await leave(tools, { isSure: Boolean(values.yes), ...(file ? { member: file } : {}) });
    await log.tail(1);
    if (!isDone) process.exitCode = 1;
  });
}

export interface LeaveOptions {
  readonly isSure?: boolean;
  readonly member?: Credentials;
}

/** False if the person did not confirm. Fails with `terminal-needed`, and as {@link leaveNode}. */
export async function leave(
  tools: LeaveTools,
  { isSure = false, member }: LeaveOptions = {},
): Promise<boolean> {
  const { box, image, t, print, ask = terminalNeeded } = tools;
  const registration = await readRegistration(box);
  const places = placesOf(registration);
  if (!places.length) {
    print(t("node.leave.nothing"));
    return true;
  }
  if (!isSure) {
    for (const place of places) print(t("node.leave.what", valuesOf(place)));
    const name = places[0]?.device.name ?? "";
    const typed = await ask(t("node.leave.ask", { name }), { isDeliberate: true });
    if (typed.trim() !== name) {
      print(t("node.leave.not-meant"));
      return false;
    }
  }
  const credentials = member ?? (await typedCredentials(tools, registration.member?.name ?? ""));
  const session = { box, image, api: new GuifiApi(box, image, credentials) };
  await leaveNode(session, (place) => print(t("node.leave.removing", valuesOf(place))));
  print(t("node.leave.done"));
  return true;
}

function valuesOf({ node: at, device }: Place) {
  return { node: at.name, id: at.id, name: device.name, address: device.address ?? "-" };
}

async function typedCredentials(
  { image, t, print, ask = terminalNeeded }: LeaveTools,
  known: string,
): Promise<Credentials> {
  for (const { code, values } of wayWarnings(image)) print(t(`warning.${code}`, values));
  const typed = (await ask(t("node.leave.username", { name: known }))).trim();
  const password = await ask(t("node.leave.password"), { isSecret: true });
  return { username: typed || known, password };
}

function terminalNeeded(): never {
  return fail({ code: "terminal-needed", ...errorText("error.terminal-needed.leave") });
}

/** The section `member` of an answers file; "-": standard input. */
async function readMember(name: string): Promise<Credentials> {
  const bytes = await (name === "-" ? buffer(process.stdin) : readFile(name)).catch(
    (error: NodeJS.ErrnoException) =>
      fail({
        code: "answers-unreadable",
        ...errorText("error.answers-unreadable", { name }),
        found: error.code ?? "",
      }),
  );
  const content = textOf(bytes, name);
  const parsed = await parseAnswers(Buffer.from(content));
  const { username, password } = asRecord(asRecord("data" in parsed ? parsed.data : undefined)?.member) ?? {};
  if (typeof username === "string" && typeof password === "string") return { username, password };
  return fail({
    code: "answers-unreadable",
    ...errorText("error.answers-unreadable.member", { name }),
    ...("problem" in parsed ? { found: parsed.problem.code } : sayFound("found.no-member")),
  });
}

export function terminalAsk(): LeaveTools["ask"] {
  return process.stdin.isTTY ? askTerminal : undefined;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox reset`: asks for confirmation, records the request, and leaves the work to the set-up service, because the
// reset ends the session in which this was typed.

import { parseArgs } from "node:util";
import { askTerminal, isYes } from "../../common/ask-terminal.ts";
import { Failure, fail } from "../../common/fail.ts";
import { sayLines } from "../../common/say.ts";
import { troubleSentence } from "../console/pages.ts";
import { placesOf } from "../guifi/leave.ts";
import { readRegistration } from "../guifi/store.ts";
import { runOrFail } from "../host/box.ts";
import { errorText } from "../host/error-text.ts";
import { readImageInfo } from "../host/image-info.ts";
import { linuxBox } from "../host/linux.ts";
import { lockSetup } from "../host/lock.ts";
import { readChoices } from "../host/owner-settings.ts";
import { toTrouble } from "../host/trouble.ts";
import { type Translate, translator } from "../i18n/translate.ts";
import { beginReset } from "../setup/reset.ts";
import { summarize } from "../setup/summary.ts";
import { type LeaveTools, leave, terminalAsk } from "./node.ts";
import { needRoot } from "./root.ts";

export interface ResetArgs {
  readonly keepData: boolean;
  readonly isSure: boolean;
}

export async function reset(args: readonly string[]): Promise<void> {
  const { keepData, isSure } = parseResetArgs(args);
  needRoot(`cbox reset ${args.join(" ")}`);
  const box = linuxBox();
  const image = await readImageInfo(box);
  const { language = image.community.default_language } = await readChoices(box);
  const t = translator(language);
  const { hostname, owner } = await summarize(box);
  const release = await lockSetup();
  try {
    if (!isSure) {
      const mayGoOn = keepData || (await offerLeave({ box, image, t, print: sayLines, ask: terminalAsk() }));
      if (!mayGoOn) {
        process.exitCode = 1;
        return;
      }
      const sentence = image.converted ? "reset.converted" : "reset";
      sayLines(t(`${sentence}.${keepData ? "keep-data" : "all"}`, { owner: owner || "-" }));
      if (!(await isMeant(t, hostname))) {
        sayLines(t("reset.not-meant"));
        process.exitCode = 1;
        return;
      }
    }
    await beginReset(box, { keepData });
  } finally {
    await release();
  }
  const consoles = image.consoles.map(({ device }) => device).join(", ");
  sayLines(
    image.converted
      ? t("reset.converted.begun", { command: "sudo cbox setup" })
      : t("reset.begun", { consoles }),
  );
  await runOrFail(box, "systemctl", ["restart", "--no-block", "cbox-firstboot.service"]);
}

/** After the reset only the member can remove the device. False if that was wanted and failed. */
export async function offerLeave(tools: LeaveTools): Promise<boolean> {
  const { box, t, print, ask } = tools;
  if (!ask || placesOf(await readRegistration(box)).length === 0) return true;
  const typed = await ask(t("reset.leave"), { isDeliberate: true });
  if (!isYes(typed)) return true;
  try {
    await leave(tools, { isSure: true });
    return true;
  } catch (error) {
    if (!(error instanceof Failure) || error.code === "interrupted") throw error;
    print(t("reset.leave.failed", { what: troubleSentence(t, toTrouble(error)) }));
    return false;
  }
}

/** Fails with `usage`: a forgotten option must not delete data. */
export function parseResetArgs(args: readonly string[]): ResetArgs {
  const { values } = parseArgs({
    args: [...args],
    options: { "keep-data": { type: "boolean" }, all: { type: "boolean" }, yes: { type: "boolean" } },
  });
  if (Boolean(values["keep-data"]) === Boolean(values.all)) {
    return fail({ code: "usage", ...errorText("error.usage.reset"), exitCode: 2 });
  }
  return { keepData: Boolean(values["keep-data"]), isSure: Boolean(values.yes) };
}

async function isMeant(t: Translate, hostname: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    fail({ code: "terminal-needed", ...errorText("error.terminal-needed.question") });
  }
  const typed = await askTerminal(t("reset.ask", { hostname }), { isDeliberate: true });
  return typed.trim() === hostname && hostname !== "";
}

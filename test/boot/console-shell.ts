// SPDX-License-Identifier: GPL-3.0-or-later
// A root shell at the serial console of a box that is set up, used instead of the probe: systemd accepts units as
// credentials since version 256, and Debian 12 has 252.
import { BOOT_MS, type Box } from "./harness.ts";
import { readAnswer, request } from "./probe.ts";
import { logIn } from "./set-up-dialogue.ts";

const READY = "cbox-shell-42";

/** Logs in and becomes root. The box it returns asks at that console; it lasts until the box starts again. */
export async function rootAtConsole(box: Box, name: string, password: string): Promise<Box> {
  await logIn(box, name, password);
  box.type("exec sudo --login");
  await box.expect(/password[^\n]*: /i);
  box.type(password);
  await box.expect(/# /);
  // Must not match the typed line, which the terminal echoes.
  box.type("stty -echo; PS1=; unset HISTFILE; dmesg --console-off; echo cbox-shell-$((40 + 2))");
  await box.expect(new RegExp(READY));

  let asked = 0;
  const shell: Box["shell"] = async (command, { timeoutMs = BOOT_MS } = {}) => {
    const number = ++asked;
    box.type(request(number, command));
    // Digits, which the typed line does not have, in case the terminal echoes it.
    const [line] = await box.expect(new RegExp(`cbox ${number} \\d+ .*\n`), { timeoutMs });
    return readAnswer(line)!.result;
  };
  return {
    ...box,
    shell,
    async ask(command, limits) {
      const { code, stdout, stderr } = await shell(command, limits);
      if (code !== 0) throw new Error(`On the box, code ${code}: ${command}\n${stdout}${stderr}`);
      return stdout.trimEnd();
    },
  };
}

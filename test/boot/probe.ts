// SPDX-License-Identifier: GPL-3.0-or-later
// A root shell in a guest, for assertions. The image does not contain it: systemd takes the unit from credentials
// that QEMU passes, and the shell uses a port of its own: virtio, or a USB adapter where there is no PCI.
import type { Socket } from "node:net";

const READY = "cbox ready";

/** @param port the device in the guest that leads to the probe's socket. */
export function probeCredentials(port: string): Readonly<Record<string, string>> {
  const device = `${port.slice(1).replaceAll("-", "\\x2d").replaceAll("/", "-")}.device`;
  const raw = port.startsWith("/dev/tty") ? "stty raw -echo <&3; " : "";
  return {
    "systemd.extra-unit.cbox-probe.service": `[Unit]
DefaultDependencies=no
Wants=${device}
After=${device}
[Service]
ExecStart=/bin/bash -c 'exec 3<>${port}; ${raw}echo ${READY} >&3; exec /bin/bash --noprofile --norc <&3 >&3 2>/dev/null'
`,
    // Early, so that there is a shell in a box that does not get as far as it should.
    "systemd.unit-dropin.sysinit.target~cbox-probe": "[Unit]\nWants=cbox-probe.service\n",
  };
}

export interface ShellResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Probe {
  #socket: Socket;
  #heard = "";
  #asked = 0;
  /** What was asked before the shell was there: a serial adapter forgets what comes before it is opened. */
  #waiting: string[] | undefined = [];
  #answers = new Map<number, { answer(result: ShellResult): void; fail(reason: string): void }>();

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => this.#read(chunk));
    socket.on("close", () => {
      for (const { fail } of this.#answers.values()) fail("The machine ended before it had answered");
    });
  }

  /** Runs a shell command as root. The first one waits until the guest has come far enough to have a shell. */
  run(command: string, timeoutMs: number): Promise<ShellResult> {
    const number = ++this.#asked;
    return new Promise((resolve, reject) => {
      const settled = () => {
        clearTimeout(timer);
        this.#answers.delete(number);
      };
      const fail = (reason: string) => {
        settled();
        reject(new Error(`${reason}: ${command}`));
      };
      const timer = setTimeout(() => fail(`The box did not answer within ${timeoutMs / 1000} s`), timeoutMs);
      this.#answers.set(number, {
        fail,
        answer: (result) => {
          settled();
          resolve(result);
        },
      });
      const line = `${request(number, command)}\n`;
      if (this.#waiting) this.#waiting.push(line);
      else this.#socket.write(line);
    });
  }

  #read(chunk: string): void {
    this.#heard += chunk;
    for (let end = this.#heard.indexOf("\n"); end >= 0; end = this.#heard.indexOf("\n")) {
      const line = this.#heard.slice(0, end);
      this.#heard = this.#heard.slice(end + 1);
      if (line.endsWith(READY)) {
        for (const waiting of this.#waiting ?? []) this.#socket.write(waiting);
        this.#waiting = undefined;
      }
      const answered = readAnswer(line);
      if (!answered) continue;
      this.#answers.get(answered.number)?.answer(answered.result);
    }
  }
}

/** One line to the shell, one line back, whatever the command prints. Its own files are in memory only. */
export function request(number: number, command: string): string {
  const script = Buffer.from(command).toString("base64");
  const [out, err] = ["/run/cbox-probe.out", "/run/cbox-probe.err"];
  return [
    `bash -c "$(base64 -d <<<${script})" </dev/null >${out} 2>${err}`,
    `echo "cbox ${number} $? $(base64 -w0 ${out}) $(base64 -w0 ${err})"`,
  ].join("; ");
}

/** What a line says that came back; undefined for any other line. A console adds a return; the last word may be empty. */
export function readAnswer(line: string): { number: number; result: ShellResult } | undefined {
  const found = /cbox (\d+) (\d+) (\S*) (\S*)$/.exec(line.replace(/[\r\n]+$/, ""));
  if (!found) return undefined;
  const [, number, code, stdout = "", stderr = ""] = found;
  const text = (base64: string) => Buffer.from(base64, "base64").toString("utf8");
  return {
    number: Number(number),
    result: { code: Number(code), stdout: text(stdout), stderr: text(stderr) },
  };
}

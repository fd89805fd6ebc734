// SPDX-License-Identifier: GPL-3.0-or-later
// A root shell into a guest, for assertions. The image knows nothing of it: systemd takes the unit from credentials
// that QEMU hands over by SMBIOS, and the shell talks through a virtio port of its own.
import type { Socket } from "node:net";

const SERVICE = `[Unit]
Description=Root shell for the boot test
DefaultDependencies=no
Wants=dev-virtio\\x2dports-cbox.probe.device
After=dev-virtio\\x2dports-cbox.probe.device

[Service]
ExecStart=/bin/bash -c 'exec /bin/bash --noprofile --norc <>/dev/virtio-ports/cbox.probe >&0 2>/dev/null'
`;

export const PROBE_CREDENTIALS: Readonly<Record<string, string>> = {
  "systemd.extra-unit.cbox-probe.service": SERVICE,
  // Early, so that there is a shell in a box that does not get as far as it should.
  "systemd.unit-dropin.sysinit.target~cbox-probe": "[Unit]\nWants=cbox-probe.service\n",
};

export interface ShellResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Probe {
  #socket: Socket;
  #heard = "";
  #asked = 0;
  #answers = new Map<number, (result: ShellResult) => void>();

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => this.#read(chunk));
  }

  /** Runs a shell command as root. The first one waits until the guest has come far enough to have a shell. */
  run(command: string, timeoutMs: number): Promise<ShellResult> {
    const number = ++this.#asked;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#answers.delete(number);
        reject(new Error(`The box did not answer within ${timeoutMs / 1000} s: ${command}`));
      }, timeoutMs);
      this.#answers.set(number, (result) => {
        clearTimeout(timer);
        resolve(result);
      });
      this.#socket.write(`${request(number, command)}\n`);
    });
  }

  #read(chunk: string): void {
    this.#heard += chunk;
    for (let end = this.#heard.indexOf("\n"); end >= 0; end = this.#heard.indexOf("\n")) {
      const line = this.#heard.slice(0, end);
      this.#heard = this.#heard.slice(end + 1);
      const [, number, code, stdout = "", stderr = ""] = /cbox (\d+) (\d+) (\S*) (\S*)$/.exec(line) ?? [];
      const text = (base64: string) => Buffer.from(base64, "base64").toString("utf8");
      const answer = this.#answers.get(Number(number));
      this.#answers.delete(Number(number));
      answer?.({ code: Number(code), stdout: text(stdout), stderr: text(stderr) });
    }
  }
}

/** One line to the shell, one line back, whatever the command prints. Its own files are in memory only. */
function request(number: number, command: string): string {
  const script = Buffer.from(command).toString("base64");
  const [out, err] = ["/run/cbox-probe.out", "/run/cbox-probe.err"];
  return [
    `bash -c "$(base64 -d <<<${script})" </dev/null >${out} 2>${err}`,
    `echo "cbox ${number} $? $(base64 -w0 ${out}) $(base64 -w0 ${err})"`,
  ].join("; ");
}

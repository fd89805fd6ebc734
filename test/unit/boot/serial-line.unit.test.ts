// SPDX-License-Identifier: GPL-3.0-or-later
// The harness's own eyes: what it reads on a serial line, and that it does not see what is not there.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SerialLine } from "../../boot/serial-line.ts";

const SOON = { timeoutMs: 2000 };

let line: SerialLine;
let box: Socket;
let close: () => void;

beforeEach(async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const wire = connect((server.address() as AddressInfo).port);
  [box] = (await once(server, "connection")) as [Socket];
  box.setEncoding("utf8");
  line = new SerialLine();
  line.connect(wire, wire);
  close = () => {
    line.disconnect("test over");
    box.destroy();
    server.close();
  };
});

afterEach(() => close());

test("a match consumes its text, which is not found twice", async () => {
  box.write("login: ");
  await line.expect(/login: /, SOON);
  await expect(line.expect(/login: /, { timeoutMs: 50 })).rejects.toThrow(/login: .*within 0\.05 s/);
});

test("text is recognised in pieces, and through colours and cursor movements", async () => {
  box.write("\x1b[2J\x1b[1;1HPress \x1b[1mEn");
  box.write("ter\x1b[0");
  await line.expect(/Press Enter/, SOON);
  box.write("m to begin\r\n");
  await line.expect(/^ to begin\n/, SOON);
  expect(line.transcript).toBe("Press Enter to begin\n");
});

test("the error after a timeout shows the text that was there", async () => {
  const lines = Array.from({ length: 60 }, (_, index) => `line ${index}`).join("\n");
  box.write(lines);
  await line.expect(/line 59/, SOON);
  const error = await line.expect(/never/, { timeoutMs: 20 }).catch((reason: Error) => reason.message);
  expect(error).toContain("line 20\n");
  expect(error).not.toContain("line 19\n");
});

test("waiting ends with the machine", async () => {
  const waiting = line.expect(/anything/, { timeoutMs: 60_000 });
  line.disconnect("the machine ended with SIGKILL");
  await expect(waiting).rejects.toThrow("the machine ended with SIGKILL");
});

test("a rich terminal recognises a question that arrives in pieces", async () => {
  line.terminal = "rich";
  box.write("\x1b");
  await new Promise((resolve) => setTimeout(resolve, 20));
  box.write("[6");
  await new Promise((resolve) => setTimeout(resolve, 20));
  box.write("n");
  const [answer] = (await once(box, "data")) as [string];
  expect(answer).toBe("\x1b[24;80R");
});

test("a rich terminal reports its cursor position, and a dumb one does not", async () => {
  line.terminal = "rich";
  box.write("\x1b[6n");
  const [answer] = (await once(box, "data")) as [string];
  expect(answer).toBe("\x1b[24;80R");
  line.terminal = "dumb";
  box.write("\x1b[6nready");
  await line.expect(/ready/, SOON);
  line.type("x");
  const [typed] = (await once(box, "data")) as [string];
  expect(typed).toBe("x\r");
});

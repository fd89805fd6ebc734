// SPDX-License-Identifier: GPL-3.0-or-later
// The harness's own eyes: what it reads on a serial line, and that it does not see what is not there.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SerialLine } from "../boot/serial-line.ts";

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

test("a match moves on: the same text is not found twice", async () => {
  box.write("login: ");
  await line.expect(/login: /, SOON);
  await expect(line.expect(/login: /, { timeoutMs: 50 })).rejects.toThrow(/login: .*within 0\.05 s/);
});

test("text that comes in pieces, through colours and cursor movements, is read as text", async () => {
  box.write("\x1b[2J\x1b[1;1HPress \x1b[1mEn");
  box.write("ter\x1b[0");
  await line.expect(/Press Enter/, SOON);
  box.write("m to begin\r\n");
  await line.expect(/^ to begin\n/, SOON);
  expect(line.transcript).toBe("Press Enter to begin\n");
});

test("the complaint shows what was there instead", async () => {
  const lines = Array.from({ length: 60 }, (_, index) => `line ${index}`).join("\n");
  box.write(lines);
  await line.expect(/line 59/, SOON);
  const error = await line.expect(/never/, { timeoutMs: 20 }).catch((reason: Error) => reason.message);
  expect(error).toContain("line 20\n");
  expect(error).not.toContain("line 19\n");
});

test("nobody waits for a machine that has ended", async () => {
  const waiting = line.expect(/anything/, { timeoutMs: 60_000 });
  line.disconnect("the machine ended with SIGKILL");
  await expect(waiting).rejects.toThrow("the machine ended with SIGKILL");
});

test("a rich terminal understands a question that comes in pieces", async () => {
  line.terminal = "rich";
  box.write("\x1b");
  await new Promise((resolve) => setTimeout(resolve, 20));
  box.write("[6");
  await new Promise((resolve) => setTimeout(resolve, 20));
  box.write("n");
  const [answer] = (await once(box, "data")) as [string];
  expect(answer).toBe("\x1b[24;80R");
});

test("a rich terminal says where its cursor is, a dumb one keeps quiet", async () => {
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

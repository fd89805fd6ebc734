// SPDX-License-Identifier: GPL-3.0-or-later
// Answers each request over LDAPS (RFC 4511) as a bind: refused, with a message that is meant for shells and
// terminals.
import { readFileSync } from "node:fs";
import { createServer } from "node:tls";
import { shellTexts, TERMINAL_TEXT } from "./texts.ts";

const LDAPS_PORT = 636;
const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OCTET_STRING = 0x04;
const ENUMERATED = 0x0a;
const BIND_RESPONSE = 0x61;
const UNWILLING_TO_PERFORM = 53;

/** An element of BER, with its length in three bytes. */
function element(tag: number, content: Buffer): Buffer {
  const head = Buffer.from([tag, 0x82, content.length >> 8, content.length & 0xff]);
  return Buffer.concat([head, content]);
}

/** The number of a message, as it stands there: what follows the sequence's own head. */
function messageId(message: Buffer): Buffer {
  const length = message[1] ?? 0;
  const start = length & 0x80 ? 2 + (length & 0x7f) : 2;
  return message.subarray(start, start + 2 + (message[start + 1] ?? 0));
}

const SAID = Buffer.from([TERMINAL_TEXT, ...shellTexts()].join(" "));

const server = createServer(
  { cert: readFileSync("/srv/tls.crt"), key: readFileSync("/srv/tls.key") },
  (socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (message: Buffer) => {
      const id = messageId(message);
      if (id[0] !== INTEGER) return socket.end();
      const result = [
        element(ENUMERATED, Buffer.from([UNWILLING_TO_PERFORM])),
        element(OCTET_STRING, SAID),
        element(OCTET_STRING, SAID),
      ];
      socket.write(element(SEQUENCE, Buffer.concat([id, element(BIND_RESPONSE, Buffer.concat(result))])));
    });
  },
);
server.listen(LDAPS_PORT, "0.0.0.0", () => console.log("the directory is ready"));

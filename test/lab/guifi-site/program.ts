// SPDX-License-Identifier: GPL-3.0-or-later
// The stand-in as a server of the lab: HTTP/1.1 over TLS, with the spelling of header names as it came. Its state is
// a file, so that it survives a restart and others can read it. Words: --listen=<https|http>:<port>, --fault=<name>,
// --only=<command that has the faults>, --later=<seconds that its clock is ahead>.
import { readFileSync } from "node:fs";
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import { setTimeout as delay } from "node:timers/promises";
import { writeFileAtomic } from "../../../common/atomic.ts";
import { answerWith, isFor, isSiteFault } from "./faulty.ts";
import { redacted } from "./php.ts";
import { createSite } from "./site.ts";
import type { SiteState } from "./state.ts";

const STATE = "/srv/state.json";

const words = (name: string) =>
  process.argv.flatMap((word) => (word.startsWith(`--${name}=`) ? [word.slice(name.length + 3)] : []));

const faults = words("fault").filter(isSiteFault);
const only = words("only");
const later = Math.max(0, ...words("later").map(Number)) * 1000;
const site = createSite(JSON.parse(readFileSync(STATE, "utf8")) as SiteState);
let kept = JSON.stringify(site.state);
let turn = 0;
let writing = Promise.resolve();

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  // The body is read and ignored.
  request.resume();
  const [path = "/", query = ""] = (request.url ?? "/").split(/\?(.*)/s);
  const { rawHeaders, method = "GET" } = request;
  const headers = rawHeaders.flatMap((name, index) =>
    index % 2 ? [] : [[name, rawHeaders[index + 1] ?? ""] as const],
  );
  const now = new Date(Date.now() + later);
  const asked = { method, path, query, headers, now };
  const reply = answerWith(isFor(only, asked) ? faults : [], site, asked, turn++);
  // The state is saved before the answer is sent, so that a restart loses nothing that was answered.
  writing = writing.then(keep);
  await writing;
  const from = request.socket.remoteAddress ?? "?";
  const line = `${method} ${path}${query ? `?${redacted(query)}` : ""}`;
  console.log(`${now.toISOString()} ${from} ${line} ${reply.status} ${reply.body.length}`);
  if (reply.delay) await delay(reply.delay);
  response.writeHead(reply.status, { "Content-Type": reply.contentType });
  response.end(method === "HEAD" ? undefined : reply.body);
}

async function keep(): Promise<void> {
  const now = JSON.stringify(site.state);
  if (now === kept) return;
  await writeFileAtomic(STATE, now);
  kept = now;
}

const handle = (request: IncomingMessage, response: ServerResponse) => void answer(request, response);
for (const [kind, port] of words("listen").map((word) => word.split(":"))) {
  const server =
    kind === "http"
      ? createHttp(handle)
      : createHttps({ cert: readFileSync("/srv/tls.crt"), key: readFileSync("/srv/tls.key") }, handle);
  await new Promise<void>((resolve) => server.listen(Number(port), "0.0.0.0", resolve));
}
console.log("the site is ready");

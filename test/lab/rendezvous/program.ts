// SPDX-License-Identifier: GPL-3.0-or-later
// The lab's rendezvous, run by the lab's own Node: HTTP for the older form, HTTPS for the newer one, and a port of
// the lab's own, where the gateway asks who has registered. Words: a fault, such as "refuse" or "html".
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { GARBAGE } from "./garbage.ts";
import { answer, type Keeper } from "./handler.ts";
import { LURES } from "./lures.ts";
import { GATEWAY_ADDRESS, INTERNAL_PORT, type VpnNode, type VpnPlan } from "./plan.ts";

const NODES = "/srv/nodes.json";
const MAX_BODY = 64 * 1024;

const plan = JSON.parse(readFileSync("/srv/plan.json", "utf8")) as VpnPlan;
let nodes = existsSync(NODES) ? (JSON.parse(readFileSync(NODES, "utf8")) as VpnNode[]) : [];

const word = process.argv[2];
const fault = (["refuse", ...GARBAGE, ...LURES] as const).find((known) => known === word);

const keeper: Keeper = {
  plan,
  ...(fault ? { fault } : {}),
  nodes: () => nodes,
  keep,
  tellGateway,
};

async function keep(next: readonly VpnNode[]): Promise<void> {
  nodes = [...next];
  writeFileSync(`${NODES}.new`, JSON.stringify(nodes, undefined, 2));
  renameSync(`${NODES}.new`, NODES);
}

/** One that is down asks for all of them when it is up again. */
function tellGateway(node: VpnNode): Promise<void> {
  return new Promise((resolve) => {
    const told = request(
      { host: GATEWAY_ADDRESS, port: INTERNAL_PORT, method: "PUT", path: "/node", timeout: 1000 },
      (response) => {
        response.resume();
        response.on("end", () => resolve());
      },
    );
    told.on("error", () => resolve());
    told.on("timeout", () => told.destroy());
    told.end(JSON.stringify(node));
  });
}

async function serve(asked: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = "";
  for await (const chunk of asked) {
    body += String(chunk);
    if (body.length > MAX_BODY) break;
  }
  const from = (asked.socket.remoteAddress ?? "").replace(/^::ffff:/, "");
  const { method = "", url: path = "" } = asked;
  const contentType = asked.headers["content-type"] ?? "";
  const reply = await answer({ method, path, contentType, body, from }, keeper);
  console.log(`${from} ${method} ${path} ${reply.status}`);
  response.writeHead(reply.status, { "Content-Type": reply.type });
  response.end(reply.body);
}

function respond(asked: IncomingMessage, response: ServerResponse): void {
  serve(asked, response).catch((error: unknown) => {
    console.log(`failed: ${String(error)}`);
    response.destroy();
  });
}

const secrets = { key: readFileSync("/srv/tls.key"), cert: readFileSync("/srv/tls.crt") };
// GET: all nodes. DELETE /<name>: as by the hand of who looks after the rendezvous.
createServer(async ({ method, url = "" }, response) => {
  if (method === "DELETE") await keep(nodes.filter(({ name }) => url !== `/${name}`));
  response.end(JSON.stringify(nodes));
}).listen(INTERNAL_PORT, () => {
  createSecureServer(secrets, respond).listen(443, () => {
    createServer(respond).listen(80, () => console.log("rendezvous is ready"));
  });
});

// SPDX-License-Identifier: GPL-3.0-or-later
// The lab's VPN gateway, run by the lab's own Node: keeps Debian's tincd and the files of its hosts, which it has
// from the rendezvous, and says over a port of the lab's own whom tincd can reach.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, get } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { parseDump } from "./dump.ts";
import {
  addressIn,
  GATEWAY_NUMBER,
  INTERNAL_PORT,
  RENDEZVOUS_ADDRESS,
  type VpnNode,
  type VpnPlan,
} from "./plan.ts";
import { asNeighbour, hostLines } from "./replies.ts";

const NET = "/srv/net";
const plan = JSON.parse(readFileSync("/srv/plan.json", "utf8")) as VpnPlan;
const nodes = new Map<string, VpnNode>();
let output = "";

layOut();
await learn();

let tincd = start();
setInterval(() => void learn(), plan.gatewayAsksEvery * 1000);

createServer((asked, response) => {
  if (asked.method === "PUT") {
    let body = "";
    asked.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    asked.on("end", () => {
      add(JSON.parse(body) as VpnNode);
      response.end();
    });
    return;
  }
  // The hour is over.
  if (asked.method === "POST") {
    void learn().then(() => response.end());
    return;
  }
  void peers().then((found) => response.end(JSON.stringify(found)));
}).listen(INTERNAL_PORT);

function layOut(): void {
  rmSync(NET, { recursive: true, force: true });
  mkdirSync(`${NET}/hosts`, { recursive: true });
  const { network, mode, gateway } = plan;
  write("rsa_key.priv", readFileSync("/srv/gateway.key", "utf8"), 0o600);
  write("tinc.conf", [`Name=${gateway.name}`, `Mode=${mode}`, `Interface=${network}`, "AddressFamily=ipv4"]);
  const up = [
    `ip address add ${addressIn(plan, GATEWAY_NUMBER)}/24 dev $INTERFACE`,
    "ip link set $INTERFACE up",
  ];
  write("tinc-up", ["#!/bin/sh", ...up], 0o755);
  const own = { inside: addressIn(plan, GATEWAY_NUMBER), port: 655, ...gateway };
  write(`hosts/${gateway.name}`, hostLines(plan, own));
}

/** tincd 1.0.36 can crash when a box connects again; like Debian's unit, this restarts it after five seconds. */
function start(): ChildProcess {
  const words = ["--config", NET, "--pidfile", "/tmp/tincd.pid", "--no-detach", "--debug=1"];
  const child = spawn("tincd", words, { stdio: ["ignore", "pipe", "pipe"] });
  let wasReady = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      process.stdout.write(chunk);
      output = (output + chunk.toString()).slice(-256 * 1024);
      wasReady ||= chunk.includes("Ready");
    });
  }
  child.on("exit", async (code, signal) => {
    if (!wasReady) process.exit(code ?? 1);
    console.log(`tincd ended with ${signal ?? `code ${code}`}`);
    await delay(5000);
    tincd = start();
  });
  return child;
}

/** As the program of 2014 did every hour: keeps the files of all registered boxes, and of no other. */
async function learn(): Promise<void> {
  const known = await registered();
  if (!known) return;
  for (const name of nodes.keys()) {
    if (known.some((node) => node.name === name)) continue;
    nodes.delete(name);
    rmSync(`${NET}/hosts/${name}`);
  }
  for (const node of known) {
    if (JSON.stringify(nodes.get(node.name)) !== JSON.stringify(node)) add(node);
  }
}

/** tincd reads a host's file when that host calls. */
function add(node: VpnNode): void {
  nodes.set(node.name, node);
  write(`hosts/${node.name}`, hostLines(plan, asNeighbour(plan, node)));
}

function write(name: string, content: string | readonly string[], mode = 0o644): void {
  const text = typeof content === "string" ? content : `${content.join("\n")}\n`;
  writeFileSync(`${NET}/${name}.new`, text, { mode });
  renameSync(`${NET}/${name}.new`, `${NET}/${name}`);
}

/** Undefined while the rendezvous is down. */
function registered(): Promise<readonly VpnNode[] | undefined> {
  return new Promise((resolve) => {
    const asked = get({ host: RENDEZVOUS_ADDRESS, port: INTERNAL_PORT, timeout: 1000 }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on("end", () => resolve(JSON.parse(body) as VpnNode[]));
    });
    asked.on("error", () => resolve(undefined));
    asked.on("timeout", () => asked.destroy());
  });
}

async function peers() {
  output = "";
  tincd.kill("SIGUSR2");
  for (let tries = 0; tries < 50 && !/^End of subnet list/m.test(output); tries++) await delay(20);
  const reachable = parseDump(output);
  return [...nodes.values()].map(({ name, number, address, mac, hostname }) => ({
    name,
    inside: addressIn(plan, number),
    outside: address ?? "",
    mac,
    hostname,
    reachable: reachable.has(name),
  }));
}

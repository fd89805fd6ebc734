// SPDX-License-Identifier: GPL-3.0-or-later
// What the lab's rendezvous answers to a request. Pure but for the registry it is handed.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { GARBAGE, type Garbage, garbage } from "./garbage.ts";
import { type Lure, lure } from "./lures.ts";
import type { VpnNode, VpnPlan } from "./plan.ts";
import { type Registration, register } from "./registry.ts";
import { jsonReply, scriptReply } from "./replies.ts";

export interface Asked {
  readonly method: string;
  /** Path as it stands in the request. */
  readonly path: string;
  readonly contentType: string;
  readonly body: string;
  /** IPv4 address of the caller. */
  readonly from: string;
}

export interface Answer {
  readonly status: number;
  readonly type: "text/plain" | "application/json";
  readonly body: string;
}

export interface Keeper {
  readonly plan: VpnPlan;
  nodes(): readonly VpnNode[];
  keep(nodes: readonly VpnNode[]): Promise<void>;
  /** Before a box that asked by JSON is answered. Of those that ask by getinconf the gateway hears when it asks. */
  tellGateway(node: VpnNode): Promise<void>;
  /** On purpose; see the lab's faults. */
  readonly fault?: "refuse" | Garbage | Lure;
}

const text = (status: number, body: string): Answer => ({ status, type: "text/plain", body });
const json = (status: number, body: object): Answer => ({
  status,
  type: "application/json",
  body: JSON.stringify(body),
});

export async function answer(asked: Asked, keeper: Keeper): Promise<Answer> {
  const path = asked.path.replace(/^\/index\.php(?=\/)/, "");
  if (asked.method === "GET" && path === "/pages/ip") return text(200, `${asked.from}\n`);
  if (asked.method === "POST" && path === "/v1/join") return answerJson(asked, keeper);
  if (asked.method === "POST" && path.startsWith("/nodes/get2/")) return answerGetinconf(asked, path, keeper);
  return text(404, "Not Found\n");
}

/** POST /nodes/get2/<hash>/<network>/<mac>/<host name>/<address or 0>/<port>/1 with the key as a file. */
async function answerGetinconf(asked: Asked, path: string, keeper: Keeper): Promise<Answer> {
  const { plan } = keeper;
  const words = path.slice("/nodes/get2/".length).split("/").map(decodeURIComponent);
  const [hash = "", network = "", dashed = "", hostname = "", address = "", port = ""] = words;
  const mac = dashed.toUpperCase().replaceAll("-", ":");
  if (network !== plan.network) return text(403, "Unknown network\n");
  const right = createHash("md5").update(`${mac}${plan.key}${plan.network}`).digest("hex");
  if (hash !== right || keeper.fault === "refuse") return text(405, "Not allowed\n");
  const publicKey = filePart(asked, "rsakeypub");
  if (!publicKey || !hostname) return text(400, "Bad Request\n");
  const wanted = {
    mac,
    hostname,
    ...(address === "0" ? {} : { address }),
    port: Number(port),
    publicKey: publicKey.trim(),
  };
  return settle(wanted, keeper, "script");
}

/** The content of a file in a form, as PHP reads it. */
function filePart({ contentType, body }: Asked, field: string): string | undefined {
  const [, boundary] = /^multipart\/form-data;\s*boundary=(\S+)$/.exec(contentType) ?? [];
  const parts = boundary ? body.split(`--${boundary}`) : [];
  for (const part of parts) {
    const [head = "", ...rest] = part.split("\r\n\r\n");
    if (head.includes(`name="${field}"`) && head.includes("filename=")) return rest.join("\r\n\r\n");
  }
  return undefined;
}

/** POST /v1/join, see docs/rendezvous.md. */
async function answerJson({ body, from }: Asked, keeper: Keeper): Promise<Answer> {
  const { plan } = keeper;
  const asked = parse(body);
  const { network, mac, hostname, addresses, port, key, proof } = asked;
  if (![network, mac, hostname, key, proof].every((word) => typeof word === "string")) {
    return json(400, { error: "bad-request" });
  }
  if (network !== plan.network) return json(404, { error: "unknown-network" });
  const right = createHmac("sha256", plan.key).update([network, mac, key].join("\n")).digest("hex");
  if (!isEqual(right, String(proof)) || keeper.fault === "refuse") return json(403, { error: "wrong-key" });
  const isDirect = Array.isArray(addresses) && addresses.includes(from);
  return settle(
    {
      mac: String(mac),
      hostname: String(hostname),
      ...(isDirect ? { address: from } : {}),
      port: Number(port),
      publicKey: String(key).trim(),
    },
    keeper,
    "json",
  );
}

async function settle(wanted: Registration, keeper: Keeper, form: "script" | "json"): Promise<Answer> {
  const { plan, fault } = keeper;
  const registered = register(plan, keeper.nodes(), wanted);
  if (!registered) return json(507, { error: "full" });
  const { nodes, node } = registered;
  const type = form === "json" ? "application/json" : "text/plain";
  if (fault && fault !== "refuse") {
    const body = isGarbage(fault)
      ? garbage(fault, form, plan, nodes, node)
      : lure(fault, form, plan, nodes, node);
    return { status: 200, type, body };
  }
  await keeper.keep(nodes);
  if (form === "json") await keeper.tellGateway(node);
  const body =
    form === "json" ? JSON.stringify(jsonReply(plan, nodes, node)) : scriptReply(plan, nodes, node);
  return { status: 200, type, body };
}

function isGarbage(fault: Garbage | Lure): fault is Garbage {
  return GARBAGE.some((kind) => kind === fault);
}

function parse(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function isEqual(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

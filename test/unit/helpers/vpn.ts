// SPDX-License-Identifier: GPL-3.0-or-later
// The step "vpn" on a box in memory, with the lab's own rendezvous to ask.

import type { HttpRequest, HttpResponse } from "../../../firstboot/host/box.ts";
import type { ImageInfo } from "../../../firstboot/host/image-info.ts";
import type { StepTools } from "../../../firstboot/setup/step.ts";
import { vpn } from "../../../firstboot/steps/vpn/index.ts";
import type { VpnAnswers } from "../../../firstboot/steps/vpn/questions.ts";
import { answer } from "../../lab/rendezvous/handler.ts";
import type { VpnNode, VpnPlan } from "../../lab/rendezvous/plan.ts";
import { FakeBox, IMAGE, rsaKey } from "./fake-box.ts";

export const GETINCONF = "http://10.139.40.84/index.php";
export const JSON_FORM = "https://vpn.example.net";
export const JOIN: VpnAnswers = { join: true, network: "guifi", rendezvous: [GETINCONF] };
export const image: ImageInfo = {
  ...IMAGE,
  community: { ...IMAGE.community, vpn: { ...IMAGE.community.vpn, network_key: "secret-of-ours" } },
};

/** A rendezvous in this process; counts what it was asked. */
export function rendezvous(change: Partial<VpnPlan> = {}) {
  const plan: VpnPlan = {
    network: "guifi",
    key: "secret-of-ours",
    mode: "switch",
    range: "10.228.0",
    gateway: { name: "gateway", publicKey: rsaKey(1).publicKey },
    gatewayAsksEvery: 3600,
    ...change,
  };
  let nodes: readonly VpnNode[] = [];
  const asked: HttpRequest[] = [];
  return {
    asked,
    nodes: () => nodes,
    /** As by the hand of who looks after it. */
    forget(name: string) {
      nodes = nodes.filter((node) => node.name !== name);
    },
    from: "10.1.2.50",
    reply: undefined as HttpResponse | undefined,
    async request(wanted: HttpRequest): Promise<HttpResponse> {
      asked.push(wanted);
      if (this.reply && wanted.method === "POST") return this.reply;
      const { status, body } = await answer(
        {
          method: wanted.method,
          path: new URL(wanted.url).pathname,
          contentType: wanted.headers?.["Content-Type"] ?? "",
          body: Buffer.from(wanted.body ?? []).toString(),
          from: this.from,
        },
        {
          plan,
          nodes: () => nodes,
          async keep(next) {
            nodes = next;
          },
          async tellGateway() {},
        },
      );
      return { status, body: Buffer.from(body) };
    },
  };
}

export type Server = ReturnType<typeof rendezvous>;

export function boxWith(server: Server | undefined): FakeBox {
  const box = new FakeBox();
  box.files.set("/etc/hostname", "can-bruixa\n");
  if (server) box.servers = { ...box.servers, request: (wanted) => server.request(wanted) };
  return box;
}

export function toolsOf(
  box: FakeBox,
  given: readonly string[] = [],
): StepTools & { readonly said: string[] } {
  const said: string[] = [];
  return {
    box,
    image,
    skippedSteps: new Set(),
    providedSecrets: new Set(given),
    answersOf: () => ({}),
    signal: new AbortController().signal,
    said,
    progress: (key, values = {}) => void said.push(`${key} ${Object.values(values).join(" ")}`.trim()),
  };
}

export const apply = (box: FakeBox, answers: VpnAnswers = JOIN) => vpn.apply(answers as never, toolsOf(box));
export const verify = (box: FakeBox, answers: VpnAnswers = JOIN) =>
  vpn.verify(answers as never, toolsOf(box));
export const tincFilesOf = (box: FakeBox) =>
  [...box.files.keys()].filter((path) => path.startsWith("/etc/tinc/")).sort();

/** Has the box join by the rendezvous of this address; returns the box. */
export async function join(box: FakeBox, url: string, change: object = {}): Promise<FakeBox> {
  await apply(box, { ...JOIN, rendezvous: [url], ...change });
  return box;
}

/** Another box, with a name and a card of its own. */
export function neighbour(server: Server, number: number): FakeBox {
  const box = boxWith(server);
  box.files.set("/etc/hostname", `neighbour-${number}\n`);
  box.files.set("/sys/class/net/enp1s0/address", `52:54:00:00:00:0${number}\n`);
  return box;
}

/** Names of tinc's host files. */
export const hostsOf = (box: FakeBox) =>
  tincFilesOf(box).flatMap((path) =>
    path.startsWith("/etc/tinc/guifi/hosts/") ? (path.split("/").at(-1) ?? "") : [],
  );

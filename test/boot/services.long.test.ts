// SPDX-License-Identifier: GPL-3.0-or-later
// Services on the real image: chosen in answers.yaml, installed without a network, each in its best place, and asked
// across the lab by clients that know nothing of the box.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { labRoot } from "../../image/debian/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import type { LabHost } from "../lab/host.ts";
import { LAB_HOSTS } from "../lab/hosts/index.ts";
import { type Lab, labUp } from "../lab/lab.ts";
import { labMember } from "../lab/members.ts";
import { memberWhere } from "../lab/serf.ts";
import { BOOT_MS, type Box, createBox } from "./harness.ts";
import { subject } from "./subject.ts";

const SECRET = "cargol groc damunt la teulada";
const WEB = "10.139.40.70";
const PAGE = "a page of the community";
/** Unpacking Docker on an emulated processor. */
const INSTALL_MS = 1_100_000;

const PROGRAM = `require("node:http").createServer((_, reply) => reply.end(${JSON.stringify(PAGE)}))
  .listen(80, () => console.log("ready"));`;
const web: LabHost = {
  name: "web",
  address: WEB,
  server: async () => ({ command: ["node", "-e", PROGRAM], ready: /ready/ }),
};

const ANSWERS = `version: 1
system:
  language: en
  hostname: can-bruixa
  owner: { name: anna, password: "${SECRET}" }
network: { method: dhcp }
services:
  guifi-proxy: { enabled: true, cache_mib: 100 }
  syncthing: { enabled: true }
  docker: { enabled: true }
  snmp: { enabled: true, contact: anna@example.net }
`;

let lab: Lab;
let box: Box;
let address: string;

beforeAll(async () => {
  const it = await subject("vm-amd64");
  lab = await labUp({
    name: "svcboot",
    root: await labRoot(),
    community: loadCommunity("guifi"),
    hosts: [...LAB_HOSTS, web, { name: "asker", address: "10.139.40.80" }],
  });
  box = await createBox({ ...it, lab, ownDisk: true, memoryMib: 2048 });
  const partition = await box.bootPartition();
  await partition.put("answers.yaml", ANSWERS);
  await partition.put("ca.pem", lab.authority());
  await box.powerOn();
});

afterAll(async () => {
  await box?.destroy();
  await lab?.down();
});

interface Listed {
  readonly id: string;
  readonly state: string;
  readonly where: string | null;
  readonly works: boolean;
}

test("the set-up installs and starts all of them", async () => {
  await box.expect(/\[done\] Set-up is complete/, { timeoutMs: BOOT_MS + INSTALL_MS });
  const { services } = JSON.parse(await box.ask("cbox services --json", { timeoutMs: BOOT_MS })) as {
    services: Listed[];
  };
  // With the box's own words when one of them has failed.
  const log = await box.ask(
    "grep -E -B3 '-> [1-9]|service-|trouble' /var/log/community-box/firstboot.log | tail -n 60 || true",
  );
  expect(
    services.filter(({ state }) => state === "starting"),
    log,
  ).toEqual([]);
  const on = services.filter(({ state }) => state === "on");
  expect(Object.fromEntries(on.map(({ id, where }) => [id, where]))).toEqual({
    serf: "host",
    "guifi-proxy": "community",
    syncthing: "owner",
    docker: "community",
    snmp: "host",
  });
  expect(on.filter(({ works }) => !works)).toEqual([]);
});

describe("across the network", () => {
  test("a Serf neighbour reads what the box announces", async () => {
    const { services } = await memberWhere(lab, (member) =>
      member.services.some(({ s, m }) => s === "proxy3" && m === "can-bruixa.guifi.local"),
    );
    expect(services.map(({ s, p }) => `${s} ${p}`)).toEqual([
      "serf 5000",
      "proxy3 3128",
      "syncthing 22000",
      "snmp 161",
    ]);
    expect(services[2]?.t).toMatch(/^node_id=([A-Z2-7]{7}-){7}[A-Z2-7]{7}$/);
    address = services[0]!.i;
  });

  const throughProxy = (credentials: string) =>
    lab.run("asker", [
      ...["curl", "--silent", "--max-time", "60", "--write-out", " %{http_code}"],
      ...["--proxy", `http://${address}:3128`, "--proxy-user", credentials, `http://${WEB}/`],
    ]);

  test("the proxy lets a member in, and nobody with a wrong password", async () => {
    expect((await throughProxy(`anna:${labMember("anna").password}`)).stdout).toBe(`${PAGE} 200`);
    expect((await throughProxy("anna:wrong")).stdout).toMatch(/ 407$/);
  });

  test("snmpget reads the name of the box", async () => {
    const get = ["snmpget", "-v2c", "-c", "public", "-t5", "-On", address, ".1.3.6.1.2.1.1.5.0"];
    expect((await lab.run("asker", get)).stdout).toContain("can-bruixa");
  });

  test("Syncthing answers with a certificate, and its web page does not answer at all", async () => {
    const hello = `openssl s_client -connect ${address}:22000 -alpn bep/1.0 </dev/null 2>/dev/null`;
    expect((await lab.run("asker", ["sh", "-c", hello])).stdout).toContain("BEGIN CERTIFICATE");
    const page = ["sh", "-c", `busybox nc -w 5 ${address} 8384 </dev/null`];
    expect((await lab.run("asker", page)).code).not.toBe(0);
  });
});

test("Docker works inside the community's context", async () => {
  const ask = "incus exec community --project community -- docker info --format '{{.Driver}}'";
  expect(await box.ask(ask, { timeoutMs: BOOT_MS })).toBe("overlay2");
});

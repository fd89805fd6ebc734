// SPDX-License-Identifier: GPL-3.0-or-later
// What others send, damaged at random: whatever it is, taking it apart ends soon, takes little memory, and gives a result or
// one of the errors that are meant for it.
import { getHeapStatistics } from "node:v8";
import { describe, expect, test } from "vitest";
import { Failure } from "../../../common/fail.ts";
import { decodeServices, type Filter, MOST_SERVICES } from "../../../common/serf-payload.ts";
import type { Service } from "../../../common/service.ts";
import { parseBrowse } from "../../../firstboot/discovery/avahi.ts";
import { parseDeviceNames } from "../../../firstboot/dns/devices.ts";
import { parseDomains } from "../../../firstboot/dns/domains.ts";
import { parseAnswer } from "../../../firstboot/guifi/api.ts";
import { parseNode } from "../../../firstboot/guifi/cnml.ts";
import { faultsOfProject, readProject } from "../../../firstboot/services/compose.ts";
import type { Place } from "../../../firstboot/services/place.ts";
import { readMembership } from "../../../firstboot/vpn/membership.ts";
import { parseScript } from "../../../firstboot/vpn/reply-script.ts";
import { parseScan } from "../../../firstboot/wifi/scan.ts";
import { numbers } from "../helpers/random.ts";

/** Inputs for each. 100,000, which take minutes, were tried on the way (CBOX_FUZZ_RUNS). */
const RUNS = Number(process.env.CBOX_FUZZ_RUNS ?? 5000);
/** One input in so many is long. */
const LONG_EVERY = 1000;
const LONG = 64 * 1024;
const MOST_MS = 1000;
const MOST_BYTES = 64 * 1024 * 1024;

const noFilter: Filter = async (_command, input) => input;
const CNML = `<?xml version="1.0" encoding="UTF-8"?><cnml version="0.1" server_id="1"><node id="7" title="A &amp; B" lat="1.5">
<device id="9" title="box" type="radio"><interface id="1" ipv4="10.1.2.3" mask="255.255.255.224" mac="02:00:00:00:00:01"/>
<radio id="2" ssid="x"><interface id="3" ipv4="10.1.2.4"/></radio></device></node></cnml>`;
const DOMAINS = `<?xml version="1.0"?><cnml><domains><internal><master zone="a.guifi.net" contact="x@guifi.net" nameserver="ns1">
<domain name="a.guifi.net"><host name="www" ipv4="10.1.2.3" ipv6=""/></domain></master><slave zone="b.net" master="10.1.2.4"/>
</internal><external/></domains></cnml>`;
const SCRIPT = `#!/bin/sh
mkdir -p /etc/tinc/guifi/hosts
cat > /etc/tinc/guifi/tinc.conf << "EOF"
Name = box
ConnectTo = gate
EOF
cat > /etc/tinc/guifi/tinc-up << "EOF"
ip addr add 10.200.0.9/16 dev guifi
EOF
cat > /etc/tinc/guifi/hosts/box << "EOF"
Subnet = 10.200.0.9/32
-----BEGIN RSA PUBLIC KEY-----
AAAA
-----END RSA PUBLIC KEY-----
EOF
`;
const MEMBERSHIP = JSON.stringify({
  ...{ name: "box", address: "10.200.0.9/16", mode: "router", port: 655 },
  hosts: [{ name: "gate", address: "10.1.1.1", port: 655, subnets: ["10.200.0.1/32"], key: "AAAA" }],
});

const COMPOSE = JSON.stringify({
  name: "wiki",
  services: {
    web: {
      image: "wiki:1",
      environment: { A: null, B: "b" },
      networks: { default: null },
      ports: [{ published: "8080", target: 80, protocol: "tcp", host_ip: "127.0.0.1" }],
    },
    db: { image: "postgres:16", network_mode: "host" },
  },
  networks: { default: { name: "wiki_default" } },
});

/** A context in which Docker says this. */
const dockerSays = (stdout: string, stderr = "") =>
  ({
    run: async () => ({ code: 0, stdout, stderr }),
    readFile: async () => undefined,
  }) as unknown as Place;

interface Decoder {
  readonly of: string;
  readonly valid: string;
  readonly decode: (text: string) => unknown;
  /** That it may end with, beside Failure. */
  readonly errors?: readonly (new () => Error)[];
}
const DECODERS: readonly Decoder[] = [
  {
    of: "the services of a node in Serf",
    valid:
      '[{"s":"syncthing","d":"A_b","m":"a.guifi.local","i":"10.1.1.1","p":22000,"e":"guifi","t":"a=1&b=2"}]',
    decode: (text) => decodeServices(Buffer.from(text).toString("base64"), noFilter),
    errors: [SyntaxError],
  },
  {
    of: "what Avahi has heard",
    valid: '=;guifi;IPv4;A\\032name;_http._tcp;local;host.local;10.1.2.3;80;"a=b" "c=d"\n',
    decode: (text) => parseBrowse(text, "guifi"),
  },
  { of: "a node's page in CNML", valid: CNML, decode: parseNode },
  { of: "the names of devices in CNML", valid: CNML, decode: (text) => parseDeviceNames(text, "guifi.net") },
  { of: "the domains of a name server", valid: DOMAINS, decode: parseDomains },
  {
    of: "an answer of the web site",
    valid:
      'false wLanLan: 5001 {"command":"guifi.auth","code":{"code":201},"errors":[{"code":403,"str":"a","extra":"b"}]}',
    decode: (text) => parseAnswer({ status: 200, headers: {}, body: Buffer.from(text) } as never),
  },
  {
    of: "a reply of the rendezvous, as a script",
    valid: SCRIPT,
    decode: (text) => parseScript(text, "guifi"),
  },
  {
    of: "a reply of the rendezvous, as JSON",
    valid: MEMBERSHIP,
    decode: (text) => readMembership(JSON.parse(text)),
    errors: [SyntaxError],
  },
  {
    of: "a project as docker compose reads it",
    valid: COMPOSE,
    decode: (text) => readProject(dockerSays(text), "wiki", "wiki"),
  },
  {
    of: "the words of docker compose about a project",
    valid: 'time="2026-01-01T00:00:00Z" level=warning msg="the attribute \\"version\\" is obsolete"\nx\n',
    decode: (text) => readProject(dockerSays(COMPOSE, text), "wiki", "wiki"),
  },
  {
    of: "the containers of a project",
    valid: "web running healthy 0\ndb restarting  1\n",
    decode: (text) => faultsOfProject(dockerSays(text), { id: "wiki" } as Service),
  },
  {
    of: "a scan for wireless networks",
    valid:
      "bssid / frequency / signal level / flags / ssid\n02:00:00:00:00:01\t2412\t-40\t[WPA2-PSK-CCMP][ESS]\ta\\xc3\\xa9 b\n",
    decode: parseScan,
  },
];

/** Signs that mean something to one of them, and some that mean nothing to any. */
const SIGNS = [
  ..."\"'<>[]{}()\\/=:;,&%$#@-_.0129aZ \t\r\n\0\x1b\u200e\u00e9\ud83c",
  "null",
  "&#65;",
  "__proto__",
];

function damaged(valid: string, random: (limit: number) => number, isLong: boolean): string {
  let text = valid;
  for (let left = 1 + random(4); left > 0; left -= 1) {
    const [one, other] = [random(text.length + 1), random(text.length + 1)];
    const [from, to] = [Math.min(one, other), Math.max(one, other)];
    const sign = SIGNS[random(SIGNS.length)]!;
    const part = [sign, "", text.slice(from, to) + text.slice(from, to), sign.repeat(1 + random(40))][
      random(4)
    ]!;
    text = (text.slice(0, from) + part + text.slice(random(2) ? to : from)).slice(0, LONG);
  }
  if (!isLong || text === "") return text;
  const from = random(text.length);
  const part = text.slice(from, from + 1 + random(30));
  return text.slice(0, from) + part.repeat(Math.ceil(LONG / part.length)) + text.slice(from);
}

describe.each(DECODERS)("$of", ({ valid, decode, errors = [] }) => {
  test("is decoded when it is complete", async () => {
    await expect(Promise.resolve(valid).then(decode)).resolves.toBeDefined();
  });

  test("is decoded or refused within bounds of time and memory, however it is damaged", async () => {
    const random = numbers(20261130);
    for (let run = 1; run <= RUNS; run += 1) {
      const text = damaged(valid, random, run % LONG_EVERY === 0);
      const [since, heap] = [performance.now(), getHeapStatistics().used_heap_size];
      try {
        await decode(text);
      } catch (error) {
        if (![Failure, ...errors].some((kind) => error instanceof kind))
          throw new Error(JSON.stringify(text), { cause: error });
      }
      const [took, grown] = [performance.now() - since, getHeapStatistics().used_heap_size - heap];
      if (took > MOST_MS || grown > MOST_BYTES)
        throw new Error(`${took} ms, ${grown} bytes: ${JSON.stringify(text.slice(0, 500))}`);
    }
  });
});

test("of a node that announces 150,000 services, the first 50 are read", async () => {
  const many = Array.from({ length: 150_000 }, (_, index) => ({ s: "a", i: "10.1.1.1", p: index + 1 }));
  const tag = Buffer.from(JSON.stringify(many)).toString("base64");
  const services = await decodeServices(tag, noFilter);
  expect(services).toHaveLength(MOST_SERVICES);
  expect(services.at(-1)).toMatchObject({ p: "50" });
});

test("services without type, address or port are ignored", async () => {
  const whole = { s: "a", i: "10.1.1.1", p: "1" };
  const lacking = ["s", "i", "p"].map((key) => ({ ...whole, [key]: "" }));
  const odd = { ...whole, s: { toString: 1 }, d: [["x"]] };
  const all = [...Array.from({ length: 100 }, () => lacking).flat(), odd, { ...whole, d: [["x"]] }];
  const tag = Buffer.from(JSON.stringify(all)).toString("base64");
  expect(await decodeServices(tag, noFilter)).toEqual([{ ...whole, d: "", m: "", e: "", t: "" }]);
});

// SPDX-License-Identifier: GPL-3.0-or-later
// A zone of devices at the community's site, and what a browser on a host of the lab gets of their graphs.
import { inflateSync } from "node:zlib";
import { expect } from "vitest";
import { seed } from "../lab/guifi-site/seed.ts";
import type { Device, Interface, SiteState } from "../lab/guifi-site/state.ts";
import type { Lab } from "../lab/lab.ts";

export const ZONE = 70_001;
export const NODE = 70_002;

export interface ZoneDevice extends Partial<Device> {
  readonly id: number;
  readonly address: string;
}

/** What the site knows from the beginning, and {@link ZONE} with these devices at {@link NODE}. */
export function siteWithZone(devices: readonly ZoneDevice[]): SiteState {
  const dates = { created: "20160101 0101", updated: "20160101 0101" };
  const lan = (id: number, ipv4: string): Interface => ({
    ...{ id, type: "Lan", mac: "02:00:00:00:00:01", ipv4, mask: "255.255.255.0", links: [] },
  });
  const device = ({ id, address, ...rest }: ZoneDevice, index: number): Device => ({
    ...{ id, owner: 900, maintainers: [], title: `CanBruixaRd${index + 1}`, type: "radio", ...dates },
    ...{ status: "Working", notification: "", radios: [], interfaces: [lan(id * 2, address)], ...rest },
  });
  const place = { lat: "41.39", lon: "2.2", status: "Working", ...dates };
  const node = { id: NODE, zone: ZONE, owner: 900, title: "CanBruixa", ...place };
  const state = seed();
  state.zones.push({ id: ZONE, title: "Can Bruixa", box: "2,41,3,42", ...dates });
  state.nodes.push({ ...node, devices: devices.map(device) });
  return state;
}

export interface Picture {
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** How many pixels have very nearly this colour, such as 0x6699ff. */
  pixels(colour: number): number;
}

export interface GraphClient {
  /** The answer to a query; `words` are curl's. */
  get(query: string, ...words: string[]): Promise<{ body: string; code: number; type: string }>;
  picture(query: string): Promise<Picture>;
}

/** `server`: the graph server's address. */
export function graphClient(lab: Lab, host: string, server: string): GraphClient {
  const url = `http://${server}/snpservices/index.php`;
  const curl = ["curl", "--silent", "--max-time", "60"];
  return {
    async get(query, ...words) {
      const about = ["--write-out", "\n%{http_code} %{content_type}"];
      const { stdout } = await lab.run(host, [...curl, ...about, ...words, query ? `${url}?${query}` : url]);
      const [, body = "", code = "", type = ""] = /^([\s\S]*)\n(\d+) (.*)$/.exec(stdout) ?? [];
      return { body, code: Number(code), type };
    },
    async picture(query) {
      const fetch = `${curl.join(" ")} '${url}?${query}' | base64 -w0`;
      return readPng(Buffer.from((await lab.run(host, ["sh", "-c", fetch])).stdout, "base64"));
    },
  };
}

/** A PNG of 8 bits for red, green, blue and, maybe, opacity, as RRDtool makes them (RFC 2083). */
function readPng(file: Buffer): Picture {
  expect(file.subarray(1, 4).toString(), file.toString("latin1", 0, 200)).toBe("PNG");
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)];
  const size = { 2: 3, 6: 4 }[file[25] ?? 0];
  expect([file[24], file[28]], "bits, not interlaced").toEqual([8, 0]);
  if (size === undefined) throw new Error(`a PNG of colour type ${file[25]}`);
  const parts: Buffer[] = [];
  for (let at = 8; at < file.length; at += file.readUInt32BE(at) + 12)
    if (file.toString("latin1", at + 4, at + 8) === "IDAT")
      parts.push(file.subarray(at + 8, at + 8 + file.readUInt32BE(at)));
  const lines = inflateSync(Buffer.concat(parts));
  const stride = width * size;
  const bytes = Buffer.alloc(height * stride);
  for (let y = 0; y < height; y++) {
    const filter = lines[y * (stride + 1)] ?? 0;
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x;
      const left = x < size ? 0 : bytes[at - size]!;
      const above = y === 0 ? 0 : bytes[at - stride]!;
      const corner = x < size || y === 0 ? 0 : bytes[at - stride - size]!;
      const guess = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter]!;
      bytes[at] = lines[y * (stride + 1) + 1 + x]! + guess;
    }
  }
  return {
    ...{ width, height },
    pixels(colour) {
      const wanted = [colour >> 16, (colour >> 8) & 0xff, colour & 0xff];
      let count = 0;
      for (let at = 0; at < bytes.length; at += size)
        if (wanted.every((value, channel) => Math.abs(bytes[at + channel]! - value) <= NEARLY)) count++;
      return count;
    },
  };
}

/** Lines are smoothed against what is behind them. */
const NEARLY = 64;

function paeth(left: number, above: number, corner: number): number {
  const [a, b, c] = [above - corner, left - corner, left + above - 2 * corner].map(Math.abs);
  if (a! <= b! && a! <= c!) return left;
  return b! <= c! ? above : corner;
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Real Serf agents with the configuration of a box: who has no key of its RPC can neither ask nor stop it, and a neighbour
// that has taken its name before cannot vote it out.
import { afterAll, beforeAll, expect, test } from "vitest";
import { serfConfig } from "../../firstboot/discovery/serf.ts";
import type { ImageInfo } from "../../firstboot/host/image-info.ts";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import type { LabHost } from "../lab/host.ts";
import { serfPeer } from "../lab/hosts/serf-peer.ts";
import { type Lab, labDown, labUp } from "../lab/lab.ts";
import { memberWhere } from "../lab/serf.ts";
import { serverLog } from "../lab/server.ts";
import { until } from "./service-lab.ts";

const NAME = "serfagent";
const PEER = "10.139.40.22";
const KEY = "0f".repeat(16);
/** What a neighbour calls its own agent, too. */
const TAKEN = "0123-can-bruixa";

const community = loadCommunity("guifi");
let lab: Lab;

/** An agent as a box has it. */
function boxAgent(
  name: string,
  address: string,
  change: (config: Record<string, unknown>) => object,
): LabHost {
  return {
    name,
    address,
    async server() {
      const image = { community } as unknown as ImageInfo;
      const own = JSON.parse(serfConfig(image, "0123", "can-bruixa", address, KEY)) as Record<
        string,
        unknown
      >;
      const settings = {
        ...change(own),
        ...{ snapshot_path: "/tmp/snapshot", tags_file: "/tmp/tags.json", log_level: "INFO" },
      };
      return {
        command: ["serf", "agent", "-config-file=/srv/serf.json"],
        files: { "serf.json": JSON.stringify(settings) },
        ready: /Serf agent running!/,
      };
    },
  };
}

const logOf = (host: string) => serverLog(lab.place(host).directory);
const said = (host: string, words: RegExp) => until(async () => words.test(logOf(host)), Boolean);
const ask = (host: string, key: string | undefined, ...words: string[]) =>
  lab.run(host, ["env", ...(key === undefined ? [] : [`SERF_RPC_AUTH=${key}`]), "serf", ...words]);

beforeAll(async () => {
  await labDown(NAME);
  lab = await labUp({
    name: NAME,
    root: await labRoot(),
    community,
    hosts: [
      serfPeer("peer", PEER),
      serfPeer("neighbour", "10.139.40.23", { join: PEER }),
      { ...serfPeer(TAKEN, "10.139.40.24", { join: PEER }), name: "twin" },
      boxAgent("box", "10.139.40.61", (own) => ({ ...own, retry_join: [] })),
      boxAgent("voter", "10.139.40.62", ({ disable_name_resolution: _, ...own }) => ({
        ...own,
        retry_join: [],
      })),
    ],
  });
  await memberWhere(lab, ({ name, status }) => name === TAKEN && status === "alive", { peer: "neighbour" });
});

afterAll(async () => {
  await labDown(NAME);
});

test.each([
  ["no key", undefined, /Authentication required|authentication/i],
  ["another key", "f0".repeat(16), /Invalid authentication token/],
])("the agent reveals nothing and is not stopped for a client with %s", async (_what, key, words) => {
  for (const command of ["info", "members", "leave"]) {
    const { code, stdout, stderr } = await ask("box", key, command);
    expect([command, code]).toEqual([command, 1]);
    expect(`${stdout}${stderr}`).toMatch(words);
    expect(stdout).not.toContain(TAKEN);
  }
  const { code, stdout } = await ask("box", KEY, "members");
  expect([code, stdout]).toEqual([0, expect.stringContaining(TAKEN)]);
});

test("an agent with name resolution is stopped by the neighbour that had its name first", async () => {
  await ask("voter", KEY, "join", PEER);
  expect(await said("voter", /minority in name conflict resolution/)).toBe(true);
  expect(
    await until(
      async () => (await ask("voter", KEY, "info")).code,
      (code) => code !== 0,
    ),
  ).toBe(1);
});

test("the box's agent sees the same conflict, does not vote, and continues", async () => {
  expect((await ask("box", KEY, "join", PEER)).code).toBe(0);
  expect(await said("box", /Node name conflicts with another node.*Resolution enabled: false/)).toBe(true);
  const { code, stdout } = await ask("box", KEY, "members", "-format=json");
  expect(code).toBe(0);
  const { members } = JSON.parse(stdout) as { members: { name: string; addr: string; status: string }[] };
  expect(members).toContainEqual(
    expect.objectContaining({ name: TAKEN, addr: "10.139.40.61:5000", status: "alive" }),
  );
  expect(members.map(({ name }) => name)).toEqual(expect.arrayContaining(["peer", "neighbour"]));
  expect(logOf("box")).not.toContain("minority");
});

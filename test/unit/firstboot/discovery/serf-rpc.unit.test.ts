// SPDX-License-Identifier: GPL-3.0-or-later
// The key of the Serf agent's RPC: made once, closed to other accounts, given to the agent and to all of our own callers, and
// in no command line.

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { search } from "../../../../firstboot/discovery/search.ts";
import { serfConfig, serfInfo } from "../../../../firstboot/discovery/serf.ts";
import { mayAskSerf } from "../../../../firstboot/discovery/serf-rpc.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { publish } from "../../../../firstboot/services/publish.ts";
import { OVERLAYS, PROJECT } from "../../../../image/host/paths.ts";
import { temporaryDirectory } from "../../../temporary.ts";
import { FakeBox, IMAGE } from "../../helpers/fake-box.ts";

const KEY = "5a".repeat(16);
let box: FakeBox;

beforeEach(() => {
  box = new FakeBox();
  box.files.set("/etc/hostname", "can-bruixa\n");
  box.system.enabled.add("serf.service");
  box.system.answers.set("getent group sudo", "sudo:x:27:anna\n");
});

const config = () => JSON.parse(box.files.get(paths.serfConfig) ?? "{}") as Record<string, unknown>;
const restarts = () => box.effects.filter((effect) => effect === "systemctl restart serf.service");

describe("the key of Serf's agent", () => {
  test("is made once, readable by root and administrators, and the configuration by root alone", async () => {
    await publish(box, IMAGE);
    expect(box.files.get(paths.serfRpcKey)).toBe(`${KEY}\n`);
    expect(box.rights.get(paths.serfRpcKey)).toEqual({ mode: 0o640, owner: { uid: 0, gid: 27 } });
    expect(config().rpc_auth).toBe(KEY);
    expect(box.rights.get(paths.serfConfig)).toEqual({ mode: 0o600 });
    box.files.set(paths.serfRpcKey, `${"0f".repeat(16)}\n`);
    await publish(box, IMAGE);
    expect(config().rpc_auth).toBe("0f".repeat(16));
  });

  test("is readable by root alone on a Debian without the group sudo", async () => {
    box.system.answers.delete("getent group sudo");
    await publish(box, IMAGE);
    expect(box.rights.get(paths.serfRpcKey)).toEqual({ mode: 0o600 });
  });

  test("is added to a box set up without one at its next announcement", async () => {
    const { rpc_auth: _, ...before } = JSON.parse(
      serfConfig(IMAGE, "0123", "can-bruixa", "10.1.2.50", KEY),
    ) as Record<string, unknown>;
    box.files.set(paths.serfHostId, "0123\n");
    box.files.set(paths.serfConfig, `${JSON.stringify(before, undefined, 2)}\n`);
    box.system.running.add("serf.service");
    const { published } = await publish(box, IMAGE);
    expect(published.map(({ s }) => s)).toEqual(["serf"]);
    expect(config().rpc_auth).toBe(KEY);
    expect(restarts()).toHaveLength(1);
    await publish(box, IMAGE);
    expect(restarts()).toHaveLength(1);
  });

  test("leads to a restart of an agent that still runs with another configuration", async () => {
    await publish(box, IMAGE);
    const own = box.system.run.bind(box.system);
    let isOld = true;
    box.system.run = async (command, args, options) => {
      if (command === "systemctl" && args[0] === "restart") isOld = false;
      if (command === paths.serfRpc && isOld)
        return {
          code: 1,
          stdout: "",
          stderr: "Error connecting to Serf agent: Invalid authentication token\n",
        };
      return own(command, args, options);
    };
    const before = restarts().length;
    expect((await publish(box, IMAGE)).published).toHaveLength(1);
    expect(restarts()).toHaveLength(before + 1);
  });

  test("is in no command line", async () => {
    await publish(box, IMAGE);
    await search(box);
    await serfInfo(box);
    expect(box.effects.some((effect) => effect.startsWith(`${paths.serfRpc} tags -set services=`))).toBe(
      true,
    );
    expect(box.effects.filter((effect) => effect.includes(KEY))).toEqual([]);
  });

  test("that a user may not read is distinguished from a Serf that does not answer", async () => {
    expect(await mayAskSerf(box)).toBe(true);
    await publish(box, IMAGE);
    expect(await mayAskSerf(box)).toBe(true);
    const closed = { ...box, readFile: async () => Promise.reject(new Error("EACCES")) };
    expect(await mayAskSerf(closed)).toBe(false);
  });
});

test("the agent listens on the loopback address only, requires the key, and does not take part in name resolution", () => {
  expect(JSON.parse(serfConfig(IMAGE, "0123", "can-bruixa", "10.1.2.3", KEY))).toMatchObject({
    rpc_addr: "127.0.0.1:7373",
    rpc_auth: KEY,
    disable_name_resolution: true,
  });
});

describe("serf-rpc", () => {
  /** What a Serf that only tells its words and its environment is given. */
  function given(key: string | undefined, ...words: string[]): { words: string; key: string } {
    const directory = temporaryDirectory();
    const file = join(directory, "key");
    if (key !== undefined) writeFileSync(file, key);
    mkdirSync(join(directory, "bin"));
    const serf = '#!/bin/sh\necho "$*"\nprintenv SERF_RPC_AUTH || echo none\n';
    writeFileSync(join(directory, "bin/serf"), serf, { mode: 0o755 });
    const program = join(directory, "serf-rpc");
    const text = readFileSync(join(OVERLAYS, "base/files", paths.serfRpc), "utf8");
    expect(text).toContain(paths.serfRpcKey);
    writeFileSync(program, text.replaceAll(paths.serfRpcKey, file), { mode: 0o755 });
    const env = { PATH: `${join(directory, "bin")}:${process.env.PATH}` };
    const [said = "", found = ""] = execFileSync(program, words, { env, encoding: "utf8" }).split("\n");
    return { words: said, key: found };
  }

  test("passes the key to this box's agent in the environment", () => {
    expect(given(`${KEY}\n`, "members", "-format=json")).toEqual({
      words: "members -rpc-addr=127.0.0.1:7373 -format=json",
      key: KEY,
    });
  });

  test("uses no key where the box has none yet", () => {
    expect(given(undefined, "info")).toEqual({ words: "info -rpc-addr=127.0.0.1:7373", key: "none" });
  });

  test("is used by all of the box's programs, none of which calls serf itself", () => {
    const sources = ["firstboot", "overlays"].flatMap((folder) =>
      readdirSync(join(PROJECT, folder), { recursive: true, encoding: "utf8", withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name)),
    );
    const asking = /"serf", \[|\[serf, |\bserf (info|members|tags|rtt|join|leave|query|event|monitor)\b/;
    const callers = sources.filter((path) =>
      readFileSync(path, "utf8")
        .split("\n")
        .some((line) => asking.test(line) && !/^\s*(#|\/\/|\*)/.test(line)),
    );
    expect(callers).toEqual([]);
  });
});

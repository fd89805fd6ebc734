// SPDX-License-Identifier: GPL-3.0-or-later
// A box in the VPN asks its rendezvous again: who has come, who has gone, and what tincd is told.

import { describe, expect, test } from "vitest";
import { fail } from "../../../../common/fail.ts";
import type { HttpResponse } from "../../../../firstboot/host/box.ts";
import { errorText } from "../../../../firstboot/host/error-text.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { vpn } from "../../../../firstboot/steps/vpn/index.ts";
import { refreshVpn } from "../../../../firstboot/vpn/refresh.ts";
import { type FakeBox, PowerCut, rsaKey } from "../../helpers/fake-box.ts";
import {
  apply,
  boxWith,
  GETINCONF,
  hostsOf,
  image,
  JOIN,
  JSON_FORM,
  join,
  neighbour,
  rendezvous,
  tincFilesOf,
  toolsOf,
  verify,
} from "../../helpers/vpn.ts";

const FORMS = [
  ["getinconf", GETINCONF],
  ["JSON", JSON_FORM],
] as const;
const alone = <T>(work: () => Promise<T>) => work();
const refresh = (box: FakeBox, said: string[] = []) =>
  refreshVpn(box, image, { alone, log: (line) => void said.push(line) });

/** What was told to systemctl from here on. */
function toldSince(box: FakeBox): () => readonly string[] {
  const before = box.system.commands.length;
  return () => box.system.commands.slice(before).filter((line) => line.startsWith("systemctl "));
}

describe.each(FORMS)("the hourly refresh by %s", (_form, url) => {
  test("adds the file of a new host, and signals tincd with SIGHUP instead of restarting it", async () => {
    const server = rendezvous();
    const box = await join(boxWith(server), url);
    await join(neighbour(server, 2), url);
    expect(hostsOf(box)).toEqual(["can_bruixa", "gateway"]);
    const told = toldSince(box);
    const said: string[] = [];
    expect(await refresh(box, said)).toBe("changed");
    expect(hostsOf(box)).toEqual(["can_bruixa", "gateway", "neighbour_2"]);
    expect(box.files.get("/etc/tinc/guifi/tinc.conf")).toContain("ConnectTo = neighbour_2\n");
    expect(told()).toEqual(["systemctl try-reload-or-restart tinc@guifi.service"]);
    expect(said).toEqual(["the VPN has changed: tinc.conf, hosts/neighbour_2"]);
    expect(await vpn.status?.(box, image)).toMatchObject({
      data: { peers: [{ name: "gateway" }, { name: "neighbour_2" }] },
    });
  });

  test("removes the file of a host that left", async () => {
    const server = rendezvous();
    await join(neighbour(server, 2), url);
    const box = await join(boxWith(server), url);
    expect(hostsOf(box)).toContain("neighbour_2");
    server.forget("neighbour_2");
    expect(await refresh(box)).toBe("changed");
    expect(hostsOf(box)).toEqual(["can_bruixa", "gateway"]);
    expect(box.files.get("/etc/tinc/guifi/tinc.conf")).not.toContain("neighbour_2");
  });

  test("does nothing to tincd and writes none of its files without a change", async () => {
    const box = await join(boxWith(rendezvous()), url);
    const told = toldSince(box);
    const effects = box.effects.length;
    expect(await refresh(box)).toBe("unchanged");
    expect(told()).toEqual([]);
    expect(box.effects.slice(effects).filter((name) => name.includes("/etc/"))).toEqual([]);
    expect(await vpn.status?.(box, image)).toMatchObject({
      rows: expect.arrayContaining([{ label: "status.vpn.asked", value: "2026-01-01 00:00 UTC" }]),
      data: { last_asked: { at: "2026-01-01T00:00:00.000Z", answered: "2026-01-01T00:00:00.000Z" } },
    });
  });

  test("updates only the file of a neighbour with a new key, since tincd disconnects updated hosts", async () => {
    const server = rendezvous();
    await join(neighbour(server, 2), url);
    await join(neighbour(server, 3), url);
    const box = await join(boxWith(server), url);
    const other = neighbour(server, 2);
    other.files.set("/etc/tinc/guifi/rsa_key.priv", rsaKey(2).privateKey);
    await join(other, url);
    const effects = box.effects.length;
    expect(await refresh(box)).toBe("changed");
    const written = box.effects.slice(effects).filter((name) => name.includes("/hosts/"));
    expect(written).toEqual(["write /etc/tinc/.guifi.new/hosts/neighbour_2"]);
  });

  test("restarts tincd when the box's own address changed", async () => {
    const box = await join(boxWith(rendezvous()), url);
    const server = rendezvous({ range: "10.229.0" });
    box.servers.request = (wanted) => server.request(wanted);
    const told = toldSince(box);
    expect(await refresh(box)).toBe("changed");
    expect(told()).toEqual(["systemctl try-restart tinc@guifi.service"]);
    expect(await vpn.status?.(box, image)).toMatchObject({ data: { address: "10.229.0.2/24" } });
  });
});

describe("a refresh that fails shows in `cbox vpn` alone and changes nothing", () => {
  const down = () => fail({ code: "server-unreachable", what: "no", found: "ECONNREFUSED" });

  test.each(FORMS)("for a %s rendezvous that is down, and recovers later", async (_form, url) => {
    const server = rendezvous();
    const box = await join(boxWith(server), url);
    await refresh(box);
    const before = new Map(box.files);
    box.servers.request = async () => down();
    await box.sleep(3_600_000);
    const said: string[] = [];
    expect(await refresh(box, said)).toBe("failed");
    expect(said).toEqual([
      expect.stringMatching(/^the rendezvous was asked in vain \(rendezvous-silent, .*ECONNREFUSED/),
    ]);
    before.delete(paths.vpnAsked);
    const after = new Map(box.files);
    after.delete(paths.vpnAsked);
    expect(after).toEqual(before);
    expect(await vpn.status?.(box, image)).toMatchObject({
      state: "works",
      rows: expect.arrayContaining([
        { label: "status.vpn.asked", value: "2026-01-01 00:00 UTC" },
        { label: "status.vpn.ask-failed", value: "2026-01-01 01:00 UTC [rendezvous-silent]" },
      ]),
    });
    box.servers.request = (wanted) => server.request(wanted);
    expect(await refresh(box)).toBe("unchanged");
    expect((await vpn.status?.(box, image))?.data.last_asked).not.toHaveProperty("failed");
  });

  test.each([
    ["a web page", "<html>It works!</html>", "rendezvous-reply-invalid"],
    ["addresses of the network at home", undefined, "vpn-address-conflict"],
  ])("for %s", async (_what, text, code) => {
    const box = await join(boxWith(rendezvous()), JSON_FORM);
    const before = tincFilesOf(box).map((path) => box.files.get(path));
    const server = rendezvous({ range: "10.1.2" });
    if (text !== undefined) server.reply = { status: 200, body: Buffer.from(text) };
    box.servers.request = (wanted) => server.request(wanted);
    const told = toldSince(box);
    expect(await refresh(box)).toBe("failed");
    expect(tincFilesOf(box).map((path) => box.files.get(path))).toEqual(before);
    expect(told()).toEqual([]);
    expect((await vpn.status?.(box, image))?.data.last_asked).toMatchObject({ failed: code });
  });

  /** The same reply without a host but the box itself. */
  function emptied({ status, body }: HttpResponse): HttpResponse {
    const text = body.toString();
    const json = text.startsWith("{") ? JSON.stringify({ ...JSON.parse(text), hosts: [] }) : undefined;
    const others = /^cat > \S+\/hosts\/(?!can_bruixa)\w+ <<EOF\n[\s\S]*?\nEOF\n|^ConnectTo=.*\n/gm;
    return { status, body: Buffer.from(json ?? text.replace(others, "")) };
  }

  test.each(FORMS)(
    "for a %s rendezvous that names no hosts any more, and recovers later",
    async (_form, url) => {
      const server = rendezvous();
      const box = await join(boxWith(server), url);
      const before = tincFilesOf(box).map((path) => box.files.get(path));
      const record = box.files.get(paths.vpn);
      box.servers.request = async (wanted) => emptied(await server.request(wanted));
      const said: string[] = [];
      const told = toldSince(box);
      expect(await refresh(box, said)).toBe("failed");
      expect(said.join()).toContain("rendezvous-empty");
      expect(tincFilesOf(box).map((path) => box.files.get(path))).toEqual(before);
      expect(hostsOf(box)).toEqual(["can_bruixa", "gateway"]);
      expect(box.files.get(paths.vpn)).toBe(record);
      expect(told()).toEqual([]);
      const found = await vpn.status?.(box, image);
      expect(found).toMatchObject({ advice: { key: "status.vpn.empty" } });
      expect(found?.data.last_asked).toMatchObject({ failed: "rendezvous-empty" });
      box.servers.request = (wanted) => server.request(wanted);
      expect(await refresh(box)).toBe("unchanged");
      expect(await vpn.status?.(box, image)).not.toHaveProperty("advice");
    },
  );

  test.each(FORMS)(
    "unless it is the first box of a VPN, to which the %s rendezvous never named any",
    async (_form, url) => {
      const server = rendezvous();
      const box = boxWith(server);
      box.servers.request = async (wanted) => emptied(await server.request(wanted));
      await join(box, url);
      expect(hostsOf(box)).toEqual(["can_bruixa"]);
      expect(await refresh(box)).toBe("unchanged");
      expect(await vpn.status?.(box, image)).not.toHaveProperty("advice");
    },
  );

  test("for a damaged key of the box, which is not replaced silently", async () => {
    const box = await join(boxWith(rendezvous()), JSON_FORM);
    box.files.set("/etc/tinc/guifi/rsa_key.priv", "half");
    expect(await refresh(box)).toBe("failed");
    expect(box.files.get("/etc/tinc/guifi/rsa_key.priv")).toBe("half");
    expect((await vpn.status?.(box, image))?.data.last_asked).toMatchObject({ failed: "vpn-key-damaged" });
  });

  test("for a tincd that could not be signalled, which is signalled the next time without a change", async () => {
    const server = rendezvous();
    const box = await join(boxWith(server), JSON_FORM);
    await join(neighbour(server, 2), JSON_FORM);
    box.system.failing.add("systemctl");
    expect(await refresh(box)).toBe("failed");
    box.system.failing.delete("systemctl");
    const told = toldSince(box);
    expect(await refresh(box)).toBe("unchanged");
    expect(told()).toEqual(["systemctl try-reload-or-restart tinc@guifi.service"]);
  });
});

describe("the refresh does nothing", () => {
  test("without a VPN, or in one configured completely by the answers file", async () => {
    const box = boxWith(undefined);
    expect(await refresh(box)).toBe("none");
    const bundle = { name: "first", address: "10.228.0.1/24", hosts: [] };
    await apply(box, { join: true, bundle });
    expect(box.system.enabled.has("cbox-vpn.timer")).toBe(false);
    expect(await refresh(box)).toBe("none");
  });

  test("during a set-up, and when one has changed the VPN meanwhile", async () => {
    const server = rendezvous();
    const box = await join(boxWith(server), JSON_FORM);
    await join(neighbour(server, 2), JSON_FORM);
    const busy = () => fail({ code: "setup-busy", ...errorText("error.setup-busy") });
    expect(await refreshVpn(box, image, { alone: busy })).toBe("busy");
    const leave = async <T>(work: () => Promise<T>) => {
      await apply(box, { join: false });
      return work();
    };
    expect(await refreshVpn(box, image, { alone: leave })).toBe("busy");
    expect(tincFilesOf(box)).toEqual(["/etc/tinc/guifi/rsa_key.priv"]);
    expect(box.system.enabled.has("cbox-vpn.timer")).toBe(false);
  });
});

describe("the key of a network that is not the community's", () => {
  const answers = { ...JOIN, rendezvous: [JSON_FORM], key: "of-the-street" };

  test("is stored for root alone, used for refreshes, and removed with the VPN", async () => {
    const server = rendezvous({ key: "of-the-street" });
    const box = boxWith(server);
    const modes: (number | undefined)[] = [];
    const { writeFile } = box;
    box.writeFile = async (path, content, options?: { mode?: number }) => {
      if (path === paths.vpnKey) modes.push(options?.mode);
      return writeFile.call(box, path, content);
    };
    await apply(box, answers);
    expect(modes).toEqual([0o600]);
    expect(await refresh(box)).toBe("unchanged");
    await apply(box, { join: false });
    expect(box.files.has(paths.vpnKey)).toBe(false);
  });

  test("is kept by a set-up without a new one, and removed when the network is the community's again", async () => {
    const server = rendezvous({ key: "of-the-street" });
    const box = boxWith(server);
    await apply(box, answers);
    const { key: _, ...again } = answers;
    await vpn.apply(again as never, toolsOf(box, ["vpn.key"]));
    expect(box.files.get(paths.vpnKey)).toBe("of-the-street\n");
    box.servers.request = (wanted) => rendezvous().request(wanted);
    await apply(box, again);
    expect(box.files.has(paths.vpnKey)).toBe(false);
  });
});

test("a gateway that was awaited is not reported as awaited once it answers", async () => {
  const box = await join(boxWith(rendezvous()), GETINCONF);
  box.system.pingable = false;
  await verify(box);
  await refresh(box);
  expect(await vpn.status?.(box, image)).toMatchObject({ state: "waiting" });
  box.system.pingable = true;
  await refresh(box);
  box.system.pingable = false;
  box.powerOn();
  expect(await vpn.status?.(box, image)).toMatchObject({ state: "trouble" });
});

test("a power cut at each single effect leaves either the old hosts or the new ones, complete", async () => {
  const start = async () => {
    const server = rendezvous();
    const box = await join(boxWith(server), JSON_FORM);
    await join(neighbour(server, 2), JSON_FORM);
    return box;
  };
  const calm = await start();
  const from = calm.effects.length;
  await refresh(calm);
  const effects = calm.effects.length - from;
  expect(effects).toBeGreaterThan(8);
  for (let cut = 0; cut < effects; cut++) {
    const box = await start();
    box.cutAfter(cut);
    await expect(refresh(box)).rejects.toBeInstanceOf(PowerCut);
    const calls = box.files.get("/etc/tinc/guifi/tinc.conf")?.match(/ConnectTo/g) ?? [];
    expect(hostsOf(box).length, `cut ${cut}`).toBe(calls.length + 1);
    box.powerOn();
    await refresh(box);
    expect(box.files.get("/etc/tinc/guifi/tinc.conf")).toBe(calm.files.get("/etc/tinc/guifi/tinc.conf"));
    expect(tincFilesOf(box)).toEqual(tincFilesOf(calm));
    expect(box.files.get(paths.vpn)).toBe(calm.files.get(paths.vpn));
  }
});

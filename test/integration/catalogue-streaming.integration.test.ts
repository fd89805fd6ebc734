// SPDX-License-Identifier: GPL-3.0-or-later
// Live video: published by RTMP with the key that the box made, watched from another host, by HLS and piece by piece as
// the page's own player does. ffmpeg and ffprobe are Debian's.
import type { ChildProcess } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findService } from "../../firstboot/catalogue/catalogue.ts";
import { announcements } from "../../firstboot/services/announce.ts";
import { removeData } from "../../firstboot/services/engine.ts";
import { readSecrets } from "../../firstboot/services/secrets.ts";
import type { ChrootBox } from "./chroot-box.ts";
import { BOX, image, type ServiceLab, serviceLab, until } from "./service-lab.ts";
import { expectSandboxed } from "./units.ts";
import { probe, SIZE, testPicture, videoClient } from "./video-client.ts";

const PAGE = `http://${BOX}:8090`;

let community: ServiceLab;
let box: ChrootBox;
let camera: ChrootBox;
let viewer: ChrootBox;
const publishing: ChildProcess[] = [];

beforeAll(async () => {
  community = await serviceLab({
    name: "catstream",
    boxes: ["box"],
    hosts: [{ name: "camera", address: "10.139.40.81" }],
  });
  box = community.boxOf("box");
  camera = await videoClient(community.lab, "camera");
  viewer = await videoClient(community.lab, "client");
});

afterAll(async () => {
  for (const child of publishing) child.kill("SIGKILL");
  await community?.down();
});

const keyOf = async (channel: string) =>
  ((await readSecrets(box, findService("streaming")!)).keys as Record<string, string>)[channel] ?? "";

const address = (channel: string, key?: string) =>
  `rtmp://${BOX}:1935/publish/${channel}${key === undefined ? "" : `?key=${key}`}`;

/** Starts a camera that goes on. */
async function publish(channel: string): Promise<ChildProcess> {
  const child = camera.start(testPicture(address(channel, await keyOf(channel))));
  publishing.push(child);
  return child;
}

/** What ffmpeg says of a server that closes the connection when it is told what is to be published, or played. */
const REFUSED = "Input/output error";
const refusal = async (where: string) => {
  const [command = "", ...words] = testPicture(where, 3);
  return (await camera.run(command, words)).stderr;
};

const get = async (path: string) => {
  const words = ["--silent", "--max-time", "30", "--write-out", "\n%{http_code}", `${PAGE}${path}`];
  const { stdout } = await viewer.run("curl", words);
  const [, body = "", code = ""] = /^([\s\S]*)\n(\d+)$/.exec(stdout) ?? [];
  return { body, code: Number(code) };
};
const codeOf = (path: string) => async () => (await get(path)).code;

describe("the live video service", () => {
  test("has a page for the channels, and no stream yet", async () => {
    await community.switchOn("box", "streaming", { channels: "square meeting", record: true });
    await expectSandboxed(box, "cbox-streaming.service");
    const { body } = await get("/");
    expect(body.match(/data-channel="(square|meeting)"/g)).toHaveLength(2);
    expect(body).not.toMatch(/(src|href)="(https?:)?\/\//);
    expect((await get("/player.js")).body).toContain("addSourceBuffer");
    expect((await get("/hls/square/index.m3u8")).code).toBe(404);
  });

  test("is announced with a name of its own", async () => {
    const { ready } = await announcements(box, image, BOX);
    expect(ready.find(({ s }) => s === "streaming")).toMatchObject({ d: "Live video", p: "8090" });
  });

  test.each([
    ["without a key", "square", undefined],
    ["with a wrong key", "square", "0".repeat(24)],
    ["into a channel that there is not", "other", undefined],
    ["with no name", "", ""],
  ])("refuses publishing %s", async (_how, channel, key) => {
    expect(await refusal(address(channel, key))).toContain(REFUSED);
    expect((await get(`/hls/${channel}/index.m3u8`)).code).not.toBe(200);
  });

  test("accepts a key for its own channel only, and does not give access by a name", async () => {
    const key = await keyOf("meeting");
    expect(key).toMatch(/^[0-9a-f]{24}$/);
    for (const where of [address("square", key), `${address("square", key)}&name=meeting`])
      expect(await refusal(where)).toContain(REFUSED);
    expect(await community.isOpen(8091), "where keys are tried").toBe(false);
    expect((await get(`/publish?name=meeting&key=${key}`)).code).toBe(404);
  });
});

describe("a published stream", () => {
  let child: ChildProcess;
  beforeAll(async () => {
    child = await publish("square");
  });

  test("can be watched by HLS as it was sent, in its size", async () => {
    expect(await until(codeOf("/hls/square/index.m3u8"), (code) => code === 200, 120)).toBe(200);
    const { codecs, streams, packets } = await probe(viewer, `${PAGE}/hls/square/index.m3u8`);
    expect(codecs).toEqual(["aac", "h264"]);
    expect(streams.find(({ codec_name: name }) => name === "h264")).toMatchObject(SIZE);
    expect(packets).toBeGreaterThan(10);
    const { body } = await get("/hls/square/index.m3u8");
    // The oldest may be gone before it is asked for.
    const segment = body.match(/^.*\.ts$/gm)?.at(-1);
    expect((await probe(viewer, `${PAGE}/hls/square/${segment}`)).codecs, segment).toEqual(["aac", "h264"]);
  });

  test("can be watched in segments by the page's own player", async () => {
    const list = await until(
      () => get("/dash/square/index.mpd"),
      ({ body }) => /<S /.test(body),
      120,
    );
    for (const [kind, codec] of [
      ["video", "h264"],
      ["audio", "aac"],
    ] as const) {
      const set =
        new RegExp(
          `<AdaptationSet(?:(?!</AdaptationSet>)[\\s\\S])*mimeType="${kind}/mp4"[\\s\\S]*?</AdaptationSet>`,
        ).exec(list.body)?.[0] ?? "";
      expect(set, list.body).toMatch(/codecs="[a-z0-9.]+"/i);
      const part = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(set)?.[1] ?? "";
      const id = /<Representation\s+id="([^"]*)"/.exec(set)?.[1] ?? "";
      const time = [...set.matchAll(/<S t="(\d+)"/g)].at(-1)?.[1] ?? "";
      const url = (name: string) =>
        `${PAGE}/dash/square/${part(name).replace("$RepresentationID$", id).replace("$Time$", time)}`;
      const { stdout } = await viewer.run("sh", [
        "-euc",
        'curl -sf "$1" "$2" | ffprobe -v error -show_entries stream=codec_name -of csv=p=0 -',
        ...["sh", url("initialization"), url("media")],
      ]);
      expect(stdout.trim(), `${url("initialization")} ${url("media")}`).toBe(codec);
    }
  });

  test("cannot be watched by RTMP, nor found in a listing", async () => {
    const played = await viewer.run("ffprobe", ["-v", "error", address("square")]);
    expect(played.stderr).toContain(REFUSED);
    expect((await get("/hls/")).code).toBe(404);
    expect((await get("/hls/square/")).code).toBe(404);
    expect((await get("/hls/..%2f..%2fetc/passwd")).code).toBeGreaterThanOrEqual(400);
  });

  test("has its key in two files only", async () => {
    const { stdout } = await box.run("du", ["-sk", "/run/cbox-streaming"]);
    console.log("resident KiB:", community.residentKib("box", "nginx"), "pieces:", stdout.trim());
    const key = await keyOf("square");
    const found = await box.run("grep", ["-rlF", key, "/etc", "/usr/local", "/var/lib/community-box"]);
    expect(found.stdout.trim().split("\n").sort()).toEqual([
      "/etc/cbox-streaming/keys.conf",
      "/var/lib/community-box/secrets/streaming.json",
    ]);
  });

  test("ends with the service, which keeps recordings until they are removed", async () => {
    child.kill("SIGKILL");
    await community.switchOff("box", "streaming");
    expect(await community.isOpen(8090)).toBe(false);
    expect(await community.isOpen(1935)).toBe(false);
    const { ready } = await announcements(box, image, BOX);
    expect(ready.map(({ s }) => s)).not.toContain("streaming");
    const recordings = await box.list("/var/lib/cbox-streaming");
    expect(recordings).toEqual([expect.stringMatching(/^square-\d{8}-\d{6}\.flv$/)]);
    const about = ["-v", "error", "-show_entries", "stream=width", "-of", "csv=p=0"];
    const copy = await box.run("base64", [`/var/lib/cbox-streaming/${recordings[0]}`]);
    const { stdout } = await viewer.run("sh", ["-euc", 'base64 -d | ffprobe "$@" -', "sh", ...about], {
      input: copy.stdout,
    });
    expect(stdout).toContain(String(SIZE.width));
    expect(await removeData({ box, image }, findService("streaming")!)).toEqual([
      "host: /var/lib/cbox-streaming",
    ]);
    expect(await box.exists("/var/lib/cbox-streaming")).toBe(false);
  });
});

// SPDX-License-Identifier: GPL-3.0-or-later
// Who publishes live video, and who watches it: Debian's ffmpeg and ffprobe on a host of a lab.
import { videoRoot } from "../../image/video-root.ts";
import type { Lab } from "../lab/lab.ts";
import { type ChrootBox, chrootBox } from "./chroot-box.ts";

/** Of the picture that is published. */
export const SIZE = { width: 320, height: 180 };

export async function videoClient(lab: Lab, host: string): Promise<ChrootBox> {
  return chrootBox(await videoRoot(), lab.place(host).namespace);
}

/** The command that publishes a test picture with sound, for ever or for so many seconds, as OBS would send it. */
export function testPicture(address: string, seconds?: number): string[] {
  const { width, height } = SIZE;
  return [
    ...["ffmpeg", "-nostdin", "-loglevel", "error", "-re"],
    ...["-f", "lavfi", "-i", `testsrc=size=${width}x${height}:rate=10`, "-f", "lavfi", "-i", "sine"],
    ...(seconds === undefined ? [] : ["-t", String(seconds)]),
    ...["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "10"],
    ...["-c:a", "aac", "-b:a", "32k", "-f", "flv", address],
  ];
}

export interface Probed {
  /** Names of the codecs, sorted. */
  readonly codecs: readonly string[];
  readonly streams: readonly {
    readonly codec_name: string;
    readonly width?: number;
    readonly height?: number;
  }[];
  /** How many there are in the first three seconds. */
  readonly packets: number;
}

/** What ffprobe makes of an address. */
export async function probe(viewer: ChrootBox, address: string): Promise<Probed> {
  const show = ["-show_streams", "-show_entries", "packet=pts_time", "-read_intervals", "%+3"];
  const words = ["-v", "error", "-of", "json", ...show, address];
  const { stdout } = await viewer.run("ffprobe", words, { timeout: 600_000 });
  const { streams = [], packets = [] } = JSON.parse(stdout || "{}") as {
    streams?: Probed["streams"];
    packets?: unknown[];
  };
  return { codecs: streams.map(({ codec_name: name }) => name).sort(), streams, packets: packets.length };
}

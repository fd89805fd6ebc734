// SPDX-License-Identifier: GPL-3.0-or-later
// Names of container images as compose files of the catalogue write them: NAME:TAG, and better NAME:TAG@DIGEST. Whoever
// holds the name in a registry can let a tag point to something else; a digest names the same bytes for ever.
import type { Service } from "./service.ts";

export interface ContainerImage {
  /** With the registry, where one is written: "mariadb", "ghcr.io/home-assistant/home-assistant". */
  readonly name: string;
  readonly tag?: string;
  /** As written; {@link IS_DIGEST} tells whether it is one. */
  readonly digest?: string;
}

/** Of the index of an image (its manifest list), which names a manifest for each architecture. */
export const IS_DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Takes the words apart; whether a registry has such an image is not looked at. */
export function readImageName(text: string): ContainerImage {
  const [tagged = "", ...rest] = text.split("@");
  // A colon before the last slash is that of the registry's port.
  const [, name = tagged, tag] = /^(.*):([^/:]*)$/.exec(tagged) ?? [];
  return {
    name,
    ...(tag === undefined ? {} : { tag }),
    ...(rest.length ? { digest: rest.join("@") } : {}),
  };
}

/** "NAME:TAG", which is what a registry is asked for. */
export function withoutDigest(image: string): string {
  return image.split("@")[0] ?? image;
}

/** A line of a compose file that names an image: what stands before, the quotation mark, the name. */
const IMAGE_LINE = /^([ \t]*(?:-[ \t]+)?image:[ \t]*)(["']?)([^\s"'#]+)\2[ \t]*(?:#.*)?$/gm;

/** The images that the compose file of a service names, as written. None of a project of the owner's. */
export function imagesOf({ compose, templates }: Pick<Service, "compose" | "templates">): string[] {
  const text = templates[compose?.file ?? ""] ?? "";
  return [...new Set([...text.matchAll(IMAGE_LINE)].map(([, , , image = ""]) => image))];
}

/** Those of {@link imagesOf} that have no digest: the box takes what their tags point to on the day. */
export function imagesByTag(service: Pick<Service, "compose" | "templates">): string[] {
  return imagesOf(service).filter((image) => readImageName(image).digest === undefined);
}

/** The compose file with this digest beside every line's `tagged` ("NAME:TAG"); the same text when it is there. */
export function writeDigest(text: string, tagged: string, digest: string): string {
  return text.replace(IMAGE_LINE, (line, before: string, quote: string, image: string) => {
    if (withoutDigest(image) !== tagged) return line;
    const start = before.length + quote.length;
    return `${line.slice(0, start)}${tagged}@${digest}${line.slice(start + image.length)}`;
  });
}

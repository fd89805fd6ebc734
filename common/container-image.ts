// SPDX-License-Identifier: GPL-3.0-or-later
// Names of container images in the catalogue's compose files: NAME:TAG, or better NAME:TAG@DIGEST. The owner of a
// name in a registry can change what a tag refers to; a digest always means the same bytes.
import type { Service } from "./service.ts";

export interface ContainerImage {
  /** With the registry, if given: "mariadb", "ghcr.io/home-assistant/home-assistant". */
  readonly name: string;
  readonly tag?: string;
  /** As written; {@link IS_DIGEST} validates it. */
  readonly digest?: string;
}

/** Of an image's index (its manifest list), which has a manifest for each architecture. */
export const IS_DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Splits the name; does not check whether the image exists. */
export function readImageName(text: string): ContainerImage {
  const [tagged = "", ...rest] = text.split("@");
  // A colon before the last slash belongs to the registry's port.
  const [, name = tagged, tag] = /^(.*):([^/:]*)$/.exec(tagged) ?? [];
  return {
    name,
    ...(tag === undefined ? {} : { tag }),
    ...(rest.length ? { digest: rest.join("@") } : {}),
  };
}

/** "NAME:TAG", as requested from a registry. */
export function withoutDigest(image: string): string {
  return image.split("@")[0] ?? image;
}

/** A line of a compose file with an image: prefix, quotation mark, name. */
const IMAGE_LINE = /^([ \t]*(?:-[ \t]+)?image:[ \t]*)(["']?)([^\s"'#]+)\2[ \t]*(?:#.*)?$/gm;

/** The images in a service's compose file, as written. Empty for the owner's projects. */
export function imagesOf({ compose, templates }: Pick<Service, "compose" | "templates">): string[] {
  const text = templates[compose?.file ?? ""] ?? "";
  return [...new Set([...text.matchAll(IMAGE_LINE)].map(([, , , image = ""]) => image))];
}

/** Those of {@link imagesOf} without a digest: the box uses what their tags refer to at that time. */
export function imagesByTag(service: Pick<Service, "compose" | "templates">): string[] {
  return imagesOf(service).filter((image) => readImageName(image).digest === undefined);
}

/** The compose file with this digest at every line with `tagged` ("NAME:TAG"); unchanged if it is there. */
export function writeDigest(text: string, tagged: string, digest: string): string {
  return text.replace(IMAGE_LINE, (line, before: string, quote: string, image: string) => {
    if (withoutDigest(image) !== tagged) return line;
    const start = before.length + quote.length;
    return `${line.slice(0, start)}${tagged}@${digest}${line.slice(start + image.length)}`;
  });
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Names of container images in compose files: taken apart, found, and given a digest without any other change.
import { describe, expect, it } from "vitest";
import { imagesByTag, imagesOf, readImageName, writeDigest } from "../../../common/container-image.ts";
import type { Service } from "../../../common/service.ts";

const [OLD, NEW] = ["1a", "2b"].map((two) => `sha256:${two.repeat(32)}`) as [string, string];

describe("an image's name", () => {
  it.each([
    ["mariadb", { name: "mariadb" }],
    ["mariadb:11.4.7", { name: "mariadb", tag: "11.4.7" }],
    ["registry.lab:5000/a/b", { name: "registry.lab:5000/a/b" }],
    ["registry.lab:5000/a/b:1", { name: "registry.lab:5000/a/b", tag: "1" }],
    [`ghcr.io/a/b:1@${OLD}`, { name: "ghcr.io/a/b", tag: "1", digest: OLD }],
    [`a@${OLD}`, { name: "a", digest: OLD }],
    ["a:1@", { name: "a", tag: "1", digest: "" }],
  ])("%s is split into name, tag and digest", (text, parts) => {
    expect(readImageName(text)).toEqual(parts);
  });
});

const FILE = `services:
  web:
    image: wiki:1 # the page
    command: ["image: wiki:1"]
  more:
    image: "wiki:1@${OLD}"
  other:
    image: wiki:10
  far:
    image: 'registry.lab/wiki:1'
  # image: wiki:1
`;
const service = (text: string) =>
  ({ compose: { file: "c.hbs" }, templates: { "c.hbs": text } }) as unknown as Service;

describe("a compose file", () => {
  it("lists its images as they are written", () => {
    expect(imagesOf(service(FILE))).toEqual(["wiki:1", `wiki:1@${OLD}`, "wiki:10", "registry.lab/wiki:1"]);
    expect(imagesByTag(service(FILE))).toEqual(["wiki:1", "wiki:10", "registry.lab/wiki:1"]);
  });

  it("of the owner's adds no image to the catalogue", () => {
    expect(imagesByTag({ compose: { file: "compose.yaml.hbs" }, templates: {} })).toEqual([]);
  });

  it("gets a digest after each occurrence of the tag, and stays unchanged otherwise", () => {
    const written = writeDigest(FILE, "wiki:1", NEW);
    expect(written).toBe(
      FILE.replace("image: wiki:1 #", `image: wiki:1@${NEW} #`).replace(`wiki:1@${OLD}`, `wiki:1@${NEW}`),
    );
    expect(writeDigest(written, "wiki:1", NEW)).toBe(written);
  });
});

// SPDX-License-Identifier: GPL-3.0-or-later
// What a registry of container images may answer beyond what Debian's does (image-digests.integration): busy, without the
// digest in its headers, or nothing that a registry says.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { expect, it, onTestFinished } from "vitest";
import { askTag, tokenIn } from "../../../../image/services/registry.ts";
import { failureOf } from "../../../failure-of.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";
const DIGEST = `sha256:${"5a".repeat(32)}`;
type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** NAME:TAG at a server that answers so. */
async function imageAt(answer: Answer): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}/community/wiki:1.0`;
}

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_request, response) =>
    response.writeHead(code, headers).end();

it("askTag requests indexes and manifests of both kinds by HEAD, which does not count as a pull", async () => {
  const seen: string[] = [];
  const image = await imageAt((request, response) => {
    seen.push(`${request.method} ${request.url}`, String(request.headers.accept));
    response
      .writeHead(200, { "Docker-Content-Digest": DIGEST, "Content-Type": `${INDEX}; charset=utf-8` })
      .end();
  });
  expect(await askTag(image)).toEqual({ digest: DIGEST, isIndex: true });
  expect(seen).toEqual([
    "HEAD /v2/community/wiki/manifests/1.0",
    [
      ...[
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
      ],
      ...[
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
      ],
    ].join(", "),
  ]);
});

it("askTag hashes the manifest where the registry sends no digest", async () => {
  const bytes = '{"schemaVersion":2}';
  const image = await imageAt((_request, response) => {
    response.writeHead(200, { "Content-Type": INDEX }).end(bytes);
  });
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  expect(await askTag(image)).toEqual({ digest, isIndex: true });
});

it.each<[string, Answer, RegExp, RegExp]>([
  ["is busy", status(429), /^status 429$/, /again, later/],
  ["has a fault", status(503), /^status 503$/, /again, later/],
  [
    "names a digest that is none",
    status(200, { "Docker-Content-Digest": "sha256:5a", "Content-Type": INDEX }),
    /^the digest "sha256:5a"$/,
    /registry of container images/,
  ],
  [
    "is a web site",
    status(200, { "Docker-Content-Digest": DIGEST, "Content-Type": "text/html" }),
    /^a manifest of the type "text\/html"$/,
    /registry of container images/,
  ],
  [
    "has its tokens at no address",
    status(401, { "WWW-Authenticate": 'Bearer realm="nowhere",service="x"' }),
    /^the address of its tokens "nowhere"$/,
    /registry of container images/,
  ],
  [
    "sends more than a manifest",
    (request, response) => {
      response.writeHead(200, { "Content-Type": INDEX });
      response.end(request.method === "HEAD" ? undefined : Buffer.alloc(5 * 1024 * 1024));
    },
    /^more than 4194304 bytes$/,
    /over the Internet/,
  ],
])("a registry that %s is reported with what it sent", async (_what, answer, found, hint) => {
  expect(await failureOf(async () => askTag(await imageAt(answer)))).toMatchObject({
    code: "image-registry",
    found: expect.stringMatching(found),
    hint: expect.stringMatching(hint),
  });
});

it("askTag sends its token to the registry only, and asks for it once", async () => {
  const seen: string[] = [];
  const image = await imageAt((request, response) => {
    const { authorization = "" } = request.headers;
    seen.push(`${request.method} ${request.url?.replace(/\?.*/, "")} ${authorization}`.trim());
    if (request.url?.startsWith("/token")) {
      expect(new URL(request.url, "http://x").searchParams.get("scope")).toBe(
        "repository:community/wiki:pull",
      );
      return response.end('{"access_token":"abc"}');
    }
    if (authorization === "Bearer abc") return response.writeHead(404).end();
    const realm = `http://${request.headers.host}/token`;
    return response.writeHead(401, { "WWW-Authenticate": `Basic realm="x", Bearer realm="${realm}"` }).end();
  });
  expect((await failureOf(() => askTag(image))).code).toBe("image-unknown");
  expect(seen).toEqual([
    "HEAD /v2/community/wiki/manifests/1.0",
    "GET /token",
    "HEAD /v2/community/wiki/manifests/1.0 Bearer abc",
    "GET /v2/community/wiki/tags/list Bearer abc",
  ]);
});

it("tokenIn reads any answer", () => {
  expect(tokenIn('{"token":"abc","access_token":"def"}')).toBe("abc");
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      expect(tokenIn(text) ?? "a").toMatch(/^[\x21-\x7e]+$/);
    }),
  );
  for (const text of ["null", '{"token":"a\\r\\nb"}', '{"token":["abc"]}', ""])
    expect(tokenIn(text)).toBeUndefined();
});

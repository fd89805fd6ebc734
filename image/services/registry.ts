// SPDX-License-Identifier: GPL-3.0-or-later
// Asks a registry of container images what a tag points to today, by its HTTP API (OCI distribution specification
// 1.1; for tokens, "Token Authentication Specification" of distribution). Nobody signs in: boxes fetch without an
// account, too.
import { createHash } from "node:crypto";
import { IS_DIGEST, readImageName } from "../../common/container-image.ts";
import { Failure, fail } from "../../common/fail.ts";

/** What a tag points to. */
export interface TagTarget {
  /** "sha256:" and 64 hexadecimal digits. */
  readonly digest: string;
  /** It names a manifest for each of several architectures; else it is the image of one. */
  readonly isIndex: boolean;
}

const INDEXES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];
const MANIFESTS = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];
const TIMEOUT_MS = 60_000;
/** A registry has to take manifests of this size; larger ones need not be expected. */
const MOST_BYTES = 4 * 1024 * 1024;
const DOCKER_HUB = "registry-1.docker.io";

/**
 * `image`: NAME:TAG. Fails with `image-registry` (not reached, or not answering as a registry does), `image-login`,
 * `image-unknown`, `image-tag`.
 */
export async function askTag(image: string): Promise<TagTarget> {
  const { name, tag = "latest" } = readImageName(image);
  const registry = registryOf(name);
  const manifest = `manifests/${encodeURIComponent(tag)}`;
  const headers = { Accept: [...INDEXES, ...MANIFESTS].join(", ") };
  const ask = asker(image, registry);
  const head = await ask(manifest, { method: "HEAD", headers });
  if (head.status === 404) return missing(image, registry, (await ask("tags/list?n=1")).status);
  if (!head.ok) return odd(image, registry, `status ${head.status}`);
  const said = head.headers.get("docker-content-digest");
  // Not every registry says it; it is that of the bytes.
  const digest = said ?? digestOf(await bytesOf(registry, await ask(manifest, { headers })));
  if (!IS_DIGEST.test(digest)) return odd(image, registry, `the digest ${JSON.stringify(digest)}`);
  const type = head.headers.get("content-type")?.split(";")[0]?.trim() ?? "";
  if (![...INDEXES, ...MANIFESTS].includes(type))
    return odd(image, registry, `a manifest of the type ${JSON.stringify(type)}`);
  return { digest, isIndex: INDEXES.includes(type) };
}

interface Registry {
  /** As a person knows it. */
  readonly host: string;
  /** Address of the image there, with a slash at its end. */
  readonly url: string;
  readonly repository: string;
  /** On this machine, where HTTP will do: Docker does the same. */
  readonly isLocal: boolean;
}

/** Where an image is, by the rules of Docker: without a registry in its name at Docker Hub. */
function registryOf(name: string): Registry {
  const [first = "", ...rest] = name.split("/");
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const isHub = !isHost || first === "docker.io" || first === "index.docker.io";
  const path = isHost ? rest : [first, ...rest];
  const repository = (isHub && path.length === 1 ? ["library", ...path] : path).join("/");
  const host = isHub ? DOCKER_HUB : first;
  const isLocal = /^(localhost|127(\.\d+){3})(:\d+)?$/.test(host);
  const encoded = repository.split("/").map(encodeURIComponent).join("/");
  return { host, repository, isLocal, url: `${isLocal ? "http" : "https"}://${host}/v2/${encoded}/` };
}

type Ask = (path: string, request?: RequestInit) => Promise<Response>;

/** Gets itself a token for those who do not sign in, where the registry wants one. */
function asker(image: string, registry: Registry): Ask {
  let authorization: string | undefined;
  return async (path, request = {}) => {
    const url = registry.url + path;
    const once = () => {
      const headers = new Headers(request.headers);
      if (authorization !== undefined) headers.set("Authorization", authorization);
      return reach(registry.host, url, { ...request, headers });
    };
    const first = await once();
    if (first.status !== 401 && first.status !== 403) return first;
    const challenge = first.headers.get("www-authenticate") ?? "";
    if (first.status === 403 || authorization !== undefined) return login(image, registry, challenge);
    authorization = `Bearer ${await tokenFor(image, registry, challenge)}`;
    const second = await once();
    return second.status === 401 || second.status === 403 ? login(image, registry, challenge) : second;
  };
}

/** By the words of its answer: Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="…". */
async function tokenFor(image: string, registry: Registry, challenge: string): Promise<string> {
  const [, words] = /\bBearer +((?:\w+="[^"]*"(?:, *)?)+)/i.exec(challenge) ?? [];
  if (words === undefined) return login(image, registry, challenge);
  const named = new Map(
    [...words.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [key, value]),
  );
  const realm = named.get("realm") ?? "";
  if (!(URL.canParse(realm) && (/^https:/i.test(realm) || registry.isLocal)))
    return odd(image, registry, `the address of its tokens ${JSON.stringify(realm)}`);
  const url = new URL(realm);
  const service = named.get("service");
  if (service !== undefined) url.searchParams.set("service", service);
  url.searchParams.set("scope", named.get("scope") ?? `repository:${registry.repository}:pull`);
  const answer = await reach(url.host, url.href, {});
  if ([401, 403, 404].includes(answer.status)) return login(image, registry, challenge);
  if (!answer.ok) return odd(image, registry, `status ${answer.status} at ${url.host}`);
  const text = (await bytesOf(registry, answer)).toString("utf8");
  const token = tokenIn(text);
  return token ?? odd(image, registry, `no token at ${url.host}`);
}

/** Undefined where there is none that a header could have. */
export function tokenIn(text: string): string | undefined {
  try {
    const { token, access_token: other } = JSON.parse(text) as { token?: unknown; access_token?: unknown };
    const found = token ?? other;
    return typeof found === "string" && /^[\x21-\x7e]+$/.test(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Tries twice before it fails. */
async function reach(host: string, url: string, request: RequestInit): Promise<Response> {
  const once = () => fetch(url, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) });
  try {
    return await once().catch(once);
  } catch (error) {
    return unreached(host, error);
  }
}

function unreached(host: string, error: unknown): never {
  const { message, cause } = error as Error;
  const { code, message: why } = (cause ?? {}) as { readonly code?: string; readonly message?: string };
  return fail(
    {
      code: "image-registry",
      what: `The registry ${host} could not be reached.`,
      found: [code, why || message].filter(Boolean).join(": "),
      hint: "This machine has to reach it over the Internet. When it does, the same command again.",
    },
    { cause: error },
  );
}

async function bytesOf({ host }: Registry, response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > MOST_BYTES) throw new Error(`more than ${MOST_BYTES} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    return unreached(host, error);
  }
  return Buffer.concat(chunks);
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** `status`: what the registry says to the question for any of the image's tags. */
function missing(image: string, { host, repository }: Registry, status: number): never {
  if (status === 404)
    return fail({
      code: "image-unknown",
      what: `The registry ${host} has no image ${repository}.`,
      found: image,
      hint: "Correct the name in the compose file, or look at the project's pages where its images are now.",
    });
  return fail({
    code: "image-tag",
    what: `The registry ${host} has no tag ${readImageName(image).tag} of ${repository} any more.`,
    found: image,
    hint: "Write a version that is there into the compose file, without a digest, then the same command again.",
  });
}

function login(image: string, { host, repository }: Registry, challenge: string): never {
  return fail({
    code: "image-login",
    what: `The registry ${host} shows ${repository} to nobody who does not sign in, or has no such image.`,
    found: `${image}: ${challenge || "no way to sign in is said"}`,
    hint: "Boxes sign in nowhere: name an image that everybody may fetch.",
  });
}

function odd(image: string, { host }: Registry, found: string): never {
  const isBusy = found.startsWith("status 429") || /^status 5/.test(found);
  return fail({
    code: "image-registry",
    what: `The registry ${host} did not say which digest ${image} has.`,
    found,
    hint: isBusy
      ? "It is busy, or was asked too often from this address. The same command again, later."
      : "Look whether that address is a registry of container images.",
  });
}

/** Whether the registry itself is the trouble, so that its other images need not be asked for. */
export function isUnreached(error: unknown): error is Failure {
  return error instanceof Failure && error.code === "image-registry" && error.cause !== undefined;
}

export const hostOf = (image: string) => registryOf(readImageName(image).name).host;

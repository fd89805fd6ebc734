// SPDX-License-Identifier: GPL-3.0-or-later
// The box's two ways to ask a server: HTTP and an LDAP bind. What goes over the wire may be secret, so nothing of it
// is logged here; failures name the host alone.

import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { rootCertificates } from "node:tls";
import { fail } from "../common/fail.ts";
import type { HttpRequest, HttpResponse, LdapBind, TlsTrust } from "./box.ts";
import { sayFound } from "./found-text.ts";

const HTTP_TIMEOUT = 15_000;
const MAX_BYTES = 1024 * 1024;

/** See {@link Box.request}. */
export function exchange(wanted: HttpRequest, signal?: AbortSignal): Promise<HttpResponse> {
  const { method, url, headers = {}, body, timeout = HTTP_TIMEOUT, maxBytes = MAX_BYTES, tls } = wanted;
  const { protocol, hostname: host } = new URL(url);
  const isSecure = protocol === "https:";
  return new Promise((resolve, reject) => {
    const rejectWith = (make: () => never) => {
      try {
        make();
      } catch (error) {
        reject(error);
      }
    };
    const options = {
      method,
      headers: { ...headers, ...(body ? { "Content-Length": String(body.length) } : {}) },
      agent: false as const,
      ...(isSecure ? tlsOptions(tls) : {}),
    };
    const request = (isSecure ? httpsRequest : httpRequest)(url, options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size <= maxBytes) return;
        rejectWith(() => tooLarge(host, maxBytes));
        request.destroy();
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
      response.on("error", (error) => rejectWith(() => failConnection(host, error)));
    });
    const timer = setTimeout(() => {
      rejectWith(() => tooSlow(host, timeout));
      request.destroy();
    }, timeout);
    request.on("close", () => {
      clearTimeout(timer);
      // After a whole answer this changes nothing.
      rejectWith(() => failConnection(host, new Error("the connection was closed")));
    });
    request.on("error", (error) => rejectWith(() => failConnection(host, error)));
    signal?.addEventListener("abort", () => request.destroy(new Error("stopped")), { once: true });
    request.end(body);
  });
}

export function tlsOptions(trust: TlsTrust = {}) {
  const { authorities = [], verify = true } = trust;
  return {
    rejectUnauthorized: verify,
    // A list that is given takes the place of the one that OpenSSL has by default.
    ...(authorities.length ? { ca: [...systemAuthorities(), ...authorities] } : {}),
  };
}

/** What OpenSSL trusts on this machine, with what its owner added (update-ca-certificates); else Node's own list. */
function systemAuthorities(): readonly string[] {
  try {
    const pem = readFileSync(process.env.SSL_CERT_FILE ?? "/etc/ssl/certs/ca-certificates.crt", "utf8");
    if (pem.includes("-----BEGIN CERTIFICATE-----")) return [pem];
  } catch {
    // A machine without them.
  }
  return rootCertificates;
}

/** See {@link Box.ldapBind}. An account that is accepted but may not look around (32 on a search) is accepted. */
export async function ldapBind({
  url,
  dn,
  password,
  timeout,
  tls,
}: LdapBind): Promise<"accepted" | "refused"> {
  // A bind without a password is an anonymous one, and succeeds for everybody (RFC 4513, 5.1.2).
  if (password === "") return "refused";
  // Loaded when needed: half of the boxes never ask.
  const { Client, InvalidCredentialsError, ResultCodeError } = await import("ldapts");
  const { hostname: host } = new URL(url);
  const client = new Client({ url, connectTimeout: timeout, timeout, tlsOptions: tlsOptions(tls) });
  try {
    await client.bind(dn, password);
    return "accepted";
  } catch (error) {
    if (error instanceof InvalidCredentialsError) return "refused";
    if (error instanceof ResultCodeError) {
      return fail({
        code: "ldap-error",
        what: `The directory ${host} did not answer as it should.`,
        found: `LDAP result ${error.code}`,
        hint: "Try again later.",
      });
    }
    const failure = error as NodeJS.ErrnoException;
    if (/time(d )?out/i.test(failure.message)) return tooSlow(host, timeout);
    return failConnection(host, failure);
  } finally {
    await client.unbind().catch(() => {});
  }
}

/** Node's and OpenSSL's codes for a certificate that is not to be trusted. */
export function isCertificateError({ code = "" }: NodeJS.ErrnoException): boolean {
  return /CERT|^ERR_TLS|^ERR_SSL|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|EPROTO/.test(code);
}

export function failConnection(host: string, error: NodeJS.ErrnoException): never {
  if (isCertificateError(error)) {
    return fail({
      code: "server-untrusted",
      what: `The certificate of ${host} cannot be trusted.`,
      found: `${host}: ${error.code}`,
      hint: "If the community has an authority of its own, put its certificate as ca.pem on the CBOX-BOOT partition. A clock that is wrong has the same effect.",
    });
  }
  return fail({
    code: "server-unreachable",
    what: `${host} cannot be reached.`,
    found: `${host}: ${error.code ?? error.message.split("\n", 1).join("")}`,
    hint: "Check the network and try again.",
  });
}

export function tooSlow(host: string, timeout: number): never {
  return fail({
    code: "server-slow",
    what: `${host} does not answer.`,
    ...sayFound("found.slow", { host, seconds: timeout / 1000 }),
    hint: "Try again later.",
  });
}

function tooLarge(host: string, maxBytes: number): never {
  return fail({
    code: "reply-too-large",
    what: `The answer of ${host} is too large to be right.`,
    ...sayFound("found.more-than", { size: Math.round(maxBytes / 1024) }),
    hint: "Try again later; if it stays so, tell the community.",
  });
}

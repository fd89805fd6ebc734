// SPDX-License-Identifier: GPL-3.0-or-later
// HTTP requests and LDAP binds. Their content may be secret, so it is not logged; failures name only the host.

import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { rootCertificates, connect as tlsConnect } from "node:tls";
import { fail } from "../../common/fail.ts";
import type { HttpRequest, HttpResponse, LdapBind, TlsTrust } from "./box.ts";
import { sayFound } from "./found-text.ts";
import { type BindReply, bindRequest, LONGEST_REPLY, readBindReply, UNBIND_REQUEST } from "./ldap-message.ts";

const HTTP_TIMEOUT = 15_000;
const MAX_BYTES = 1024 * 1024;
const LDAPS_PORT = 636;
/** Result codes of LDAP (RFC 4511, appendix A). */
const SUCCESS = 0;
const INVALID_CREDENTIALS = 49;

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
      // No effect after a complete answer.
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
    // A given list replaces OpenSSL's default list.
    ...(authorities.length ? { ca: [...systemAuthorities(), ...authorities] } : {}),
  };
}

/** OpenSSL's authorities on this machine, including those added by update-ca-certificates; else Node's list. */
function systemAuthorities(): readonly string[] {
  try {
    const pem = readFileSync(process.env.SSL_CERT_FILE ?? "/etc/ssl/certs/ca-certificates.crt", "utf8");
    if (pem.includes("-----BEGIN CERTIFICATE-----")) return [pem];
  } catch {
    // The machine does not have this file.
  }
  return rootCertificates;
}

/** See {@link Box.ldapBind}. The first message decides; at most {@link LONGEST_REPLY} bytes are kept. */
export async function ldapBind({
  url,
  dn,
  password,
  timeout,
  tls,
}: LdapBind): Promise<"accepted" | "refused"> {
  // A bind without a password is anonymous, and always succeeds (RFC 4513, 5.1.2).
  if (password === "") return "refused";
  const { hostname: host, port } = new URL(url);
  const reply = await new Promise<BindReply>((resolve, reject) => {
    const socket = tlsConnect({ host, port: Number(port || LDAPS_PORT), ...tlsOptions(tls) });
    const stopWith = (error: unknown) => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const isLate = () => stopWith(failureIn(() => tooSlow(host, timeout)));
    let timer = setTimeout(isLate, timeout);
    let received: Buffer = Buffer.alloc(0);
    socket.on("secureConnect", () => {
      clearTimeout(timer);
      timer = setTimeout(isLate, timeout);
      socket.write(bindRequest(dn, password));
    });
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const answer = readBindReply(received);
      if (answer.kind === "incomplete") return;
      clearTimeout(timer);
      resolve(answer);
      if (answer.kind !== "result") return socket.destroy();
      socket.pause();
      socket.write(UNBIND_REQUEST);
      socket.destroySoon();
    });
    socket.on("error", (error) => stopWith(failureIn(() => failConnection(host, error))));
    // No effect after an answer.
    socket.on("close", () =>
      stopWith(failureIn(() => failConnection(host, new Error("the connection was closed")))),
    );
  });
  if (reply.kind === "too-large") return tooLarge(host, LONGEST_REPLY);
  if (reply.kind === "result" && reply.code === SUCCESS) return "accepted";
  if (reply.kind === "result" && reply.code === INVALID_CREDENTIALS) return "refused";
  return fail({
    code: "ldap-error",
    what: `The directory ${host} did not answer as it should.`,
    ...(reply.kind === "result"
      ? { found: `LDAP result ${reply.code}` }
      : sayFound("found.no-bind-reply", { host })),
    hint: "Try again later.",
  });
}

/** The failure that the work throws. */
function failureIn(work: () => never): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

/** Error codes of Node and OpenSSL for an untrusted certificate. */
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

// SPDX-License-Identifier: GPL-3.0-or-later
// Gives anonymous tokens for a registry of container images, as Docker Hub does: they allow to pull what is below
// "community/", and nothing else.
import { sign, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";

/** Its name, as the registry knows it. */
const ISSUER = "lab";
const [cert, key] = [readFileSync("/srv/tls.crt"), readFileSync("/srv/tls.key")];
const encode = (data: unknown) => Buffer.from(JSON.stringify(data)).toString("base64url");

createServer({ cert, key }, ({ url = "/" }, response) => {
  const { searchParams } = new URL(url, "https://tokens.lab");
  const header = { typ: "JWT", alg: "ES256", x5c: [new X509Certificate(cert).raw.toString("base64")] };
  const [type, name = "", actions = ""] = (searchParams.get("scope") ?? "").split(":");
  const isOpen = type === "repository" && name.startsWith("community/") && actions === "pull";
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    ...{ iss: ISSUER, sub: "", aud: searchParams.get("service") ?? "", jti: String(now) },
    ...{ iat: now, nbf: now - 60, exp: now + 300 },
    access: isOpen ? [{ type, name, actions: ["pull"] }] : [],
  };
  const signed = `${encode(header)}.${encode(claims)}`;
  const signature = sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" });
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify({ token: `${signed}.${signature.toString("base64url")}` }));
}).listen(443, "0.0.0.0", () => console.log("tokens are ready"));

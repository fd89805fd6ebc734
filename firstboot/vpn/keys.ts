// SPDX-License-Identifier: GPL-3.0-or-later
// RSA keys for tinc 1.0: the box's own, generated on the box and kept, and those of the peers.

import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import type { Box } from "../host/box.ts";
import { vpnPaths } from "./paths.ts";

const MIN_BITS = 2048;
const MAX_BITS = 8192;
/** A larger public exponent only makes every connection slow. */
const MAX_EXPONENT = 2n ** 32n;
const MAX_CHARACTERS = 4096;
const PUBLIC_KEY = /-----BEGIN (RSA )?PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END \1PUBLIC KEY-----/;

/** The public key in a text, converted to PKCS #1 PEM; undefined if there is none that is strong enough. */
export function readPublicKey(text: string): string | undefined {
  if (text.length > MAX_CHARACTERS) return undefined;
  const [pem] = PUBLIC_KEY.exec(text) ?? [];
  const key = pem === undefined ? undefined : attempt(() => createPublicKey(pem));
  return key && isStrong(key) ? publicPem(key) : undefined;
}

/** The public key of a private key in PEM; undefined if that is damaged or weak. */
export function publicHalf(privatePem: string): string | undefined {
  const key = attempt(() => createPrivateKey(privatePem));
  return key && isStrong(key) ? publicPem(createPublicKey(key)) : undefined;
}

/** The box's key for a network: the existing one if valid, else a new one. */
export async function ownKey(
  box: Box,
  network: string,
): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  const path = vpnPaths(network).privateKey;
  const kept = (await box.readFile(path)) ?? "";
  const keptPublic = publicHalf(kept);
  if (keptPublic) return { privateKey: kept, publicKey: keptPublic };
  const privateKey = await box.rsaPrivateKey();
  await box.writeFile(path, privateKey, { mode: 0o600 });
  return { privateKey, publicKey: publicHalf(privateKey) ?? "" };
}

function isStrong({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): boolean {
  const { modulusLength: bits = 0, publicExponent = 0n } = asymmetricKeyDetails;
  if (asymmetricKeyType !== "rsa" || bits < MIN_BITS || bits > MAX_BITS) return false;
  return publicExponent >= 3n && publicExponent % 2n === 1n && publicExponent <= MAX_EXPONENT;
}

function publicPem(key: KeyObject): string {
  return key.export({ type: "pkcs1", format: "pem" }).toString();
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

// SPDX-License-Identifier: GPL-3.0-or-later
// What a server of the lab asks of an authority, and of which.

export type Authority = "lab" | "stranger";

/** What a server is to be known by. */
export interface CertificateRequest {
  readonly names: readonly string[];
  /** IPv4 address. */
  readonly address?: string | undefined;
}

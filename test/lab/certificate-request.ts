// SPDX-License-Identifier: GPL-3.0-or-later
// The certificate that a server of the lab requests, and from which authority.

export type Authority = "lab" | "stranger";

/** The names and addresses for the certificate of a server. */
export interface CertificateRequest {
  readonly names: readonly string[];
  /** IPv4 address. */
  readonly address?: string | undefined;
}

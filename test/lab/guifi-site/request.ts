// SPDX-License-Identifier: GPL-3.0-or-later
// A request to the stand-in for the Guifi web application, and its answer.

export interface SiteRequest {
  readonly method: string;
  readonly path: string;
  /** As it came, without the question mark. */
  readonly query: string;
  /** Names with their spelling. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly now: Date;
}

export interface SiteResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

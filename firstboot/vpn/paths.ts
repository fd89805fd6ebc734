// SPDX-License-Identifier: GPL-3.0-or-later
// Paths of a VPN on the box. Names must be validated before, so that no path leads elsewhere.

export const TINC = "/etc/tinc";

/** 1 to 15 letters, digits and underscores: it is also the name of the interface. */
export const NETWORK_NAME = /^[A-Za-z0-9_]{1,15}$/;

/** Timer that asks the rendezvous again every hour. */
export const ASK_AGAIN = "cbox-vpn.timer";
/** Timer that notifies tincd after the clock was set. */
export const CLOCK_WATCH = "cbox-vpn-clock.timer";

export interface VpnPaths {
  readonly directory: string;
  /** A new directory that is not complete yet. */
  readonly next: string;
  readonly privateKey: string;
  readonly unit: string;
}

export function vpnPaths(network: string): VpnPaths {
  if (!NETWORK_NAME.test(network)) throw new Error(`not the name of a VPN: ${network}`);
  const directory = `${TINC}/${network}`;
  return {
    directory,
    next: `${TINC}/.${network}.new`,
    privateKey: `${directory}/rsa_key.priv`,
    unit: `tinc@${network}.service`,
  };
}

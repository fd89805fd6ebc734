// SPDX-License-Identifier: GPL-3.0-or-later
// Where a VPN lives on the box. Only names that passed the check come in here, so that nothing leads elsewhere.

export const TINC = "/etc/tinc";

/** 1 to 15 letters, digits and underscores: also the name of the interface. */
export const NETWORK_NAME = /^[A-Za-z0-9_]{1,15}$/;

/** Asks the rendezvous again, every hour. */
export const ASK_AGAIN = "cbox-vpn.timer";
/** Tells tincd that the clock was set. */
export const CLOCK_WATCH = "cbox-vpn-clock.timer";

export interface VpnPaths {
  readonly directory: string;
  /** A whole directory in the making. */
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

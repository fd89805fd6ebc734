// SPDX-License-Identifier: GPL-3.0-or-later
// The faults of the lab, and switching them: on twice is the same as on once, and off removes all effects.
import { didYouMean } from "../../../common/did-you-mean.ts";
import { fail } from "../../../common/fail.ts";
import { cableFault, type Fault, serverFault } from "../fault.ts";
import { siteFaults } from "../guifi-site/faults.ts";
import type { Lab } from "../lab.ts";
import { changeRecord, readRecord } from "../record.ts";

const DOWN = { isDown: true } as const;
const rendezvousSays = (word: string) => ({ rendezvous: { words: [word] } });
const STRANGER = { authority: "stranger" } as const;
const YEARS_AGO = { words: ["2009-01-01 00:00:00"] } as const;

export const FAULTS: readonly Fault[] = [
  serverFault("ldap-main-down", "the first directory server refuses connections", { ldap: DOWN }),
  serverFault("ldap-down", "both directory servers refuse connections", { ldap: DOWN, ldap2: DOWN }),
  cableFault("ldap-main-silent", "the first directory server does not answer at all", "ldap"),
  serverFault("ldap-bad-certificate", "the directory's certificates are a stranger's", {
    ldap: STRANGER,
    ldap2: STRANGER,
  }),
  ...siteFaults,
  serverFault("dns-dead", "no name can be looked up", { dns: { words: ["--port=0"] } }),
  serverFault("no-dhcp", "no box is given an address", { dns: { words: ["--no-dhcp-interface=eth0"] } }),
  serverFault("rendezvous-down", "the VPN's rendezvous refuses connections", { rendezvous: DOWN }),
  serverFault("rendezvous-refuses", "the rendezvous lets no box into the VPN", rendezvousSays("refuse")),
  serverFault("rendezvous-html", "the rendezvous answers with a web page", rendezvousSays("html")),
  serverFault("rendezvous-truncated", "its answer stops in the middle", rendezvousSays("truncated")),
  serverFault("rendezvous-huge", "its answer has 10 MB", rendezvousSays("huge")),
  serverFault("rendezvous-hostile", "its answer tries to take the box over", rendezvousSays("hostile")),
  serverFault(
    "rendezvous-public-network",
    "it gives addresses that are not private",
    rendezvousSays("public-network"),
  ),
  serverFault("rendezvous-other-key", "it gives the gateway another key", rendezvousSays("other-key")),
  serverFault("gateway-down", "the VPN's gateway refuses connections", { vpn: DOWN }),
  serverFault("time-wrong", "the time server is years behind", { time: YEARS_AGO }),
];

/**
 * Switches a fault on or off.
 * @throws Failure `lab-fault-unknown`, and what starting a server may end with
 */
export async function fault(lab: Lab, name: string, on: boolean, known = FAULTS): Promise<void> {
  const chosen = known.find((other) => other.name === name) ?? unknown(name, known);
  const others = () => activeFaults(lab).filter((other) => other !== name);
  // Recorded as long as any part of it is on, so that an interrupted switch is visible.
  if (on) {
    changeRecord(lab.name, (before) => ({ ...before, faults: [...others(), name] }));
    await chosen.on(lab);
  } else {
    await chosen.off(lab);
    changeRecord(lab.name, (before) => ({ ...before, faults: others() }));
  }
}

/** Names of the faults that are on, in the order they were switched on. */
export function activeFaults(lab: Lab): readonly string[] {
  return readRecord(lab.name)?.faults ?? [];
}

function unknown(name: string, known: readonly Fault[]): never {
  const names = known.map((other) => other.name);
  const meant = didYouMean(name, names);
  return fail({
    code: "lab-fault-unknown",
    what: "The lab knows no such fault.",
    found: name,
    hint: meant ? `did you mean ${meant}?` : `one of ${names.join(", ")}`,
  });
}

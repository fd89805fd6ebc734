// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox network`: the interface and its current addresses.

import { outerAddresses } from "../../contexts/outer-addresses.ts";
import type { Box } from "../../host/box.ts";
import type { StepStatus } from "../../setup/step.ts";

export async function status(box: Box): Promise<StepStatus> {
  const addresses = await outerAddresses(box);
  const isUp = addresses.length > 0;
  return {
    state: isUp ? "works" : "trouble",
    rows: addresses.map(({ interface: name, address, prefix }) => ({
      label: "label.network.address",
      value: `${address}/${prefix} (${name})`,
    })),
    ...(isUp ? {} : { advice: { key: "trouble.no-address.hint", values: {} } as const }),
    data: { addresses: addresses.map(({ interface: name, address, prefix }) => ({ name, address, prefix })) },
  };
}

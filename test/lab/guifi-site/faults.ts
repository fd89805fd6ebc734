// SPDX-License-Identifier: GPL-3.0-or-later
// Faults of the web site. Its state is kept when a fault is switched on or off.
import { type Fault, serverFault } from "../fault.ts";
import type { SiteFault } from "./faulty.ts";
import { SITE_HOST } from "./reader.ts";

const badDay = (name: SiteFault, description: string): Fault =>
  serverFault(name, description, { [SITE_HOST]: { words: [`--fault=${name}`] } });

export const siteFaults: readonly Fault[] = [
  badDay("api-500", "the web site answers everything with an internal error"),
  badDay("api-502", "the web site knows no login for more than a moment"),
  badDay("api-slow", "the web site does what it is asked, and says so after 30 seconds"),
  badDay("api-garbage", "the web site answers with a login page, half an answer, or 10 MB of nothing"),
  badDay("api-hostile", "the web site refuses everything but a login, with words for shells and terminals"),
  serverFault("api-bad-certificate", "the web site's certificate is a stranger's", {
    [SITE_HOST]: { authority: "stranger" },
  }),
  serverFault("api-down", "nothing listens at the web site's address", { [SITE_HOST]: { isDown: true } }),
];

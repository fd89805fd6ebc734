// SPDX-License-Identifier: GPL-3.0-or-later
// The texts of the steps, put together. Written by `npm run docs` from the folders in firstboot/steps/.

import { ca as caContexts } from "../steps/contexts/texts/ca.ts";
import { en as enContexts } from "../steps/contexts/texts/en.ts";
import { es as esContexts } from "../steps/contexts/texts/es.ts";
import { ca as caInstall } from "../steps/install/texts/ca.ts";
import { en as enInstall } from "../steps/install/texts/en.ts";
import { es as esInstall } from "../steps/install/texts/es.ts";
import { ca as caMember } from "../steps/member/texts/ca.ts";
import { en as enMember } from "../steps/member/texts/en.ts";
import { es as esMember } from "../steps/member/texts/es.ts";
import { ca as caNetwork } from "../steps/network/texts/ca.ts";
import { en as enNetwork } from "../steps/network/texts/en.ts";
import { es as esNetwork } from "../steps/network/texts/es.ts";
import { ca as caNode } from "../steps/node/texts/ca.ts";
import { en as enNode } from "../steps/node/texts/en.ts";
import { es as esNode } from "../steps/node/texts/es.ts";
import { ca as caServices } from "../steps/services/texts/ca.ts";
import { en as enServices } from "../steps/services/texts/en.ts";
import { es as esServices } from "../steps/services/texts/es.ts";
import { ca as caSystem } from "../steps/system/texts/ca.ts";
import { en as enSystem } from "../steps/system/texts/en.ts";
import { es as esSystem } from "../steps/system/texts/es.ts";
import { ca as caVpn } from "../steps/vpn/texts/ca.ts";
import { en as enVpn } from "../steps/vpn/texts/en.ts";
import { es as esVpn } from "../steps/vpn/texts/es.ts";
import type { StepNames } from "./translation.ts";

export const ca = {
  ...caContexts,
  ...caInstall,
  ...caMember,
  ...caNetwork,
  ...caNode,
  ...caServices,
  ...caSystem,
  ...caVpn,
};

export const en = {
  ...(enContexts satisfies StepNames<"contexts">),
  ...(enInstall satisfies StepNames<"install">),
  ...(enMember satisfies StepNames<"member">),
  ...(enNetwork satisfies StepNames<"network">),
  ...(enNode satisfies StepNames<"node">),
  ...(enServices satisfies StepNames<"services">),
  ...(enSystem satisfies StepNames<"system">),
  ...(enVpn satisfies StepNames<"vpn">),
};

export const es = {
  ...esContexts,
  ...esInstall,
  ...esMember,
  ...esNetwork,
  ...esNode,
  ...esServices,
  ...esSystem,
  ...esVpn,
};

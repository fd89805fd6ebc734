// SPDX-License-Identifier: GPL-3.0-or-later
// All texts, put together: one folder per language, one file per step and for what belongs to none.

import caCommands from "./ca/commands.json" with { type: "json" };
import caCommon from "./ca/common.json" with { type: "json" };
import caContexts from "./ca/contexts.json" with { type: "json" };
import caErrors from "./ca/errors.json" with { type: "json" };
import caInstall from "./ca/install.json" with { type: "json" };
import caMember from "./ca/member.json" with { type: "json" };
import caNetwork from "./ca/network.json" with { type: "json" };
import caNode from "./ca/node.json" with { type: "json" };
import caServices from "./ca/services.json" with { type: "json" };
import caSystem from "./ca/system.json" with { type: "json" };
import caVpn from "./ca/vpn.json" with { type: "json" };
import enCommands from "./en/commands.json" with { type: "json" };
import enCommon from "./en/common.json" with { type: "json" };
import enContexts from "./en/contexts.json" with { type: "json" };
import enErrors from "./en/errors.json" with { type: "json" };
import enInstall from "./en/install.json" with { type: "json" };
import enMember from "./en/member.json" with { type: "json" };
import enNetwork from "./en/network.json" with { type: "json" };
import enNode from "./en/node.json" with { type: "json" };
import enServices from "./en/services.json" with { type: "json" };
import enSystem from "./en/system.json" with { type: "json" };
import enVpn from "./en/vpn.json" with { type: "json" };
import esCommands from "./es/commands.json" with { type: "json" };
import esCommon from "./es/common.json" with { type: "json" };
import esContexts from "./es/contexts.json" with { type: "json" };
import esErrors from "./es/errors.json" with { type: "json" };
import esInstall from "./es/install.json" with { type: "json" };
import esMember from "./es/member.json" with { type: "json" };
import esNetwork from "./es/network.json" with { type: "json" };
import esNode from "./es/node.json" with { type: "json" };
import esServices from "./es/services.json" with { type: "json" };
import esSystem from "./es/system.json" with { type: "json" };
import esVpn from "./es/vpn.json" with { type: "json" };

/** The reference: its keys are the type of a text. */
export const en = {
  ...enCommon,
  ...enInstall,
  ...enSystem,
  ...enNetwork,
  ...enMember,
  ...enNode,
  ...enVpn,
  ...enContexts,
  ...enServices,
  ...enCommands,
  ...enErrors,
};

export const ca = {
  ...caCommon,
  ...caInstall,
  ...caSystem,
  ...caNetwork,
  ...caMember,
  ...caNode,
  ...caVpn,
  ...caContexts,
  ...caServices,
  ...caCommands,
  ...caErrors,
};

export const es = {
  ...esCommon,
  ...esInstall,
  ...esSystem,
  ...esNetwork,
  ...esMember,
  ...esNode,
  ...esVpn,
  ...esContexts,
  ...esServices,
  ...esCommands,
  ...esErrors,
};

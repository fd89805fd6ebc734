// SPDX-License-Identifier: GPL-3.0-or-later
// The names of the contexts in Incus, in the firewall rules (contexts.nft) and elsewhere on the box. Stable.

/** Name of the context, of its project in Incus, and of its own instance in that project. */
export type ContextId = "owner" | "community";
export const CONTEXTS: readonly ContextId[] = ["owner", "community"];

/** The pool of a context. */
export const poolOf = (id: ContextId) => `cbox-${id}`;
/** The shared pool on a box that was set up before each context had its own. */
export const SHARED_POOL = "cbox";
/** Alias of the template image in Incus. */
export const TEMPLATE = "cbox-context";
/** Its alias until it is completely on the disk. */
export const TEMPLATE_NEW = `${TEMPLATE}-new`;
/** Network and ACL of a context; contexts.nft has the same names. */
export const networkOf = (id: ContextId) => `cbox-${id}`;

/** Set on an instance once it is complete; an instance without it was interrupted by a power cut. */
export const MADE = "user.cbox.made";
/** Marks an instance as a sliver made by `cbox`, which returns its resources when removed. */
export const SLIVER = "user.cbox.sliver";

export const isContextId = (text: string): text is ContextId => CONTEXTS.some((id) => id === text);

// SPDX-License-Identifier: GPL-3.0-or-later
// The names by which Incus, the walls (contexts.nft) and other parts of the box know the contexts. Contracts.

/** Of the context, its project in Incus, and its own instance there. */
export type ContextId = "owner" | "community";
export const CONTEXTS: readonly ContextId[] = ["owner", "community"];

/** The pool of a context. */
export const poolOf = (id: ContextId) => `cbox-${id}`;
/** The pool of both, on a box that was set up before each had its own. */
export const SHARED_POOL = "cbox";
/** The template, by its alias in Incus. */
export const TEMPLATE = "cbox-context";
/** Its name until all of it is on the disk. */
export const TEMPLATE_NEW = `${TEMPLATE}-new`;
/** Network and ACL of a context; contexts.nft has the same names. */
export const networkOf = (id: ContextId) => `cbox-${id}`;

/** Set on an instance once it has been made completely; one without is left from a power cut. */
export const MADE = "user.cbox.made";
/** A sliver was made by `cbox`, and gives back what it took. */
export const SLIVER = "user.cbox.sliver";

export const isContextId = (text: string): text is ContextId => CONTEXTS.some((id) => id === text);

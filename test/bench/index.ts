// SPDX-License-Identifier: GPL-3.0-or-later
// What `cbox bench` measures: the product imports nothing else of it.
export { measure } from "./bench.ts";
export { measureLynis } from "./lynis.ts";
export { measureServices } from "./services.ts";

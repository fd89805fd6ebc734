// SPDX-License-Identifier: GPL-3.0-or-later
// The site loads everything from its own server. Finds what a browser would load from another one; links that a
// person has to click are allowed.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ELSEWHERE = "(?:https?:|wss?:)?//[\\w.-]+[^\\s\"'`)>\\\\]*";

/** How a page, a style sheet or a script loads something. Scripts hold the pages' text, so all are looked for in all. */
const LOADS = [
  // <a href> loads on a click only; the href of other elements loads at once.
  `<(?!a\\s)[a-z][^>]*?\\s(?:src|href|srcset|poster|data|action)=\\\\?["']?(${ELSEWHERE})`,
  `url\\(\\s*["']?(${ELSEWHERE})`,
  `(?:import|fetch|importScripts|sendBeacon|WebSocket|EventSource|Worker|Request)\\s*\\(\\s*["'\`](${ELSEWHERE})`,
  `\\bfrom\\s*["'](${ELSEWHERE})`,
  `\\bimport\\s*["'](${ELSEWHERE})`,
  `\\.(?:src|href)\\s*=\\s*["'\`](${ELSEWHERE})`,
  `\\.open\\(\\s*["'\`][A-Z]+["'\`]\\s*,\\s*["'\`](${ELSEWHERE})`,
].map((pattern) => new RegExp(pattern, "gi"));

/** Addresses at other servers that this text would make a browser load. */
export function loadedFromElsewhere(text: string): string[] {
  return LOADS.flatMap((pattern) => [...text.matchAll(pattern)].map(([, address = ""]) => address));
}

/** @throws Error with the file and the address of everything that the site in this folder loads from other servers */
export function assertOffline(folder: string): void {
  const found = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(html|css|m?js|svg|json)$/.test(name))
    .flatMap((name) =>
      loadedFromElsewhere(readFileSync(join(folder, name), "utf8")).map((address) => `${name}: ${address}`),
    );
  if (found.length > 0) throw new Error(`The site loads from other servers:\n${found.join("\n")}`);
}

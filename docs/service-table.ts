// SPDX-License-Identifier: GPL-3.0-or-later
// The table of the catalogue in docs/guides/services.md.

import { readCatalogue } from "../common/catalogue.ts";
import type { Service } from "../common/service.ts";
import { SERVICES } from "../image/host/paths.ts";

const SOURCES: Readonly<Record<Service["source"], string>> = {
  image: "installed in every image",
  pool: "in the image",
  network: "from the network",
};

/** By the name of its marks in the page. */
export function serviceTable() {
  const rows = readCatalogue(SERVICES).map(row);
  const head = ["service", "what it is", "where", "ports", "announced as", "its packages", "memory, MiB"];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  return { catalogue: `${line(head)}|${"---|".repeat(head.length)}\n${rows.map(line).join("")}` };
}

function row({ id, title, where, ports, publication, source, needs }: Service): string[] {
  const open = ports.filter((port) => port.public);
  // Some are open or closed by an answer: they count as open.
  const closed = ports.filter((port) => !port.public && !open.some((other) => other.port === port.port));
  return [
    `\`${id}\``,
    title.en,
    where.allowed.join(", "),
    [...portTexts(open), ...portTexts(closed).map((text) => `${text} on the box alone`)].join("; "),
    publication ? `\`${publication.type}\`` : "",
    SOURCES[source],
    String(needs.memory_mib ?? ""),
  ];
}

/** Ports with their protocols: "53 udp, tcp". One that an input or the community's file says is named by that. */
function portTexts(ports: Service["ports"]): string[] {
  const numbers = [...new Set(ports.map(({ port }) => port))];
  return numbers.map((number) => {
    const protocols = ports.filter(({ port }) => port === number).map(({ protocol }) => protocol);
    const name = String(number).replace(/^\D.*$/, "`$&`");
    return `${name} ${[...new Set(protocols)].join(", ")}`;
  });
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Draws screens of the wizard, from a test's recording, as an SVG of text, which is sharp, small and searchable.
// `npm run docs:picture -- RECORDING PICTURE TEXT...` takes the last screen with each of these texts.
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const COLUMNS = 80;
const ROWS = 24;
const CELL = { width: 8.4, height: 18 };
const MARGIN = 14;
const GAP = 16;

/** A screen as its lines. */
export type Screen = readonly string[];

/** Every screen of an asciicast, as it was before it was cleared or the recording ended. */
export function screens(recording: string): Screen[] {
  const [, ...events] = recording.trim().split("\n");
  const output = events
    .map((line) => JSON.parse(line) as [number, string, string])
    .filter(([, kind]) => kind === "o")
    .map(([, , text]) => text)
    .join("");
  return output.split("\x1b[2J\x1b[H").map(paint);
}

/** The screen of a terminal after this output; it supports the few control sequences that the wizard uses. */
function paint(output: string): Screen {
  const lines: string[] = [""];
  let column = 0;
  const put = (sign: string) => {
    const line = (lines.at(-1) ?? "").padEnd(column);
    lines[lines.length - 1] = line.slice(0, column) + sign + line.slice(column + 1);
    column++;
  };
  for (const [sign] of output.matchAll(/\x1b\[[0-9;?]*[@-~]|./gsu)) {
    if (sign === "\n") lines.push("");
    else if (sign === "\r") column = 0;
    else if (sign === "\b") column = Math.max(0, column - 1);
    else if (sign === "\x1b[K") lines[lines.length - 1] = (lines.at(-1) ?? "").slice(0, column);
    else if (sign.endsWith("D") && sign.length > 1)
      column = Math.max(0, column - Number(sign.slice(2, -1) || 1));
    else if (sign.length === 1 && sign >= " ") put(sign);
  }
  return lines.slice(-ROWS).map((line) => line.trimEnd());
}

/** The last of these screens that has the text. */
export function lastWith(text: string, all: readonly Screen[]): Screen {
  const found = all.filter((lines) => lines.some((line) => line.includes(text))).at(-1);
  if (!found) throw new Error(`No screen of the recording has the text "${text}".`);
  return found;
}

/** The screens in frames, one below the other, without the empty lines at their ends. */
export function svg(shown: readonly Screen[]): string {
  const width = COLUMNS * CELL.width + 2 * MARGIN;
  let top = 0;
  const frames = shown.map((screen) => {
    const lines = screen.join("\n").trimEnd().split("\n");
    const height = lines.length * CELL.height + 2 * MARGIN;
    const texts = lines.flatMap((line, row) =>
      line === ""
        ? []
        : [
            `  <text x="${MARGIN}" y="${top + MARGIN + (row + 0.75) * CELL.height}"` +
              ` textLength="${(line.length * CELL.width).toFixed(1)}">${inXml(line)}</text>`,
          ],
    );
    const frame = `  <rect y="${top}" width="${width}" height="${height}" rx="6" fill="#16191d"/>`;
    top += height + GAP;
    return [frame, ...texts].join("\n");
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top - GAP}" width="${width}"
  font-family="Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="#d8dee4"
  xml:space="preserve">
  <title>Screens of the set-up</title>
${frames.join("\n")}
</svg>
`;
}

const inXml = (text: string) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [recording = "", picture = "", ...texts] = process.argv.slice(2);
  const all = screens(readFileSync(recording, "utf8"));
  writeFileSync(picture, svg(texts.map((text) => lastWith(text, all))));
}

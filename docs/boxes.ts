// SPDX-License-Identifier: GPL-3.0-or-later
// The page of each box, docs/boxes/ID.md: facts from its profile, and other sections from profiles/guides/ID.md.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PROFILES } from "../image/host/paths.ts";
import { listProfiles, type ResolvedProfile, resolveProfile } from "../image/profile/index.ts";

/** Sections of a page in their order. A guide has those that are `needed`, and may have the others. */
const SECTIONS: readonly {
  readonly title: string;
  readonly needed?: true;
  /** What the profile says about it, before the guide's words. */
  readonly facts?: (profile: ResolvedProfile) => string;
  /** The guide's words replace the facts instead of following them. */
  readonly replaced?: true;
}[] = [
  { title: "What to buy", needed: true },
  { title: "How to flash", facts: flashing, replaced: true },
  { title: "BIOS settings" },
  { title: "Cable and serial settings", facts: consoles },
  { title: "What to expect on screen", needed: true },
  { title: "Trouble and cure", needed: true },
  { title: "What is inside", facts: devices },
  { title: "What was booted where", needed: true },
];

const FIRMWARE: Readonly<Record<string, string>> = {
  bios: "BIOS",
  efi64: "UEFI, 64-bit",
  efi32: "UEFI, 32-bit",
  videocore: "the board's own firmware (VideoCore), from card or USB disk",
  "rpi-eeprom": "the board's own firmware, in its EEPROM",
};

const BEGINNERS =
  "Never done this? [Before you begin](../guides/before-you-begin.md) goes through it from the shop to the first log-in.";

const OWN_BOARD = `## Another board

One YAML file, in any directory, is enough; what it does not say it takes from its parent:

\`\`\`yaml
# my-boards/attic-board.yaml
id: attic-board
title: A board from the attic
parent: pc-hardware # ./cbox profiles lists the families
kernel:
  arguments: [nomodeset]
# overlays: [attic] # if it needs files of its own: they lie in my-boards/overlays/attic/files/
hardware:
  devices: # the build fails when the image lacks a module or a firmware file of these
    - { name: network card, id: "pci:10ec:8168", module: r8169 }
\`\`\`

\`\`\`
./cbox profile show attic-board --origin --profiles my-boards
./cbox build attic-board --profiles my-boards
\`\`\`

Every field stands in the [reference](../reference/profile.md). A profile for the project goes to \`profiles/\`, with the reason
for each oddity beside it, and has a guide in \`profiles/guides/\` with the headings of the others; then \`npm run docs\`.
`;

/** Every page by its path in the project. */
export function boxPages(dir: string = PROFILES): Map<string, string> {
  const profiles = listProfiles(dir)
    .filter(({ abstract, problem }) => !abstract && !problem)
    .map(({ id }) => resolveProfile(id, { dir }));
  return new Map([
    ...profiles
      .filter(({ form }) => form !== "convert")
      .map((profile) => [`docs/boxes/${profile.id}.md`, page(profile, dir)] as const),
    ["docs/boxes/README.md", index(profiles)],
  ]);
}

function page(profile: ResolvedProfile, dir: string): string {
  const guide = readGuide(profile.id, dir);
  const sections = SECTIONS.flatMap(({ title, facts, replaced }) => {
    const words = guide.get(title);
    const known = words !== undefined && replaced ? "" : (facts?.(profile) ?? "");
    const body = [known, words ?? ""].filter(Boolean).join("\n\n");
    return body === "" ? [] : [`## ${title}\n\n${body}\n`];
  });
  return [
    `# ${profile.title}\n`,
    `<!-- Written by npm run docs from profiles/${profile.id}.yaml and profiles/guides/${profile.id}.md. -->\n`,
    ...(profile.description ? [`${profile.description}\n`] : []),
    `${BEGINNERS}\n`,
    `${overview(profile)}\n`,
    ...sections,
  ].join("\n");
}

function index(profiles: readonly ResolvedProfile[]): string {
  const rows = profiles.map(({ id, form, title, architecture, release }) => [
    // A conversion is described by what it does to an existing machine.
    `[${id}](${form === "convert" ? "../guides/converting.md" : `${id}.md`})`,
    title,
    `${release}, ${architecture}`,
  ]);
  const table = markdownTable(["profile", "hardware", "Debian"], rows);
  return `# Boxes\n\n<!-- Written by npm run docs from the profiles. -->\n\n${table}\n\n${OWN_BOARD}`;
}

function overview(profile: ResolvedProfile): string {
  const { form, boot, disk, memory_mib, kernel, contexts, watchdog } = profile;
  const rows = [
    ["Profile", `\`${profile.id}\``],
    [
      "Debian",
      [profile.release, profile.architecture, ...(kernel.package ? [`\`${kernel.package}\``] : [])].join(
        ", ",
      ),
    ],
    [
      "Starts by",
      form === "container"
        ? "Incus, LXC, systemd-nspawn"
        : boot.firmware.map((name) => FIRMWARE[name] ?? name).join("; "),
    ],
    ["Memory", `${memory_mib.minimum} MiB at least, ${memory_mib.recommended} MiB for the usual services`],
    ["Disk", `8 GB or more${disk.minimum_gib < 8 ? `; ${disk.minimum_gib} GB is the least` : ""}`],
    ...(kernel.arguments.length > 0 ? [["Kernel arguments", code(kernel.arguments)]] : []),
    ...(kernel.blacklist.length > 0 ? [["Modules kept away", code(kernel.blacklist)]] : []),
    ...(form === "disk" && contexts === "none"
      ? [["Contexts", `none: Debian ${profile.release} has no Incus`]]
      : []),
    ["Watchdog", watchdog.seconds > 0 ? `restarts a hung box after ${watchdog.seconds} s` : "not used"],
  ];
  return markdownTable(["", ""], rows);
}

function flashing({ id }: ResolvedProfile): string {
  return `\`\`\`
./cbox build ${id}
./cbox flash ${id}              # lists the disks that can be written to
./cbox flash ${id} /dev/sdX --verify
\`\`\`

An \`answers.yaml\` on the partition CBOX-BOOT (\`--answers FILE\`) sets the box up without a key press.`;
}

function consoles(profile: ResolvedProfile): string {
  const names = profile.consoles.map(({ device, speed }) =>
    speed ? `\`${device}\` at ${speed} baud, 8N1, no flow control` : `\`${device}\``,
  );
  return `The set-up shows on ${names.join(", and on ")}. Whoever presses Enter first has it.`;
}

function devices({ hardware }: ResolvedProfile): string {
  if (hardware.devices.length === 0) return "";
  const rows = hardware.devices.map(({ name, id, module, firmware = [] }) => [
    name,
    `\`${id}\``,
    `\`${module}\``,
    code(firmware),
  ]);
  return `Every build checks that its kernel has these modules and that their firmware is in the image.\n\n${markdownTable(["device", "id", "module", "firmware"], rows)}`;
}

/** The guide's sections by title. */
function readGuide(id: string, dir: string): ReadonlyMap<string, string> {
  const path = join(dir, "guides", `${id}.md`);
  if (!existsSync(path))
    throw new Error(`The profile ${id} has no guide: write ${path}, with ${titles(needed())}.`);
  const [, ...parts] = `\n${readFileSync(path, "utf8")}`.split(/^## /m);
  const guide = new Map(
    parts.map((part) => {
      const [title = "", ...lines] = part.split("\n");
      return [title.trim(), lines.join("\n").trim()] as const;
    }),
  );
  const known = SECTIONS.map(({ title }) => title);
  const strange = [...guide.keys()].filter((title) => !known.includes(title));
  if (strange.length > 0)
    throw new Error(`${path}: there is no section ${titles(strange)}; known are ${titles(known)}.`);
  const lacking = needed().filter((title) => !guide.get(title));
  if (lacking.length > 0) throw new Error(`${path}: write ${titles(lacking)}.`);
  return guide;
}

const needed = () => SECTIONS.flatMap((section) => (section.needed ? [section.title] : []));
const titles = (list: readonly string[]) => list.map((title) => `"## ${title}"`).join(", ");
const code = (words: readonly string[]) => words.map((word) => `\`${word}\``).join(", ");

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

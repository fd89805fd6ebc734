// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox flash PROFILE|IMAGE [DISK|FILE]`: puts an image onto a card, a stick or a file, with the answers of its box.
// Without a disk it shows which there are.

import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { buffer } from "node:stream/consumers";
import type { Document } from "yaml";
import { askTerminal } from "../../common/ask-terminal.ts";
import { leastBytes } from "../../common/disk-size.ts";
import { Failure, fail } from "../../common/fail.ts";
import { say, sayJson, sayLines } from "../../common/say.ts";
import { textOf } from "../../common/text-encoding.ts";
import { demandRight, forManifest, inWords, mistakesIn, remarks, unchecked } from "../answers/check.ts";
import { answersOf, readFleet, refuse, rowOf } from "../answers/fleet.ts";
import { openAnswers, readAnswers } from "../answers/merge.ts";
import { checkWifi, putWifi, type Wifi } from "../answers/wifi.ts";
import { requireChecks } from "../doctor/index.ts";
import { candidates, type Demands, gigabytes, listCandidates, readDisks } from "../flash/disks.ts";
import { type Flashed, flash } from "../flash/flash.ts";
import { type ImageSource, openSource } from "../flash/source.ts";
import { findTarget, type Target } from "../flash/target.ts";
import { interruption } from "../host/interrupt.ts";
import { parseMib } from "../host/size.ts";
import { resolveProfile } from "../profile/index.ts";
import type { YamlFile } from "../profile/yaml-file.ts";
import { signedBy, trustOf } from "../published/signature.ts";
import { defaultOut } from "./build.ts";

/** As typed. */
export interface FlashCommandOptions {
  readonly answers?: string;
  readonly fleet?: string;
  readonly row?: string;
  readonly base?: string;
  readonly wifi?: string;
  readonly wifiPassphrase?: string;
  readonly wifiCountry?: string;
  readonly ca?: string;
  readonly out?: string;
  readonly verify: boolean;
  readonly force?: boolean;
  /** Largest disk that is taken without --force, such as 256G. */
  readonly largest: string;
  readonly yes?: boolean;
  readonly json?: boolean;
  /** Files with public keys; those of the project unless said. */
  readonly key?: readonly string[];
  readonly requireSignature?: boolean;
}

const MIB = 2 ** 20;

export async function flashCommand(
  what: string,
  disk: string | undefined,
  options: FlashCommandOptions,
): Promise<void> {
  const tell = options.json ? () => {} : say;
  if (disk === undefined) return listDisks(what, options);
  await requireChecks("flash");
  const files = await gatherFiles(options);
  if (process.stderr.isTTY) tell(`Looking at the image ...`);
  const source = await openSource(what, (id) => options.out ?? defaultOut(id), trustOf(options));
  for (const line of await checkAnswers(files, source, options)) tell(line);
  const demands = demandsOf(what, source, options);
  const target = await findTarget(disk, demands, Math.max(source.size, minimumOf(source) * 2 ** 30));
  tell(source.name);
  tell(`  ${gigabytes(source.size)} as a disk${madeFor(source)}.`);
  tell(`  ${signedBy(source.signer)}`);
  if (!target.isNew) await confirm(target, options);
  const contents = contentsOf(files);
  const done = await flash(source, target, {
    files: contents,
    verify: options.verify,
    signal: interruption(),
  });
  if (options.json) {
    sayJson(report(source, target, contents, done));
    return;
  }
  sayLines(closing(target, contents, done));
}

async function listDisks(what: string, { json }: FlashCommandOptions): Promise<void> {
  const disks = await readDisks();
  if (json) {
    sayJson(candidates(disks));
    return;
  }
  const found = candidates(disks);
  const command = `${process.getuid?.() === 0 ? "" : "sudo "}./cbox flash ${what}`;
  sayLines(
    found.length === 0
      ? `There is no card, stick or USB disk in this computer. Plug one in, then again: ./cbox flash ${what}`
      : `${listCandidates(disks)}\n\nAll that is on it will be gone. To write to it:\n  ${command} ${found[0]!.path}`,
  );
}

/** What goes onto CBOX-BOOT. */
interface Files {
  readonly answers?: Document;
  /** The file they are from, unless they are a row of a list. */
  readonly file?: YamlFile;
  readonly authority?: string;
}

async function gatherFiles(options: FlashCommandOptions): Promise<Files> {
  const { ca } = options;
  const answers = gatherAnswers(options);
  const wifi = await gatherWifi(options, answers !== undefined);
  if (answers && wifi) putWifi(answers, wifi);
  return {
    ...(options.answers === undefined ? {} : { file: readAnswers(options.answers) }),
    ...(answers ? { answers } : {}),
    ...(ca === undefined ? {} : { authority: readAuthority(ca) }),
  };
}

function gatherAnswers({ answers, fleet, row, base }: FlashCommandOptions): Document | undefined {
  if (fleet === undefined && row === undefined && base === undefined) {
    if (answers === undefined) return undefined;
    return openAnswers(answers);
  }
  if (!fleet || !base || !/^\d+$/.test(row ?? "") || answers !== undefined) {
    return fail({
      code: "usage",
      what: "A box of a fleet is named by the list, its row, and the base of all answers.",
      hint: "--fleet boxes.csv --row 17 --base base.yaml",
      exitCode: 2,
    });
  }
  return answersOf(openAnswers(base), rowOf(readFleet(fleet), Number(row)));
}

async function gatherWifi(
  { wifi: ssid, wifiPassphrase, wifiCountry }: FlashCommandOptions,
  hasAnswers: boolean,
): Promise<Wifi | undefined> {
  if (ssid === undefined) return undefined;
  if (!hasAnswers) {
    fail({
      code: "wifi-invalid",
      what: "The wireless network is a part of the answers, and there are none.",
      found: "--wifi without --answers",
      hint: "./cbox answers new -o box.yaml, fill it in, and add: --answers box.yaml",
    });
  }
  const passphrase = await passphraseOf(ssid, wifiPassphrase);
  const wifi = {
    ssid,
    ...(passphrase === "" ? {} : { passphrase }),
    ...(wifiCountry === undefined ? {} : { country: wifiCountry }),
  };
  checkWifi(wifi);
  return wifi;
}

/** `-` is standard input. A passphrase on the command line would be visible to every user of the machine. */
async function passphraseOf(ssid: string, file: string | undefined): Promise<string> {
  if (file === "-") return textOf(await buffer(process.stdin), "The passphrase").replace(/\r?\n$/, "");
  if (file !== undefined) {
    try {
      return textOf(readFileSync(file), file).replace(/\r?\n$/, "");
    } catch (error) {
      if (error instanceof Failure) throw error;
      return fail({
        code: "wifi-invalid",
        what: "The file with the passphrase cannot be read.",
        found: (error as Error).message,
        hint: "--wifi-passphrase FILE, or - for standard input",
      });
    }
  }
  if (process.stdin.isTTY) {
    const question = `Passphrase of "${ssid}" (Enter for an open network):`;
    return askTerminal(question, { isSecret: true, signal: interruption() });
  }
  return fail({
    code: "wifi-invalid",
    what: "There is nobody to ask for the passphrase.",
    found: "no terminal",
    hint: "--wifi-passphrase FILE, or - for standard input",
  });
}

function readAuthority(path: string): string {
  let content = "";
  try {
    content = readFileSync(path, "utf8");
  } catch (error) {
    content = (error as Error).message;
  }
  if (/-----BEGIN CERTIFICATE-----[\sA-Za-z0-9+/=]+-----END CERTIFICATE-----/.test(content)) return content;
  return fail({
    code: "ca-invalid",
    what: `${path} holds no certificate.`,
    found: content.split("\n", 1)[0]?.slice(0, 60) ?? "",
    hint: "a PEM file, with lines such as -----BEGIN CERTIFICATE-----",
  });
}

/** Checks the answers before writing, as the box may be far away when it refuses them. Returns what is unchecked. */
async function checkAnswers(
  { answers, file }: Files,
  { manifest, name }: ImageSource,
  { fleet, row }: FlashCommandOptions,
): Promise<string[]> {
  if (!answers) return [];
  const image = manifest ? forManifest(manifest, dirname(name)) : { profile: resolveProfile("vm-amd64") };
  const data: unknown = answers.toJS();
  if (file) await demandRight([{ ...file, data }], image);
  else {
    const [mistakes = []] = await mistakesIn([data], image);
    if (mistakes.length > 0)
      refuse(`${fleet}, row ${row}`, mistakes.map(inWords), "correct that row, or the base");
  }
  return [...remarks(data), ...unchecked([data], image)];
}

function contentsOf({ answers, authority }: Files): Readonly<Record<string, string>> {
  return {
    ...(answers ? { "answers.yaml": String(answers) } : {}),
    ...(authority === undefined ? {} : { "ca.pem": authority }),
  };
}

function demandsOf(
  what: string,
  source: ImageSource,
  { force = false, largest }: FlashCommandOptions,
): Demands {
  const wanted = leastBytes(minimumOf(source));
  const { manifest } = source;
  return {
    least: Math.max(source.size, wanted),
    why: manifest && wanted > source.size ? `${manifest.profile.title} needs about` : "the image needs",
    most: parseMib(largest, "--largest") * MIB,
    force,
    command: `./cbox flash ${what}`,
  };
}

function minimumOf({ manifest }: ImageSource): number {
  return manifest?.profile.disk.minimum_gib ?? 0;
}

function madeFor({ manifest }: ImageSource): string {
  return manifest ? `, for ${manifest.profile.title} (${manifest.profile.architecture})` : "";
}

/** @throws Failure `not-confirmed` */
async function confirm({ description, name }: Target, { yes, json }: FlashCommandOptions): Promise<void> {
  if (!json) sayLines(`\n${description}\n`);
  if (yes) return;
  const how = "or --yes where nobody is there to type it";
  if (json || !process.stdin.isTTY || !process.stdout.isTTY) {
    return fail({
      code: "not-confirmed",
      what: `Nobody has confirmed that ${name} may be erased.`,
      found: json ? "--json" : "no terminal",
      hint: `run it on a terminal, ${how}`,
    });
  }
  const question = `All of this will be gone. Type ${name} to go on, or anything else to stop:`;
  const typed = await askTerminal(question, { isDeliberate: true, signal: interruption() });
  if (typed.trim() === name) return;
  fail({
    code: "not-confirmed",
    what: `Stopped: nothing was written to ${name}.`,
    found: JSON.stringify(typed),
    hint: `type ${name}, exactly so, ${how}`,
  });
}

function report(
  source: ImageSource,
  target: Target,
  files: Readonly<Record<string, string>>,
  { bytes, writeSeconds, verifySeconds }: Flashed,
) {
  return {
    image: source.name,
    profile: source.manifest?.profile.id ?? null,
    signed_by: source.signer?.fingerprint ?? null,
    target: target.path,
    kind: target.kind,
    bytes_written: bytes,
    write_seconds: Number(writeSeconds.toFixed(2)),
    verified: verifySeconds !== undefined,
    files: Object.keys(files),
  };
}

function closing(target: Target, files: Readonly<Record<string, string>>, done: Flashed): string {
  const { bytes, writeSeconds, verifySeconds } = done;
  const rate = bytes / 1e6 / Math.max(0.001, writeSeconds);
  const names = Object.keys(files);
  return [
    `[done] ${target.name} is ready: ${(bytes / 1e6).toFixed(0)} MB written in ${writeSeconds.toFixed(1)} s (${rate.toFixed(0)} MB/s)${
      verifySeconds === undefined
        ? ", not read back."
        : `, read back in ${verifySeconds.toFixed(1)} s, every byte right.`
    }`,
    names.length > 0
      ? `On CBOX-BOOT: ${names.join(", ")}.`
      : "There are no answers on it: the box will ask at its console.",
    target.kind === "disk" ? "You may take it out now." : "",
  ]
    .filter(Boolean)
    .join("\n");
}

// SPDX-License-Identifier: GPL-3.0-or-later
// The command line, ./cbox, started by start.mjs: its commands, and how an error becomes a message and an exit code.
// Exit codes: 0 done, 1 failed (the code in brackets says why, see docs/reference/errors.md), 2 mistyped, 130 Ctrl-C.
import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Argument, Command, CommanderError, Option } from "commander";
import { describeFailure, Failure } from "../common/fail.ts";
import { sayError } from "../common/say.ts";
import { cacheDir } from "./cache/directory.ts";
import type { AnswersFleetOptions, AnswersOptions } from "./commands/answers.ts";
import type { Bench, BenchOptions } from "./commands/bench.ts";
import type { BootCommandOptions } from "./commands/boot.ts";
import type { BuildCommandOptions } from "./commands/build.ts";
import type { DoctorOptions } from "./commands/doctor.ts";
import type { FlashCommandOptions } from "./commands/flash.ts";
import type { FaultState, LabOptions } from "./commands/lab.ts";
import type { ProfileShowOptions } from "./commands/profile.ts";
import type { ProfilesOptions } from "./commands/profiles.ts";
import type { NewServiceOptions, ServicesDigestsOptions, ServicesListOptions } from "./commands/services.ts";
import type { TestOptions } from "./commands/test.ts";
import { interruption } from "./host/interrupt.ts";
import { OWN_PROFILES } from "./profile/directories.ts";

const MISTYPED = 2;
const INTERRUPTED = 130;

const KEY: [string, string, (file: string, before?: readonly string[]) => readonly string[]] = [
  "--key <file>",
  "believe signatures by this public key, and by no other that is not given so, too",
  (file, before = []) => [...before, file],
];
const BENCHES: readonly Bench[] = ["services", "lynis"];
const REQUIRE_SIGNATURE: [string, string] = [
  "--require-signature",
  "refuse an image whose checksums are not signed",
];

/** Each command loads its code when it is called, so that the help and short commands start fast. */
export function createProgram(): Command {
  const program = new Command("cbox")
    .description(
      "Turns a hardware profile into a flashable Debian image whose first boot makes a community node.",
    )
    .option("-y, --yes", "do not ask before installing what this machine lacks, nor before a disk is erased")
    .addOption(new Option("--profiles <dir>", "profiles of your own, beside the project's").env(OWN_PROFILES))
    .hook("preAction", (command) => {
      const { profiles } = command.opts<{ profiles?: string }>();
      if (profiles) process.env[OWN_PROFILES] = resolve(profiles);
    })
    .helpCommand(false)
    .exitOverride()
    // One place writes the message with the code and the hint: see `asFailure`.
    .configureOutput({ outputError: () => {} })
    .addHelpText(
      "after",
      "\nTo start with:\n  ./cbox demo     build the VM image and go through its first boot\n  ./cbox test     prove that everything works",
    );

  program
    .command("profiles")
    .description("list what can be built")
    .option("--json", "as JSON")
    .action(async (options: ProfilesOptions) =>
      (await import("./commands/profiles.ts")).profilesCommand(options),
    );

  program
    .command("profile")
    .description("look at one profile")
    .command("show")
    .description("print a profile as the build sees it, merged with its parents")
    .argument("<id>", "see ./cbox profiles")
    .option("--origin", "each value with the file and line it was written in")
    .option("--json", "as JSON")
    .action(async (id: string, options: ProfileShowOptions) =>
      (await import("./commands/profile.ts")).profileShowCommand(id, options),
    );

  program
    .command("doctor")
    .description("check this machine, and say what cures what it lacks")
    .option("--kvm", "also run a tiny guest to see whether KVM works (5 seconds)")
    .action(async (options: DoctorOptions) => (await import("./commands/doctor.ts")).doctorCommand(options));

  program
    .command("build")
    .description("make the image of a profile, or of all")
    .argument("[profile]", "see ./cbox profiles")
    .option("--all", "every profile, one after the other, with a table at the end")
    .option(
      "--out <dir>",
      "where the image goes (default: out/<profile> in the project); with --all, a folder each",
    )
    .option("--release", "compress as small as possible, for publishing; slow")
    .option("--explain", "say what would be made, and why, and make nothing")
    .option("--dry-run", "the same")
    .option("--update-lock", "take the newest package versions and write them into the lock file")
    .option("--mirror <url>", "Debian mirror (default: this machine's own, from APT)")
    .option("--community <id|file>", "community network (default: guifi)")
    .option("--sign-key <file>", "sign the checksums with this key")
    .action(async (profile: string | undefined, options: BuildCommandOptions) =>
      (await import("./commands/build.ts")).buildCommands(profile, options),
    );

  program
    .command("boot")
    .description("boot the image in QEMU, its serial console on this terminal (Ctrl-A x leaves)")
    .argument("<profile>", "see ./cbox profiles")
    .addOption(new Option("--firmware <name>", "how the machine starts").choices(["bios", "efi64", "efi32"]))
    .option("--memory <size>", "such as 2G; a bare number is in MiB (default: the profile's)")
    .option("--disk <size>", "size of the throw-away disk, such as 16G")
    .option("--image <file>", "boot this file instead of the newest image of the profile")
    .option(...KEY)
    .option(...REQUIRE_SIGNATURE)
    .option("--out <dir>", "where the image was built to")
    .action(async (profile: string, options: BootCommandOptions) =>
      (await import("./commands/boot.ts")).bootCommand(profile, options),
    );

  program
    .command("flash")
    .description("write an image to a card, stick or file; without a disk: show which there are")
    .argument("<image>", "a profile, whose newest image is taken, or a file (.img.zst)")
    .argument("[disk]", "such as /dev/sdb, or a file that stands for a disk")
    .option("--answers <file>", "the answers of this box, checked and put on it: it sets itself up")
    .option("--fleet <csv>", "its answers are a row of this list ...")
    .option("--row <number>", "... the row, as a spreadsheet counts them ...")
    .option("--base <file>", "... over these answers, which all boxes share")
    .option("--wifi <name>", "wireless network of the box; the passphrase is asked for")
    .option("--wifi-passphrase <file>", "read the passphrase from this file, - is standard input")
    .option("--wifi-country <code>", "where the box stands, such as ES")
    .option("--ca <file>", "certificate authority of the community, PEM")
    .option("--out <dir>", "where the image was built to")
    .option("--verify", "read back what was written", true)
    .option("--no-verify", "do not")
    .option("--force", "also a disk that is built in, or very large")
    .option("--largest <size>", "largest disk that needs no --force", "256G")
    .option(...KEY)
    .option(...REQUIRE_SIGNATURE)
    .option("-y, --yes", "erase the disk without asking")
    .option("--json", "print what was done as JSON; needs --yes")
    .action(async (image: string, disk: string | undefined, _: FlashCommandOptions, command: Command) =>
      // --yes is an option of all commands, and taken by the program.
      (await import("./commands/flash.ts")).flashCommand(image, disk, command.optsWithGlobals()),
    );

  const loadAnswers = async () => (await import("./commands/answers.ts")).ANSWERS_COMMANDS;
  const answersFor = (command: Command) =>
    command
      .option("--profile <id>", "the hardware they are for", "vm-amd64")
      .option("--community <id|file>", "the community they are for (default: guifi)")
      .option("--image <folder>", "where the image is whose lists they are checked by (default: out/ID)")
      .option("--overwrite", "replace files that are there");
  const answers = answersFor(program.command("answers"))
    .description("the answers files of boxes: write, check, merge; or all those of a fleet")
    .option("--fleet <csv>", "one file for each row of this list, ...")
    .option("--base <file>", "... over these answers, which all boxes share, ...")
    .option("--out <dir>", "... into this folder")
    .action(async (options: AnswersFleetOptions) => (await loadAnswers()).fleet(options));
  const answersAction = (name: string, description: string) =>
    answersFor(answers.command(name).description(description));
  answersAction("new", "a file with every field, explained")
    .option("-o, --output <file>", "where to (default: this terminal)")
    .action(async (_: AnswersOptions, command: Command) =>
      (await loadAnswers()).new(command.optsWithGlobals()),
    );
  answersAction("check", "find every mistake before a box does")
    .argument("<file...>", "answers files")
    .action(async (files: string[], _: AnswersOptions, command: Command) =>
      (await loadAnswers()).check(files, command.optsWithGlobals()),
    );
  answersAction("merge", "lay files over a base, field by field")
    .argument("<file...>", "the base, then what is laid over it")
    .option("-o, --output <file>", "where to (default: this terminal)")
    .action(async (files: string[], _: AnswersOptions, command: Command) =>
      (await loadAnswers()).merge(files, command.optsWithGlobals()),
    );

  const services = program
    .command("services")
    .description("the services that boxes can run: list, begin one, check one, record its images");
  const loadServices = async () => (await import("./commands/services.ts")).SERVICES_COMMANDS;
  services
    .command("list", { isDefault: true })
    .description("what is in the catalogue, and where its software comes from")
    .option("--json", "as JSON")
    .action(async (options: ServicesListOptions) => (await loadServices()).list(options));
  services
    .command("new")
    .description("a folder for a service of your own, to be filled in")
    .argument("<name>", "lower-case letters, digits and hyphens")
    .option("--compose", "a docker-compose project instead of Debian packages")
    .option("--dir <dir>", "where the folder is made (default: overlays/services)")
    .action(async (name: string, options: NewServiceOptions) => (await loadServices()).new(name, options));
  services
    .command("check")
    .description("every mistake in a service's folder: form, ports, templates, translations")
    .argument("[folder...]", "default: all of the catalogue")
    .action(async (folders: string[]) => (await loadServices()).check(folders));
  services
    .command("digests")
    .description("ask the registries which digests the tags of container images have today, and record them")
    .argument("[folder...]", "default: all of the catalogue")
    .option("--check", "only say what was moved")
    .option("--image <name>", "this one alone, such as mariadb:11.4.7")
    .action(async (folders: string[], options: ServicesDigestsOptions) =>
      (await loadServices()).digests(folders, options),
    );

  program
    .command("steps")
    .description("the steps of a box's set-up: begin one")
    .command("new")
    .description("a folder for a step, its place in the list, and all that follows from them")
    .argument("<name>", "lower-case letters and digits")
    .action(async (name: string) => (await import("./commands/steps.ts")).STEPS_COMMANDS.new(name));

  const lab = program
    .command("lab")
    .description("the closed test network: a small community of real servers in network namespaces");
  const loadLab = async () => (await import("./commands/lab.ts")).LAB_COMMANDS;
  const labAction = (name: string, description: string) =>
    lab.command(name).description(description).option("--name <name>", "a lab beside the usual one");
  labAction("up", "put it up, or find it up")
    .option("--community <id|file>", "community network (default: guifi)")
    .action(async (options: LabOptions) => (await loadLab()).up(options));
  labAction("down", "take it down, whole or broken").action(async (options: LabOptions) =>
    (await loadLab()).down(options),
  );
  labAction("status", "its hosts, the faults that are on, and who has an address").action(
    async (options: LabOptions) => (await loadLab()).status(options),
  );
  labAction("show", "what the community now knows: members, devices, services, neighbours")
    .option("--json", "as JSON")
    .action(async (options: LabOptions) => (await loadLab()).show(options));
  labAction("fault", "break something on purpose, or mend it; without words: what can be broken")
    .argument("[name]", "which fault")
    .addArgument(new Argument("[state]", "broken or mended").choices(["on", "off"]))
    .action(async (name: string | undefined, state: FaultState | undefined, options: LabOptions) =>
      (await loadLab()).fault(name, state, options),
    );

  program
    .command("demo")
    .description(
      "build if needed, start the lab, boot the box: its set-up on this terminal (Ctrl-A x leaves)",
    )
    .action(async () => (await import("./commands/demo.ts")).demoCommand());

  program
    .command("test")
    .description("run every test, or those whose file name contains a filter")
    .argument("[filter...]", "part of a test file's name")
    .option("--unit", "the unit tests, which need nothing")
    .option("--integration", "the tests with this machine's tools, the lab's servers and the image")
    .option("--boot", "the tests that boot the image")
    .option("--all", "also the long boots, a quarter of an hour each")
    .action(async (filter: string[], options: TestOptions) =>
      (await import("./commands/test.ts")).testCommand(filter, options),
    );

  program
    .command("bench")
    .description(
      "measure this machine's build and boot against plain Debian, what each service costs, or what Lynis finds",
    )
    .addArgument(
      new Argument("[what]", "the services on the reference machine, or an audit by Lynis").choices(BENCHES),
    )
    .option("--image <file>", "audit this file instead of the newest image; no page is written")
    .action(async (what: Bench | undefined, options: BenchOptions) =>
      (await import("./commands/bench.ts")).benchCommand(what, options),
    );

  return program;
}

/** Runs one command line, the words after `cbox`. Resolves to the exit code; never throws. */
export async function main(words: readonly string[]): Promise<number> {
  const signal = interruption();
  const program = createProgram();
  try {
    if (words.length === 0) program.outputHelp();
    else await program.parseAsync(words, { from: "user" });
    if (signal.aborted) throw interrupted();
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const failure = signal.aborted && !isInterruption(error) ? interrupted() : asFailure(error, words);
    sayError(describeFailure(failure));
    return failure.exitCode;
  }
}

function interrupted(): Failure {
  return new Failure({
    code: "interrupted",
    what: "Stopped by Ctrl-C. What was finished is kept; the same command goes on from there.",
    exitCode: INTERRUPTED,
  });
}

function isInterruption(error: unknown): boolean {
  return error instanceof Failure && error.code === "interrupted";
}

function asFailure(error: unknown, words: readonly string[]): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof CommanderError) return mistyped(error, words);
  const written = writeStack(error);
  return new Failure({
    code: "internal-error",
    what: "This is a mistake in Community Box, not yours.",
    found: error instanceof Error ? error.message : String(error),
    hint: `please report it together with ${written}`,
  });
}

/** commander's "error: unknown option '--relase'\n(Did you mean --release?)" in our form. */
function mistyped({ message }: CommanderError, words: readonly string[]): Failure {
  const [, guess] = /\(Did you mean (?:one of )?(.+?)\?\)/.exec(message) ?? [];
  const what = message.replace(/^error: /, "").replace(/\s*\(Did you mean .*/s, "");
  const command = createProgram()
    .commands.find((known) => known.name() === words[0])
    ?.name();
  // Called without its sub-command, commander prints the help and has only this to say.
  const sentence = what === "(outputHelp)" ? "say what to do, as the help above lists" : what;
  return new Failure({
    code: "usage",
    what: `${sentence.charAt(0).toUpperCase()}${sentence.slice(1).replace(/\.$/, "")}.`,
    found: `./cbox ${words.join(" ")}`,
    hint: guess ? `did you mean ${guess}?` : `./cbox ${command ? `${command} ` : ""}--help`,
    exitCode: MISTYPED,
  });
}

/** Path of the file with the complete error, for developers. */
function writeStack(error: unknown): string {
  const text =
    error instanceof Error ? `${error.stack}\n${error.cause ? `cause: ${error.cause}\n` : ""}` : `${error}\n`;
  const name = `crash-${new Date().toISOString().replaceAll(":", "")}.log`;
  for (const folder of [join(cacheDir(), "log"), tmpdir()]) {
    const path = join(folder, name);
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    } catch {
      // A read-only home: the next folder.
    }
  }
  return "the lines above";
}

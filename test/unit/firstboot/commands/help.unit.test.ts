// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox help`, the man page and the completion of the shell: the same commands in all of them, and none forgotten.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { commands, helpText } from "../../../../firstboot/commands/help.ts";
import { isTextKey, languages, translator } from "../../../../firstboot/i18n/translate.ts";
import { steps } from "../../../../firstboot/steps/index.ts";
import { failureOf } from "../../../failure-of.ts";

const FILES = join(import.meta.dirname, "../../../../overlays/base/files");
const MAN = join(FILES, "usr/share/man/man1/cbox.1");
const COMPLETION = join(FILES, "etc/profile.d/cbox-completion.sh");

/** "setup", "--answers", "host": the words of a syntax that are typed as they stand. */
const words = (syntax: string) => syntax.match(/(?:--)?[a-z][a-z-]+/g) ?? [];

describe.each(languages)("help in %s", (language) => {
  const t = translator(language);

  test("lists every command on one line of 80 columns", () => {
    const lines = helpText(t).split("\n");
    for (const { name } of commands)
      expect(
        lines.some((line) => line.startsWith(`  ${name} `)),
        name,
      ).toBe(true);
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  test.each(commands.map(({ name }) => name))("for %s shows its syntax and what it does", (name) => {
    const text = helpText(t, name);
    expect(text).toContain(`cbox ${name}`);
    expect(text).not.toMatch(/\{\w+\}/);
    for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(text.length).toBeGreaterThan(60);
  });
});

test("each step of the set-up has a command in the help", () => {
  for (const { id } of steps) {
    expect(commands.map(({ name }) => name)).toContain(id);
    expect(isTextKey(`cli.${id}`), `the text cli.${id}`).toBe(true);
  }
});

test("an unknown command is reported with the most similar one", async () => {
  expect(await failureOf(() => helpText(translator("en"), "stauts"))).toMatchObject({
    code: "unknown-command",
    message: 'cbox has no command "stauts".',
    hint: "cbox status",
    exitCode: 2,
  });
  expect((await failureOf(() => helpText(translator("en"), "xyzzy"))).hint).toBe("cbox help");
});

test("the man page contains every word of every command", () => {
  const page = readFileSync(MAN, "utf8").replaceAll("\\-", "-");
  for (const { syntax } of commands) {
    for (const word of syntax.flatMap(words)) expect(page, word).toContain(word);
  }
  expect(page).toMatch(/^\.TH CBOX 1 /m);
});

test("the man page formats without a warning", () => {
  const formatted = execFileSync("sh", ["-c", `man --warnings -E UTF-8 -l -Tutf8 "${MAN}" 2>&1 >/dev/null`], {
    encoding: "utf8",
    env: { ...process.env, MANWIDTH: "80" },
  });
  expect(formatted).toBe("");
});

test("the completion offers every command and its arguments", () => {
  const complete = (...typed: string[]) =>
    execFileSync(
      "bash",
      [
        "-c",
        `. "${COMPLETION}"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cbox; echo "\${COMPREPLY[*]}"`,
        "-",
        ...typed,
      ],
      { encoding: "utf8" },
    )
      .trim()
      .split(" ");
  expect(complete("cbox", "").sort()).toEqual(commands.map(({ name }) => name).sort());
  expect(complete("cbox", "re")).toEqual(["reset"]);
  expect(complete("cbox", "reset", "--k")).toEqual(["--keep-data"]);
  for (const { id } of steps) {
    expect(complete("cbox", id, "")).toEqual(expect.arrayContaining(["setup", "--json"]));
    expect(complete("cbox", id, "setup", "")).toEqual(["--answers"]);
  }
  for (const { name, syntax } of commands.filter(({ name: id }) => id === "services")) {
    const verbs = syntax
      .flatMap((line) => (line.split(" ")[1] ?? "").split("|"))
      .filter((word) => /^[a-z-]+$/.test(word));
    for (const verb of verbs) expect(complete("cbox", name, ""), verb).toContain(verb);
  }
});

test("a shell other than bash sources the completion without output", () => {
  expect(execFileSync("sh", ["-c", `. "${COMPLETION}"; echo on`], { encoding: "utf8" })).toBe("on\n");
});

// SPDX-License-Identifier: GPL-3.0-or-later
// The box's program as a process of its own, in a mount namespace with the settings of a box: a command that fails says so
// in the language of the box.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { PROJECT } from "../../image/host/paths.ts";

const run = promisify(execFile);

/** What stands on standard error. `settings`: of /etc/community-box/box.json; `before`: shell words ahead of the command. */
async function failing(
  command: string,
  settings: string,
  before = "",
): Promise<{ said: string; code: number }> {
  const script = `mount -t tmpfs none /etc && mkdir /etc/community-box &&
printf '%s' "$1" > /etc/community-box/box.json && ${before} exec node --import tsx firstboot/main.ts ${command}`;
  const words = ["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", settings];
  try {
    await run("unshare", words, { cwd: PROJECT, env: { PATH: process.env.PATH } });
  } catch (error) {
    const { stderr, code } = error as { readonly stderr: string; readonly code: number };
    return { said: stderr, code };
  }
  throw new Error(`${command} did not fail`);
}

test.each([
  ["ca", "error: cbox no té cap ordre «statsu». [unknown-command]\npista: cbox status\n"],
  ["es", "error: cbox no tiene ninguna orden «statsu». [unknown-command]\npista: cbox status\n"],
  ["en", 'error: cbox has no command "statsu". [unknown-command]\nhint:  cbox status\n'],
])("an unknown command is reported in the box's language, %s", async (language, said) => {
  expect(await failing("statsu", JSON.stringify({ language }))).toEqual({ said, code: 2 });
});

test("an unknown option and damaged settings are reported in the box's language", async () => {
  const spanish = JSON.stringify({ language: "es" });
  expect((await failing("status --jsno", spanish)).said).toBe(
    "error: No hay ninguna opción «--jsno». [usage]\npista: cbox help\n",
  );
  for (const damaged of ["null", "{", '{"language":"fr"}', '{"language":[1]}'])
    expect((await failing("statsu", damaged)).said).toMatch(/^error: cbox has no command "statsu"\. \[/);
});

test("the journal is English, and another variable of the same name has no effect", async () => {
  const catalan = JSON.stringify({ language: "ca" });
  const isJournal = "JOURNAL_STREAM=$(stat --dereference --format=%d:%i /dev/fd/2); export JOURNAL_STREAM;";
  expect((await failing("statsu", catalan, isJournal)).said).toMatch(/^error: cbox has no command/);
  const isOther = "export JOURNAL_STREAM=1:2;";
  expect((await failing("statsu", catalan, isOther)).said).toMatch(/^error: cbox no té cap ordre/);
});

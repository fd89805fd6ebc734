// SPDX-License-Identifier: GPL-3.0-or-later
// The launcher ./cbox on machines that lack things. Programs it calls are stand-ins that write down how they were
// called; nothing is installed.
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const PACKAGES = `# package  needed for  proof
some-tool  build  cbox-test-tool       # makes images
some-file  lab,boot  /cbox-test/firmware  # starts them
shell      build  sh                   # is there
arm-tool   build:arm64 cbox-arm-tool   # makes images for boards
arm-guest  boot:arm64  cbox-arm-guest  # starts them
both-tool  build:arm64,build:i386  cbox-both-tool  # runs their programs
old-tool   build:i386  cbox-old-tool   # makes images for old boards
nodejs     cli    node                 # runs the commands
`;

let project = "";
let bin = "";
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "cbox-launcher-"));
  bin = join(project, "bin");
  for (const folder of ["bin", "image/host", "node_modules"])
    mkdirSync(join(project, folder), { recursive: true });
  copyFileSync(fileURLToPath(new URL("../../../cbox", import.meta.url)), join(project, "cbox"));
  writeFileSync(join(project, "image/host/packages.txt"), PACKAGES);
  writeFileSync(join(project, "package-lock.json"), "{}");
  npmHasRun(60);
  program("node", 'case $1 in --version) echo v20.1.0 ;; *) shift; echo "cli: $*" ;; esac');
  program("npm", `echo "npm $*" >>"${project}/calls"; [ ! -e "${project}/npm-fails" ]`);
  program("id", "echo 0");
  aptGet("");
  runsI386(true);
});
afterEach(() => rmSync(project, { recursive: true }));

const program = (name: string, script: string) =>
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
/** Records the verb of each call; `script` decides how it ends. */
const aptGet = (script: string) =>
  program("apt-get", `echo "apt-get $DEBIAN_FRONTEND $*" >>"${project}/calls"\n${script}`);
/** How the question ends whether this machine's kernel runs programs of 32-bit x86. */
const runsI386 = (does: boolean) =>
  writeFileSync(join(project, "image/host/runs-i386.sh"), `exit ${does ? 0 : 1}\n`);
/** npm's own mark, made so many seconds after the lock file. */
const npmHasRun = (secondsAfterLock: number) => {
  const mark = join(project, "node_modules/.package-lock.json");
  writeFileSync(mark, "{}");
  utimesSync(join(project, "package-lock.json"), 1_000_000, 1_000_000);
  utimesSync(mark, 1_000_000 + secondsAfterLock, 1_000_000 + secondsAfterLock);
};

function cbox(words: string[], env: Record<string, string> = {}) {
  const result = spawnSync("/bin/sh", [join(project, "cbox"), ...words], {
    env: { PATH: `${bin}:/usr/bin:/bin`, ...env },
    encoding: "utf8",
    input: "",
  });
  const calls = existsSync(join(project, "calls"))
    ? readFileSync(join(project, "calls"), "utf8").trim().split("\n")
    : [];
  return { code: result.status, out: result.stdout, err: result.stderr, calls };
}
const APT = "apt-get noninteractive -qq -o DPkg::Lock::Timeout=300";
const hasTool = () => program("cbox-test-tool", "");

describe("./cbox", () => {
  it.each([undefined, "0", "1", "3"])(
    "keeps bash from reading ~/.bashrc for programs, where SHLVL is %s",
    (level) => {
      hasTool();
      const home = join(project, "home");
      mkdirSync(home);
      writeFileSync(join(home, ".bashrc"), "echo of the bashrc\n");
      // As zx runs commands: its pipes are sockets, which bash takes for a remote shell's.
      program(
        "node",
        `case $1 in --version) echo v20.1.0 ;; *) exec ${process.execPath} "${project}/run.cjs" ;; esac`,
      );
      writeFileSync(
        join(project, "run.cjs"),
        'console.log(require("node:child_process").execFileSync("bash", ["-c", "echo a command"], { input: "", encoding: "utf8" }))',
      );
      expect(cbox(["profiles"], { HOME: home, ...(level ? { SHLVL: level } : {}) }).out.trim()).toBe(
        "a command",
      );
    },
  );

  it("runs only the command where nothing is missing", () => {
    hasTool();
    expect(cbox(["build", "vm-amd64"])).toEqual({
      code: 0,
      out: "cli: build vm-amd64\n",
      err: "",
      calls: [],
    });
  });

  it.each([["profiles"], ["doctor"], ["--help"], ["build", "--help"], ["boot", "-h"]])(
    "does not install build packages for %s %s",
    (...words) => {
      expect(cbox(words)).toMatchObject({ code: 0, err: "", calls: [] });
    },
  );

  it("installs what the command needs and reports it, without asking where there is no terminal", () => {
    expect(cbox(["build", "vm-amd64"])).toEqual({
      code: 0,
      out: "cli: build vm-amd64\n",
      err: "Community Box needs these Debian packages: some-tool\nInstalled.\n",
      calls: [
        `${APT} --simulate install --no-install-recommends some-tool`,
        `${APT} install --yes --no-install-recommends some-tool`,
      ],
    });
  });

  it("installs everything for the commands that build and boot", () => {
    for (const command of ["demo", "test", "bench"]) {
      expect(cbox([command]).err).toContain("needs these Debian packages: some-tool some-file\n");
    }
  });

  it("installs what only boards need when the named profile, or a parent of it, is a board's", () => {
    mkdirSync(join(project, "profiles"));
    const profile = (id: string, text: string) => writeFileSync(join(project, `profiles/${id}.yaml`), text);
    profile("board", "id: board\nparent: family # of boards\n");
    profile("family", "id: family\narchitecture: arm64 # all of them\n");
    profile("pc", "id: pc\narchitecture: amd64\n");
    profile("circle", "id: circle\nparent: circle\n");
    hasTool();
    expect(cbox(["build", "board"]).err).toContain("packages: arm-tool both-tool\n");
    expect(cbox(["boot", "board", "--memory", "2G"]).err).toContain("packages: some-file arm-guest\n");
    for (const other of ["pc", "circle", "nothing"]) expect(cbox(["build", other]).err).toBe("");
  });

  it("installs the emulator for a board of 32-bit x86 only where the kernel cannot run its programs", () => {
    mkdirSync(join(project, "profiles"));
    writeFileSync(join(project, "profiles/raspberry-pi.yaml"), "architecture: arm64\n");
    writeFileSync(join(project, "profiles/jetway-jbc362f36-i386.yaml"), "architecture: i386\n");
    hasTool();
    expect(cbox(["build", "jetway-jbc362f36-i386"]).err).toBe("");
    expect(cbox(["build", "--all"]).err).toContain("packages: arm-tool both-tool\n");
    runsI386(false);
    expect(cbox(["build", "jetway-jbc362f36-i386"]).err).toContain("packages: both-tool old-tool\n");
    expect(cbox(["build", "--all"]).err).toContain("packages: arm-tool both-tool old-tool\n");
  });

  it("fetches package lists only when they lack the package, and continues despite a broken repository", () => {
    aptGet("case $* in *--simulate*|*update*) exit 100 ;; esac");
    const { code, calls } = cbox(["build"]);
    expect(code).toBe(0);
    expect(calls).toEqual([
      `${APT} --simulate install --no-install-recommends some-tool`,
      `${APT} update`,
      `${APT} install --yes --no-install-recommends some-tool`,
    ]);
  });

  it("prints APT's own messages and the command to run when APT fails: packages-failed", () => {
    aptGet('case $* in *--yes*) echo "E: Unable to locate package some-tool"; exit 100 ;; esac');
    const { code, err, out } = cbox(["build"]);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain("E: Unable to locate package some-tool\n");
    expect(err).toContain(
      "error: The packages could not be installed; APT's own words are above. [packages-failed]\n",
    );
    expect(err).toContain("hint:  apt-get install --no-install-recommends some-tool\n");
  });

  it("uses sudo where the user is not root", () => {
    program("id", "echo 1000");
    program("sudo", `echo "sudo $1" >>"${project}/calls"; exec "$@"`);
    const { code, calls } = cbox(["build"]);
    expect(code).toBe(0);
    expect(calls[0]).toBe("sudo env");
    expect(calls[1]).toContain("--simulate install");
  });

  it("prints the command to run where there is no sudo either: packages-missing", () => {
    program("id", "echo 1000");
    const tools = join(project, "tools");
    mkdirSync(tools);
    for (const tool of ["sh", "readlink", "dirname"]) copyFileSync(`/usr/bin/${tool}`, join(tools, tool));
    // A PATH without /usr/bin, and the launcher's own additions hold no sudo.
    const { code, err } = cbox(["build"], { PATH: `${bin}:${tools}` });
    expect(code).toBe(1);
    expect(err).toContain("error: Installing them needs root, and there is no sudo. [packages-missing]\n");
    expect(err).toContain("hint:  as root: apt-get install --no-install-recommends some-tool\n");
  });

  it("asks on a terminal, respects a no, and does not ask with --yes or in CI", () => {
    const onTerminal = (answer: string, words: string, env: Record<string, string> = {}) =>
      spawnSync("script", ["-qec", `sh ${join(project, "cbox")} ${words}`, "/dev/null"], {
        env: { PATH: `${bin}:/usr/bin:/bin`, ...env },
        encoding: "utf8",
        input: `${answer}\n`,
      });
    const no = onTerminal("n", "build");
    expect(no.stdout).toContain("Install them now? [Y/n] ");
    expect(no.stdout).toContain("error: They are needed for this command. [packages-missing]");
    expect(no.status).toBe(1);
    expect(existsSync(join(project, "calls"))).toBe(false);
    expect(onTerminal("", "build")).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("Installed."),
    });
    expect(onTerminal("n", "build --yes").stdout).not.toContain("[Y/n]");
    expect(onTerminal("n", "build", { CI: "true" }).stdout).not.toContain("[Y/n]");
  });

  it("refuses a Node.js that is too old: node-too-old", () => {
    program("node", "echo v18.19.0");
    expect(cbox(["profiles"])).toMatchObject({
      code: 1,
      err: "error: Node.js 20 or newer is needed; this is v18.19.0. [node-too-old]\nhint:  Debian 13 (trixie) has it: apt-get install nodejs\n",
    });
  });

  it("runs npm ci once where the packages are missing or older than the lock file", () => {
    npmHasRun(-60);
    expect(cbox(["profiles"])).toMatchObject({
      code: 0,
      err: "Installing the JavaScript packages (npm ci) ...\n",
      calls: ["npm ci --include=dev --no-audit --no-fund --loglevel=error"],
    });
    expect(cbox(["profiles"]).calls.length).toBe(1);
  });

  it("prints npm's own messages and the command to run when npm fails: npm-failed", () => {
    npmHasRun(-60);
    writeFileSync(join(project, "npm-fails"), "");
    const { code, err, out } = cbox(["profiles"]);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain(
      "error: npm could not install the JavaScript packages; its own words are above. [npm-failed]\n",
    );
    expect(err).toContain(`hint:  cd ${project} && npm ci\n`);
  });

  it("works from another directory and through a link, and passes arguments with spaces unchanged", () => {
    program(
      "node",
      'case $1 in --version) echo v22.0.0 ;; *) for word in "$@"; do echo "<$word>"; done ;; esac',
    );
    const link = join(bin, "linked-cbox");
    spawnSync("ln", ["-s", join(project, "cbox"), link]);
    const { stdout } = spawnSync("sh", [link, "profile", "show", "a b"], {
      env: { PATH: `${bin}:/usr/bin:/bin` },
      encoding: "utf8",
      cwd: "/",
    });
    expect(stdout.split("\n").slice(0, -1)).toEqual([
      `<${project}/image/start.mjs>`,
      "<profile>",
      "<show>",
      "<a b>",
    ]);
  });
});

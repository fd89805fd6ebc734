// SPDX-License-Identifier: GPL-3.0-or-later
// Profiles as a person writes them: what comes out, and what each kind of mistake says.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeFailure } from "../../../../common/fail.ts";
import { describeOrigins } from "../../../../image/commands/profile.ts";
import { describeProfiles } from "../../../../image/commands/profiles.ts";
import { PROFILES } from "../../../../image/host/paths.ts";
import {
  listProfiles,
  profileOrigins,
  resolveProfile,
  showProfile,
} from "../../../../image/profile/index.ts";
import { failureOf } from "../../../failure-of.ts";

describe("the profiles of the project", () => {
  const buildable = listProfiles().filter((profile) => !profile.abstract);

  it("are all valid", () => {
    expect(listProfiles().flatMap(({ problem }) => (problem ? [describeFailure(problem)] : []))).toEqual([]);
    expect(buildable.map(({ id }) => id)).toContain("vm-amd64");
  });

  it.each(buildable.map(({ id }) => id))("include %s, which resolves and is deeply frozen", (id) => {
    const profile = resolveProfile(id);
    expect(profile).toMatchObject({ id, abstract: false });
    expect(() => (profile.kernel.arguments as string[]).push("quiet")).toThrow(TypeError);
    expect(() => Object.assign(profile, { id: "x" })).toThrow(TypeError);
    expect(profile).not.toHaveProperty("parent");
  });

  it("include vm-amd64 as the lab, the tests and QEMU expect it", () => {
    expect(resolveProfile("vm-amd64")).toMatchObject({
      architecture: "amd64",
      kernel: { package: "linux-image-amd64" },
      consoles: [
        { device: "tty1", kernel: "tty0" },
        { device: "hvc0", kernel: "hvc0" },
        { device: "ttyS0", kernel: "ttyS0,115200", speed: 115200 },
      ],
      overlays: ["base", "image", "screen", "pc-x86"],
      outputs: ["qcow2"],
      boot: { firmware: ["bios", "efi64", "efi32"], mount: "/boot/efi", size_mib: 64 },
      qemu: {
        system: "x86_64",
        machine: "q35",
        cpu: "max",
        memory_mib: 1024,
        disk: "virtio",
        network: "virtio-net-pci",
      },
    });
  });

  it("include jetway-jbc362f36-i386, an older Debian with the rest of the board's profile unchanged", () => {
    const [board, old] = ["jetway-jbc362f36", "jetway-jbc362f36-i386"].map((id) => resolveProfile(id));
    expect(board).toMatchObject({ release: "trixie", contexts: "incus", security_archive: true });
    expect(old).toMatchObject({
      ...{ release: "bookworm", architecture: "i386", contexts: "none", security_archive: false },
      boot: { firmware: ["bios"] },
      kernel: { package: "linux-image-686-pae", arguments: board?.kernel.arguments },
      ...{ hardware: board?.hardware, consoles: board?.consoles, watchdog: board?.watchdog },
    });
    expect(old?.base_packages.filter((name) => /incus|repart|btrfs/.test(name))).toEqual([]);
  });

  it("name the published schema on their first line, as the community file does", () => {
    const firstLine = (path: string) => readFileSync(join(PROFILES, path), "utf8").split("\n")[0];
    for (const { id } of listProfiles()) {
      expect(firstLine(`${id}.yaml`)).toBe("# yaml-language-server: $schema=schemas/profile.schema.json");
    }
    for (const name of readdirSync(join(PROFILES, "communities"))) {
      expect(firstLine(`communities/${name}`)).toBe(
        "# yaml-language-server: $schema=../schemas/community.schema.json",
      );
    }
  });
});

const FAMILY = `
id: family
title: A family
abstract: true
release: trixie
architecture: amd64
base_packages: [systemd, nano]
packages: []
kernel: { package: linux-image-amd64, arguments: [], initramfs_modules: [] }
consoles:
  - { device: tty1, kernel: tty0 }
  - { device: ttyS0, kernel: "ttyS0,115200", speed: 115200 }
overlays: [base]
boot: { firmware: [bios], mount: /boot/efi, size_mib: 64 }
disk: { root_slack_mib: 200, root_max_gib: 8, minimum_gib: 4 }
memory_mib: { minimum: 512, recommended: 1024 }
qemu: { system: x86_64, machine: q35, cpu: max, memory_mib: 1024, disk: virtio, network: virtio-net-pci }
`;
const BOX = "id: box\ntitle: A box\nparent: family\n";

describe("a user's profiles", () => {
  let dir = "";
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "cbox-profiles-"));
    write("family", FAMILY);
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const write = (id: string, text: string) => writeFileSync(join(dir, `${id}.yaml`), text);
  const options = () => {
    mkdirSync(join(dir, "overlays", "base"), { recursive: true });
    return { dir, overlays: join(dir, "overlays") };
  };
  const resolve = (id = "box") => resolveProfile(id, options());
  const mistake = async (text: string) => {
    write("box", text);
    const { code, message, found, hint } = await failureOf(() => resolve());
    return { code, what: message, found: found?.replaceAll(`${dir}/`, ""), hint };
  };
  const hint = "correct the file, then look at the result with: ./cbox profile show box";

  it("give the same text, whatever the order of the keys", () => {
    write("box", `${BOX}packages: [vim]\ndisk: { minimum_gib: 8 }\n`);
    const one = JSON.stringify(resolve());
    const boot = "boot: { firmware: [bios], mount: /boot/efi, size_mib: 64 }\n";
    write(
      "family",
      `boot: { size_mib: 64, mount: /boot/efi, firmware: [bios] }\n${FAMILY.replace(boot, "")}`,
    );
    write("box", `disk: { minimum_gib: 8 }\npackages: [vim]\n${BOX}`);
    expect(JSON.stringify(resolve())).toBe(one);
  });

  it("can remove a console of the parent", () => {
    write("box", `${BOX}consoles: ["-ttyS0"]\n`);
    expect(resolve().consoles).toEqual([{ device: "tty1", kernel: "tty0" }]);
  });

  it("do not inherit description, title and abstractness", () => {
    write("family", `${FAMILY}description: of the family\n`);
    write("box", BOX);
    expect(resolve()).toMatchObject({ id: "box", title: "A box", description: "", abstract: false });
  });

  it("are reported when unknown: profile-unknown", async () => {
    write("box", BOX);
    const failure = await failureOf(() => resolve("bxo"));
    expect(failure).toMatchObject({
      code: "profile-unknown",
      message: 'There is no profile "bxo"; did you mean "box"?',
      found: "the profiles box, family",
      hint: "./cbox profiles",
    });
    expect((await failureOf(() => resolve("../../etc/passwd"))).message).toBe(
      'There is no profile "../../etc/passwd".',
    );
  });

  it("are refused when abstract: profile-abstract", async () => {
    write("box", BOX);
    expect(await failureOf(() => resolve("family"))).toMatchObject({
      code: "profile-abstract",
      message: 'The profile "family" is a family that other profiles continue; it cannot be built itself.',
      hint: "build one of: box",
    });
    expect(showProfile("family", options())).toMatchObject({ id: "family", abstract: true });
  });

  it("are refused with an unknown parent: profile-parent-unknown", async () => {
    expect(await mistake(BOX.replace("parent: family", "parent: famly"))).toEqual({
      code: "profile-parent-unknown",
      what: 'The profile "box" continues "famly", which does not exist.',
      found: "box.yaml:3: parent: famly",
      hint: 'did you mean "family"?',
    });
  });

  it("are refused in a cycle: profile-cycle", async () => {
    write("family", FAMILY.replace("abstract: true", "parent: box"));
    expect(await mistake(BOX)).toEqual({
      code: "profile-cycle",
      what: 'The profile "family" is its own ancestor.',
      found: "family.yaml:4: box -> family -> box",
      hint: "remove or change one of these parent lines",
    });
    expect((await mistake(BOX.replace("family", "box"))).found).toBe("box.yaml:3: box -> box");
  });

  it("are refused with the line when they are not YAML: yaml-invalid", async () => {
    expect(await mistake(`${BOX}kernel: [quiet\ndisk: 3\n`)).toMatchObject({
      code: "yaml-invalid",
      what: `${dir}/box.yaml is not valid YAML.`,
      found: expect.stringMatching(/^box\.yaml:\d: .*[Ff]low/),
      hint: "look at the quotes, brackets, colons and indentation around that line",
    });
    expect(await mistake(`${BOX}title: Again\n`)).toMatchObject({
      code: "yaml-invalid",
      found: "box.yaml:4: Map keys must be unique",
      hint: "each key may stand once; join the two",
    });
    expect((await mistake(`${BOX}kernel:\n\targuments: []\n`)).hint).toBe(
      "indent with spaces; YAML does not allow tabs",
    );
    expect((await mistake(`${BOX}kernel:\n   package: a\n  arguments: []\n`)).hint).toBe(
      "entries of one mapping or list start in the same column",
    );
  });

  it("are refused for a mistyped key, with file, line, and the intended key: profile-invalid", async () => {
    expect(await mistake(`${BOX}kernel:\n  packge: linux-image-amd64\n`)).toEqual({
      code: "profile-invalid",
      what: 'The profile "box" has a mistake.',
      found:
        "box.yaml:5: kernel.packge: expected only the keys package, suite, minimum, arguments, initramfs_modules, blacklist, found an unknown key." +
        ' Did you mean "package"?',
      hint,
    });
  });

  it("are refused with all mistakes of all files of the chain together: profile-invalid", async () => {
    write(
      "family",
      FAMILY.replace("architecture: amd64", "architecture: amd46").replace("root_slack_mib", "root_slak_mib"),
    );
    const { what, found } = await mistake(`${BOX}packages: vim\nboot: { size_mib: 1 }\nid2: x\n`);
    expect(what).toBe('The profile "box" has 5 mistakes.');
    expect(found?.split("\n  - ").slice(1).sort()).toEqual([
      'box.yaml:4: packages: expected a list, found "vim".',
      "box.yaml:5: boot.size_mib: expected a number from 34 to 4096, found 1.",
      expect.stringMatching(
        /^box\.yaml:6: id2: expected only the keys .*, found an unknown key\. Did you mean "id"\?$/,
      ),
      'family.yaml:15: disk.root_slak_mib: expected only the keys root_slack_mib, root_max_gib, minimum_gib, found an unknown key. Did you mean "root_slack_mib"?',
      'family.yaml:6: architecture: expected one of amd64, arm64, i386, armhf, found "amd46". Did you mean "amd64"?',
    ]);
  });

  it("are refused for an invalid entry of a list, with its line: profile-invalid", async () => {
    expect((await mistake(`${BOX}packages:\n  - vim\n  - Not A Package\n`)).found).toBe(
      'box.yaml:6: packages[1]: expected the name of a Debian package, such as nano, found "Not A Package".',
    );
    expect((await mistake(`${BOX}consoles: [ttyS0]\n`)).found).toBe(
      'box.yaml:4: consoles[0]: expected a mapping with device, or "-" and the device of an inherited entry, found "ttyS0".',
    );
    expect((await mistake(`${BOX}consoles: [{ speed: 9600 }]\n`)).found).toBe(
      'box.yaml:4: consoles[0].device: expected a terminal such as tty1 or ttyS0, found nothing. Add "device".',
    );
  });

  it("are refused for removing what does not exist: profile-invalid", async () => {
    expect((await mistake(`${BOX}base_packages: [-nanoo]\n`)).found).toBe(
      'box.yaml:4: "-nanoo" takes nanoo off the parent\'s list, but it is not there.',
    );
  });

  it("are refused for what the whole chain lacks: profile-invalid", async () => {
    const { found, what } = await mistake("id: box\ntitle: A box\nrelease: trixie\n");
    expect(what).toBe('The profile "box" has 9 mistakes.');
    expect(found).toContain(
      'box and its parents: architecture: expected one of amd64, arm64, i386, armhf, found nothing. Add "architecture".',
    );
  });

  it("are refused for an id that is not the file's name: profile-invalid", async () => {
    expect((await mistake(BOX.replace("id: box", "id: bax"))).found).toBe(
      'box.yaml:1: id: expected "box", the name of the file, found "bax". Rename the file or change the id.',
    );
  });

  it("are refused for contradicting values: profile-invalid", async () => {
    expect((await mistake(`${BOX}memory_mib: { recommended: 256 }\n`)).found).toBe(
      "memory_mib: expected recommended (256) to be at least minimum (512).",
    );
    expect((await mistake(`${BOX}architecture: arm64\n`)).found).toBe(
      "boot.firmware: bios exists on amd64 and i386 only, but architecture is arm64.",
    );
    expect((await mistake(`${BOX}overlays: [bases]\n`)).found).toBe(
      'overlays: there is no folder overlays/bases. Did you mean "base"?',
    );
  });

  it("are refused when empty, with what is missing", async () => {
    expect((await mistake("")).found).toContain(
      'id: expected lower-case letters, digits and hyphens, such as vm-amd64, found nothing. Add "id".',
    );
  });

  it("resolve with the origin of every leaf: its file and line", () => {
    write("box", `${BOX}packages: [vim]\nqemu:\n  disk: ide\n`);
    const origins = profileOrigins("box", options());
    const of = (field: string) => origins.find((origin) => origin.field === field);
    expect(of("packages[0]")).toEqual({
      field: "packages[0]",
      value: "vim",
      file: join(dir, "box.yaml"),
      line: 4,
    });
    expect(of("qemu.disk")).toMatchObject({ value: "ide", file: join(dir, "box.yaml"), line: 6 });
    expect(of("qemu.cpu")).toMatchObject({ value: "max", file: join(dir, "family.yaml"), line: 17 });
    expect(of("abstract")).toEqual({ field: "abstract", value: false });
    expect(describeOrigins(origins)).toMatch(/^abstract +false +\(default\)$/m);
    expect(describeOrigins(origins)).toMatch(/^qemu\.disk +ide +\S+\/box\.yaml:6$/m);
  });

  it("are listed when invalid, with what is wrong", () => {
    write("box", `${BOX}packges: []\n`);
    const text = describeProfiles(listProfiles(dir));
    expect(text).toContain('box cannot be used: The profile "box" has a mistake.');
    expect(text).toContain('Did you mean "packages"?');
    expect(text).toContain("  family  A family");
  });
});

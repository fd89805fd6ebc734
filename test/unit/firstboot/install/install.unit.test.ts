// SPDX-License-Identifier: GPL-3.0-or-later
// The installer: which disks will do, what is refused and in which words, the set-up that ends with it, a power cut after
// each single effect, and what is on the disk then.

import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ConsoleSession, ControlLock } from "../../../../firstboot/console/session.ts";
import { openLog } from "../../../../firstboot/host/log.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { entriesNamed } from "../../../../firstboot/install/bootloader.ts";
import { contentsText, parseDisks } from "../../../../firstboot/install/disks.ts";
import { labelsFor, relabel } from "../../../../firstboot/install/labels.ts";
import { systemLayout, tableScript } from "../../../../firstboot/install/layout.ts";
import { checkFile } from "../../../../firstboot/setup/answers/check.ts";
import { SetupRunner } from "../../../../firstboot/setup/runner.ts";
import { steps, stepsHere } from "../../../../firstboot/steps/index.ts";
import { ANSWERS_FILE, IMAGE, PASSWORD, REPORT_FILE, VALID_ANSWERS } from "../../helpers/fake-box.ts";
import { INSTALL_IMAGE, InstallBox } from "../../helpers/install-box.ts";
import { Person } from "../../helpers/person.ts";

const ANSWERS = `${VALID_ANSWERS}install: { to: auto, erase: true }\n`;
const GIB = 1024 ** 3;

async function open(box: InstallBox): Promise<SetupRunner> {
  const here = await stepsHere(box, INSTALL_IMAGE);
  return SetupRunner.open({ box, image: INSTALL_IMAGE, steps: here, log: openLog(box) });
}

function boxWith(answers: string): InstallBox {
  const box = new InstallBox();
  box.files.set(ANSWERS_FILE, answers);
  if (answers === ANSWERS) box.files.set("/etc/ssh/ssh_host_ed25519_key", "of the stick");
  return box;
}

const BUSY = /^(reading|finishing)$|_check$|^(apply|verify)_/;

/** Lets the set-up run until the power is cut, or nothing happens any more without a person. */
async function settle(runner: SetupRunner, box: InstallBox): Promise<string> {
  for (let quiet = 0; quiet < 10 && !box.isOff; ) {
    const before = `${runner.state} ${box.effects.length}`;
    await new Promise((resolve) => setImmediate(resolve));
    const isBusy = BUSY.test(runner.state) || before !== `${runner.state} ${box.effects.length}`;
    // Loading a module takes real time.
    if (isBusy) await new Promise((resolve) => setTimeout(resolve, 0));
    quiet = isBusy ? 0 : quiet + 1;
  }
  return runner.state;
}

describe("the disks of a box", () => {
  const disk = (name: string, more: object) => ({
    ...{ path: `/dev/${name}`, name, type: "disk", size: 32 * GIB, mountpoints: [null] },
    ...more,
  });
  const root = { path: "/dev/sda3", size: GIB, mountpoints: ["/"] };
  const stick = disk("sda", { tran: "usb", rm: true, children: [root] });
  const faults = (others: object[], cards = new Set<string>()) =>
    Object.fromEntries(
      parseDisks(JSON.stringify({ blockdevices: [stick, ...others] }), 4, cards).others.map(
        ({ name, fault }) => [name, fault],
      ),
    );

  test("are suitable, or unsuitable with a reason", () => {
    const others = [
      disk("sdb", {}),
      disk("nvme0n1", { "log-sec": 4096 }),
      disk("sdc", { tran: "usb" }),
      disk("mmcblk0", {}),
      disk("mmcblk1", {}),
      disk("mmcblk0boot0", { size: 4 * 1024 ** 2 }),
      disk("sdd", { size: 2 * GIB }),
      disk("sdh", { size: 4_000_000_000 }),
      disk("sde", { ro: true }),
      disk("sdf", { children: [{ path: "/dev/sdf1", children: [{ mountpoints: ["/srv"] }] }] }),
      disk("sdg", { children: [{ mountpoints: ["/run/community-box/install/to"] }] }),
      disk("zram0", {}),
    ];
    expect(faults(others, new Set(["mmcblk1"]))).toEqual({
      ...{ sdb: undefined, nvme0n1: "sectors", sdc: "portable", mmcblk0: undefined, mmcblk1: "portable" },
      ...{ sdd: "small", sde: "used", sdf: "used", sdg: undefined, sdh: undefined },
    });
  });

  test("are all unsuitable when it is unknown which one the box runs from", () => {
    expect(parseDisks(JSON.stringify({ blockdevices: [disk("sdb", {})] }), 4).candidates).toEqual([]);
    expect(parseDisks("no JSON", 4).candidates).toEqual([]);
  });

  test("are described with the labels and sizes of what would be lost", () => {
    const children = [
      { path: "/dev/sdb1", size: 104857600, fstype: "vfat", label: "SYSTEM" },
      { path: "/dev/sdb2", size: 30e9, fstype: "ntfs", label: null, partlabel: "Basic data" },
      { path: "/dev/sdb3", size: 1e6 },
    ];
    const text = (more: object) => {
      const { others } = parseDisks(JSON.stringify({ blockdevices: [stick, disk("sdb", more)] }), 4);
      return contentsText(others[0]!);
    };
    expect(text({ children })).toBe(
      'sdb1 vfat "SYSTEM" 104.9 MB; sdb2 ntfs "Basic data" 30.0 GB; sdb3 1.0 MB',
    );
    expect(text({ fstype: "ext4" })).toBe("ext4");
    expect(text({})).toBe("-");
  });

  test("get a partition table with the places of the stick's, and a small root", () => {
    const parts = [
      {
        node: "/dev/sda1",
        start: 2048,
        size: 2048,
        type: "21686148-6449-6E6F-744E-656564454649",
        name: "bios",
      },
      { node: "/dev/sda2", start: 4096, size: 131072, type: "T2", name: "cbox-boot", uuid: "U2" },
      { node: "/dev/sda3", start: 135168, size: 9999999, type: "T3", name: "cbox-root" },
      { node: "/dev/sda4", start: 99999999, size: 5, type: "T4", name: "CBOX-DATA" },
    ];
    const json = JSON.stringify({ partitiontable: { label: "gpt", partitions: parts } });
    const layout = systemLayout(json, "/dev/sda3", "/dev/sda2");
    expect(layout).toMatchObject({ bios: 1, boot: 2, root: 3 });
    expect(tableScript(layout!, 1000).split("\n").slice(4)).toEqual([
      '1 : start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649, name="bios"',
      '2 : start=4096, size=131072, type=T2, name="cbox-boot"',
      '3 : start=135168, size=2048000, type=T3, name="cbox-root"',
      "",
    ]);
    expect(systemLayout(json, "/dev/sda3", undefined)).toBeUndefined();
    expect(systemLayout(json.replace("gpt", "dos"), "/dev/sda3", "/dev/sda2")).toBeUndefined();
  });

  test("get labels of their own, also when installed from an installed disk", () => {
    const labels = labelsFor("1a2b3c4d-0000-4000-8000-000000000000");
    expect(labels).toEqual({ root: "CBOX-ROOT-1A2B3C", boot: "CBOX-1A2B3C" });
    const fstab = "LABEL=CBOX-ROOT / ext4\nLABEL=CBOX-BOOT /boot/efi vfat\n";
    const installed = "LABEL=CBOX-ROOT-1A2B3C / ext4\nLABEL=CBOX-1A2B3C /boot/efi vfat\n";
    expect(relabel(fstab, labels)).toBe(installed);
    expect(relabel(installed, labelsFor("99999999-"))).toBe(
      "LABEL=CBOX-ROOT-999999 / ext4\nLABEL=CBOX-999999 /boot/efi vfat\n",
    );
    expect(relabel("UUID=1 / ext4", labels)).toBeUndefined();
  });

  test("have old boot entries in the firmware, which are found by their exact name", () => {
    const output = [
      "BootCurrent: 0003",
      "BootOrder: 0003,0000",
      "Boot0000* UiApp\tFvVol(1)",
      "Boot0003* Community Box\tHD(2,GPT,a)/File(\\EFI\\BOOT\\BOOTX64.EFI)",
      "Boot000A  Community Box\tHD(2,GPT,b)/File(\\EFI\\BOOT\\BOOTX64.EFI)",
      "Boot0004* Community Box of another kind\tHD(1,GPT,c)",
    ].join("\n");
    expect(entriesNamed("Community Box", output)).toEqual(["0003", "000A"]);
  });
});

describe("the install step", () => {
  const ids = async (box: InstallBox, image = INSTALL_IMAGE as typeof IMAGE) =>
    (await stepsHere(box, image)).map(({ id }) => id);
  const usual = steps.map(({ id }) => id);

  test("comes first with a suitable disk, and is absent without one or where the profile does not have it", async () => {
    const box = new InstallBox();
    expect(await ids(box)).toEqual(["install", ...usual]);
    expect(await ids(box, IMAGE)).toEqual(usual);
    box.disk.size = GIB;
    expect(await ids(box)).toEqual(usual);
  });
});

describe("an answers file is refused", () => {
  const problems = async (install: object, change: (box: InstallBox) => void = () => {}) => {
    const box = new InstallBox();
    change(box);
    const file = { version: 1, system: { owner: { name: "anna", password: PASSWORD } }, install };
    const here = await stepsHere(box, INSTALL_IMAGE);
    return (await checkFile(file, here, box, INSTALL_IMAGE)).problems.map(({ field, expected }) => [
      field,
      expected,
    ]);
  };

  test("without erase: true", async () => {
    const words = "Nothing is erased unless this says true.";
    expect(await problems({ to: "vda" })).toEqual([["install.erase", words]]);
    expect(await problems({ to: "auto", erase: false })).toEqual([["install.erase", words]]);
    expect(await problems({ to: "vda", erase: true })).toEqual([]);
    expect(await problems({ to: "here" })).toEqual([]);
    expect(await problems({})).toEqual([]);
  });

  test("when several disks match, with their names", async () => {
    const another = (box: InstallBox) => void box.more.push({ name: "vdb", size: 20 * GIB, model: "Nova" });
    expect(await problems({ to: "auto", erase: true }, another)).toEqual([
      [
        "install.to",
        "There is more than one disk it could be: name one. There are: vda, 17.2 GB; vdb, 21.5 GB, Nova.",
      ],
    ]);
    expect(await problems({ to: "vdb", erase: true }, another)).toEqual([]);
  });

  test("when the disk does not exist or is unsuitable", async () => {
    const word = async (to: string, change?: (box: InstallBox) => void) =>
      (await problems({ to, erase: true }, change))[0]?.[1];
    expect(await word("vdx")).toBe("There is no such disk. To be installed to: vda, 17.2 GB.");
    expect(await word("sda")).toBe("The box runs from this disk.");
    expect(await word("4C530001")).toBe("The box runs from this disk.");
    const add = (more: object) => (box: InstallBox) =>
      void box.more.push({ name: "sdb", size: 20 * GIB, ...more });
    expect(await word("sdb", add({ tran: "usb" }))).toBe("This is a stick or a card, not a disk of the box.");
    expect(await word("sdb", add({ size: GIB }))).toBe(
      "This disk has only 1.1 GB; at least 4 GB are needed.",
    );
    expect(await word("sdb", add({ children: [{ mountpoints: ["/srv"] }] }))).toBe(
      "This disk is in use or cannot be written to.",
    );
    expect(await word("sdb", add({ "log-sec": 4096 }))).toMatch(/sectors of another size/);
  });

  test("where nothing can be installed, with a message of its own", async () => {
    const small = (box: InstallBox) => {
      box.disk.size = GIB;
    };
    const [[field, words] = []] = await problems({ to: "auto", erase: true }, small);
    expect(field).toBe("install");
    expect(words).toMatch(/^There is nothing to install here: no disk that will do/);
  });
});

/** What has to be true of a disk that starts. */
function expectWhole(box: InstallBox): void {
  const { installed } = box;
  const root = box.labels.get("/dev/vda3");
  const boot = box.labels.get("/dev/vda2");
  expect(root).toMatch(/^CBOX-ROOT-[0-9A-F]{6}$/);
  expect(installed.get("/etc/fstab")).toBe(`LABEL=${root} / ext4\nLABEL=${boot} /boot/efi vfat\n`);
  expect(installed.get("/boot/efi/EFI/debian/grub.cfg")).toBe(
    `search --set=root --label ${root}\nlinux /vmlinuz root=LABEL=${root} ro\n`,
  );
  expect(installed.get("/boot/efi/EFI/BOOT/BOOTX64.EFI")).toBe("loader");
  expect(installed.get("/etc/machine-id")).toBe("");
  expect(installed.has("/etc/ssh/ssh_host_ed25519_key")).toBe(false);
  expect([...installed.keys()].filter((path) => /^\/var\/(lib\/community-box|log)\//.test(path))).toEqual([]);
  expect(installed.get("/boot/efi/ca.pem")).toBe("no certificate");
  expect(parse(installed.get(ANSWERS_FILE) ?? "")).toEqual(parse(VALID_ANSWERS));
  expect(installed.has(REPORT_FILE)).toBe(false);
  expect(box.hasCore).toBe(true);
}

describe("an answers file", () => {
  test("moves the box to the disk, restarts it, and leaves the stick unchanged", async () => {
    const box = boxWith(ANSWERS);
    const runner = await open(box);
    runner.start();
    expect(await settle(runner, box)).toBe("moved");
    expectWhole(box);
    expect(box.starts && box.isActive).toBe(true);
    expect(box.system.commands.filter((line) => line.startsWith("systemctl"))).toEqual(["systemctl reboot"]);
    expect(box.files.get(ANSWERS_FILE)).toBe(ANSWERS);
    expect(box.files.has(paths.configured)).toBe(false);
    expect(runner.progress[0]?.values).toEqual({ number: 1, total: 1 });
  });

  test("survives a power cut after any effect: the disk is complete or does not start, and the next run completes it", async () => {
    const dry = boxWith(ANSWERS);
    const whole = await open(dry);
    whole.start();
    await settle(whole, dry);
    expect(dry.effects.length).toBeGreaterThan(40);
    for (let cut = 0; cut < dry.effects.length; cut++) {
      const box = boxWith(ANSWERS);
      box.cutAfter(cut);
      const first = await open(box).catch(() => undefined);
      first?.start();
      if (first) await settle(first, box);
      first?.stop();
      if (box.starts || box.installed.has("/boot/efi/EFI/BOOT/BOOTX64.EFI")) {
        expect(box.installed.get("/etc/machine-id"), `cut ${cut}`).toBe("");
        expect(box.installed.get("/boot/efi/EFI/debian/grub.cfg"), `cut ${cut}`).toContain("CBOX-ROOT-");
      }
      if (box.starts) expectWhole(box);
      box.powerOn();
      const second = await open(box);
      second.start();
      expect(await settle(second, box), `cut ${cut}`).toBe("moved");
      expectWhole(box);
      expect(box.isActive, `cut ${cut}`).toBe(true);
      second.stop();
    }
  }, 600_000);

  test("does not restart a box again that starts from the stick once more", async () => {
    const box = boxWith(ANSWERS);
    const first = await open(box);
    first.start();
    await settle(first, box);
    first.stop();
    box.powerOn();
    const before = box.system.commands.length;
    const again = await open(box);
    again.start();
    expect(await settle(again, box)).toBe("moved");
    expect(box.system.commands.slice(before).filter((line) => /systemctl|wipefs/.test(line))).toEqual([]);
  });

  test("starts over when the stick is in another box", async () => {
    const box = boxWith(ANSWERS);
    const first = await open(box);
    first.start();
    await settle(first, box);
    first.stop();
    box.powerOn();
    box.disk.ptuuid = "other";
    box.starts = false;
    const next = await open(box);
    expect(next.isResumed).toBe(false);
    next.start();
    expect(await settle(next, box)).toBe("moved");
    expect(box.starts).toBe(true);
  });

  test("without a section install sets the box up where it runs", async () => {
    const box = boxWith(VALID_ANSWERS);
    const runner = await open(box);
    runner.start();
    await settle(runner, box);
    expect(runner.state).toBe("done");
    expect(box.system.commands.filter((line) => /wipefs|sfdisk/.test(line))).toEqual([]);
    expect(parse(box.files.get(REPORT_FILE) ?? "").steps.map(({ id }: { id: string }) => id)).toEqual(
      steps.map(({ id }) => id),
    );
    expect(parse(box.files.get(paths.answersKept) ?? "")).not.toHaveProperty("install");
  });

  test("fails with a clear message when the disk is gone, and other answers are accepted then", async () => {
    const box = boxWith(ANSWERS);
    const runner = await open(box);
    box.disk.size = GIB;
    runner.start();
    await settle(runner, box);
    // The file was read after the disk was gone: it is refused.
    expect(runner.state).toBe("file_refused");
    expect(runner.context.problems[0]?.expected).toBe("There is no disk in this box to install to.");
  });
});

describe("the install step at the console", () => {
  async function sitDown(box: InstallBox) {
    const runner = await open(box);
    runner.start();
    const person = new Person();
    const session = new ConsoleSession(person.terminal.port, runner, new ControlLock());
    person.type = (keys) => session.terminal.keys.push(Buffer.from(keys));
    const attended = session.attend();
    await person.sees("Press Enter to begin");
    person.type("\r");
    return { runner, person, session, attended };
  }

  test("shows what would be lost, asks to type the name, and ends with what to do next", async () => {
    const box = new InstallBox();
    box.disk.children = [
      { path: "/dev/vda1", size: 15e9, fstype: "ntfs", label: "Fotos", mountpoints: [null] },
    ];
    const { runner, person, session } = await sitDown(box);
    await person.answers("install/language", "3");
    await person.sees("[install/to]");
    await person.sees("1. Install to ");
    await person.sees("> ");
    person.type("1\r");
    await person.sees("will be lost: vda, 17.2 GB");
    await person.sees('vda1 ntfs\r\n  "Fotos" 15.0 GB');
    await person.sees("> ");
    person.type("sda\r");
    await person.sees("[error] This is not the name of the disk. To erase it, type: vda");
    await person.sees("> ");
    expect(box.system.commands.filter((line) => /wipefs|dd|sfdisk/.test(line))).toEqual([]);
    person.type("vda\r");
    await person.sees("[moved] Installed");
    expectWholeWithoutAnswers(box);
    person.type("\r");
    await settle(runner, box);
    expect(box.system.commands).toContain("systemctl poweroff");
    session.hangUp();
  });

  test("continues with the chosen language when the box shall run from here, and goes back", async () => {
    const box = new InstallBox();
    const { runner, person, session } = await sitDown(box);
    await person.answers("install/language", "3");
    await person.answers("install/to", "2");
    await person.sees("[system/language]");
    await person.sees("(3) > ");
    person.type("b\r");
    await person.sees("[install/language]");
    expect(runner.language).toBe("en");
    session.hangUp();
  });
});

function expectWholeWithoutAnswers(box: InstallBox): void {
  expect(box.starts).toBe(true);
  expect(box.installed.get("/etc/machine-id")).toBe("");
  expect(box.installed.has(ANSWERS_FILE)).toBe(false);
}

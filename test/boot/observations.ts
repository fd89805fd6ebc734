// SPDX-License-Identifier: GPL-3.0-or-later
// Observations of a box from inside, for assertions that apply to every profile.
import { SECTOR } from "../../image/disk/layout.ts";
import { BOOT_MS, type Box } from "./harness.ts";

export interface Health {
  /** systemd's own word, once the boot is over: "running". */
  readonly state: string;
  readonly failedUnits: string;
  readonly orderingCycles: string;
  readonly reachedTarget: boolean;
  readonly tainted: string;
}

export async function health(box: Box): Promise<Health> {
  const state = await box.shell("systemctl is-system-running --wait", { timeoutMs: BOOT_MS });
  return {
    state: state.stdout.trim(),
    failedUnits: await box.ask("systemctl list-units --failed --plain --no-legend"),
    orderingCycles: await box.ask("journalctl -b -o cat | grep -i 'ordering cycle' || true"),
    reachedTarget:
      (await box.shell("journalctl -b -o cat | grep -q 'Reached target multi-user.target'")).code === 0,
    tainted: await box.ask("cat /proc/sys/kernel/tainted"),
  };
}

export const HEALTHY: Health = {
  state: "running",
  failedUnits: "",
  orderingCycles: "",
  reachedTarget: true,
  tainted: "0",
};

export interface Identity {
  readonly machineId: string;
  /** Fingerprints of the SSH host keys; none before set-up. */
  readonly hostKeys: readonly string[];
}

export async function identity(box: Box): Promise<Identity> {
  const keys = await box.ask(
    "for k in /etc/ssh/ssh_host_*_key.pub; do [ ! -e $k ] || ssh-keygen -lf $k; done",
  );
  return {
    machineId: await box.ask("cat /etc/machine-id"),
    hostKeys: keys.split("\n").flatMap((line) => /SHA256:\S+/.exec(line) ?? []),
  };
}

/** Ports open to the network, as `tcp/22`; what only listens on the box itself is left out. */
export async function openPorts(box: Box): Promise<string[]> {
  const lines = (await box.ask("ss -Hlntu")).split("\n").filter(Boolean);
  const open = lines.flatMap((line) => {
    const [protocol, , , , local = ""] = line.split(/\s+/);
    const [, address = "", port] = /^(.*):(\d+)$/.exec(local) ?? [];
    return /^127\.|^\[::1\]/.test(address) ? [] : [`${protocol}/${port}`];
  });
  return [...new Set(open)].sort();
}

/** Accounts one could log in to with a password. */
export async function passwords(box: Box): Promise<string[]> {
  const shadow = await box.ask("cat /etc/shadow");
  return shadow.split("\n").flatMap((line) => {
    const [name = "", hash = ""] = line.split(":");
    return /^[!*]+$/.test(hash) ? [] : [name];
  });
}

/** Bytes of the root file system. */
export async function rootSize(box: Box): Promise<number> {
  return Number((await box.ask("df -B1 --output=size / | tail -n 1")).trim());
}

/** Bytes of the disk behind its last partition. */
export async function unclaimedSpace(box: Box): Promise<number> {
  const disk = "/sys/class/block/$(lsblk -no pkname $(findmnt -no source /))";
  const ends = await box.ask(
    `for p in ${disk}/*/partition; do cd ${"$"}{p%/*}; echo $(($(cat start) + $(cat size))); done`,
  );
  const size = Number(await box.ask(`cat ${disk}/size`));
  return (size - Math.max(...ends.split("\n").map(Number))) * SECTOR;
}

/** Lists everything that should stay as it is when a box that is set up starts again: name, size, time, owner, mode. */
export const CONFIGURATION =
  // The last one is there when somebody has begun.
  "find /etc /usr /boot /root /home $(ls -d /var/lib/community-box)" +
  " -type f -printf '%p %s %T+ %u:%g %m\\n' -o -type l -printf '%p -> %l\\n'";

export async function configuration(box: Box): Promise<string[]> {
  return (await box.ask(CONFIGURATION)).split("\n").sort();
}

/**
 * For each text the files and logs on the box that hold it. Looks where programs keep what they were told, once for all
 * texts: the contexts are below /var, too, and reading them takes an emulated processor a quarter of a minute.
 */
export async function placesHolding<const T extends readonly string[]>(
  box: Box,
  ...texts: T
): Promise<{ [K in keyof T]: string[] }> {
  const words = Buffer.from(texts.map((text) => `${text}\n`).join("")).toString("base64");
  const found = await box.ask(
    [
      "set -e; dir=$(mktemp -d /run/places.XXXXXX)",
      `base64 -d <<<${words} >$dir/texts`,
      "journalctl --no-pager >$dir/journal; dmesg >$dir/kernel",
      "grep -rlsZF -f $dir/texts /etc /var /root /home /tmp /run/community-box >$dir/files || true",
      "while IFS= read -r text; do echo =",
      '! grep -qF -e "$text" $dir/journal || echo journal',
      '! grep -qF -e "$text" $dir/kernel || echo kernel log',
      'xargs -0r grep -lsF -e "$text" <$dir/files || true',
      "done <$dir/texts; rm -r $dir",
    ].join("\n"),
    { timeoutMs: BOOT_MS },
  );
  const lists = found.split(/^=$/m).slice(1);
  return lists.map((list) => list.split("\n").filter(Boolean)) as { [K in keyof T]: string[] };
}

/** Waits until a text is on the screen. In the box that is a file, which has no event for a shell: it looks often. */
export async function onScreen(box: Box, text: string, { timeoutMs = 60_000 } = {}): Promise<void> {
  const found = `until grep -qF "${text}" /dev/vcs1; do sleep 0.2; done`;
  await box.ask(`timeout ${timeoutMs / 1000} sh -c '${found}'`, { timeoutMs: timeoutMs + 30_000 });
}

/** What a key of the screen's keyboard gives, by the kernel's number for it, such as "q" for 16 or "ntilde" for 39. */
export async function keyTop(box: Box, number: number): Promise<string | undefined> {
  const keys = await box.ask("dumpkeys --console=/dev/tty1");
  return new RegExp(`^keycode +${number} = \\+?(\\S+)`, "m").exec(keys)?.[1];
}

/** The watchdog that systemd keeps alive, by the name of its driver; undefined when it keeps none. */
export async function watchdog(box: Box): Promise<string | undefined> {
  const [state, driver] = (
    await box.ask("cd /sys/class/watchdog/watchdog0 && cat state identity || true")
  ).split("\n");
  return state === "active" ? driver : undefined;
}

/** Width of the UEFI in bits, as the kernel sees it; "BIOS" where there is none. */
export async function firmware(box: Box): Promise<string> {
  return box.ask("cat /sys/firmware/efi/fw_platform_size 2>/dev/null || echo BIOS");
}

/** The timers of security updates that wait, on the box or in the container of a context. */
export async function updateTimers(box: Box, context?: string): Promise<string[]> {
  const inside = context ? `incus exec ${context} --project ${context} -- ` : "";
  const units = "list-units --type=timer --state=active --plain --no-legend 'apt-daily*'";
  const lines = (await box.ask(`${inside}systemctl ${units}`)).split("\n").filter(Boolean);
  return lines.map((line) => line.split(" ", 1).join("")).sort();
}

/** What `cbox status --json` says of each step, by its name. */
export function stepStates(status: string): Readonly<Record<string, string>> {
  const { steps } = JSON.parse(status) as { readonly steps: readonly { step: string; state: string }[] };
  return Object.fromEntries(steps.map(({ step, state }) => [step, state]));
}

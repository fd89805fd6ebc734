// SPDX-License-Identifier: GPL-3.0-or-later
// The published archive of container-amd64 in the real LXC, on a plain Debian as somebody has it: made and started as
// its page says, with the set-up on the terminal it was started at; then by answers.yaml, to its end. And by a user
// without root.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildCommand, defaultOut } from "../../image/commands/build.ts";
import { CONTAINER_FILES } from "../../image/outputs/container.ts";
import { readManifest } from "../../image/published/manifest.ts";
import { plainMachine } from "../plain-debian.ts";
import { BOOT_MS, type Box, createBox } from "./harness.ts";
import { stepStates } from "./observations.ts";

const PROFILE = "container-amd64";
/** What `apt-get install lxc` brings and a container needs: LXC itself, and of what it recommends AppArmor and lxcfs. */
const PACKAGES = ["lxc", "apparmor", "lxcfs", "uidmap", "dbus-user-session", "xz-utils"];
/** Somebody who may start containers, but is not root; useradd gives him numbers for the accounts in them. */
const USER = "vei";
const SECRET = "dues oques a la bassa";
const ANSWERS = `version: 1
system: { language: en, hostname: pallissa, owner: { name: berta, password: "${SECRET}" } }
network: { method: dhcp }
vpn: { join: false }
`;
/** Unpacking half a gigabyte on an emulated processor. */
const SLOW = { timeoutMs: 900_000 };

let host: Box;

beforeAll(async () => {
  await buildCommand(PROFILE, {});
  const out = defaultOut(PROFILE);
  const { name } = (await readManifest(out))!;
  const part = (kind: string) => ({ from: join(out, `${name}.${kind}`) });
  const machine = await plainMachine("vm-amd64", "lxc", {
    packages: PACKAGES,
    customize: [`useradd --create-home --shell /bin/bash ${USER}`],
    files: {
      "/srv/NAME.lxc.tar.xz": part(CONTAINER_FILES.lxc),
      "/srv/NAME.rootfs.tar.xz": part(CONTAINER_FILES.rootfs),
      "/srv/answers.yaml": ANSWERS,
      "/etc/hostname": "servidor\n",
    },
    freeMib: 2048,
  });
  host = await createBox({ ...machine, memoryMib: 1536 });
  await host.powerOn();
  await host.expect(/servidor login: /, { timeoutMs: BOOT_MS + SLOW.timeoutMs });
  await host.ask("systemctl is-system-running --wait || true", SLOW);
  expect(
    await host.ask("systemctl is-active lxc-net || journalctl --no-pager --output cat --unit lxc-net"),
  ).toBe("active");
});

afterAll(async () => {
  await host?.destroy();
});

const inside = (command: string) => host.ask(`lxc-attach --name box1 -- sh -c '${command}'`, SLOW);
const state = () => inside("systemctl is-system-running --wait; systemctl --failed --no-legend");

describe("container-amd64 in LXC", () => {
  test("starts with the set-up on the terminal, and no failed unit", async () => {
    await host.ask(
      "cd /srv && lxc-create --name box1 --template local -- --metadata NAME.lxc.tar.xz --fstree NAME.rootfs.tar.xz",
      SLOW,
    );
    const start = "script --quiet --flush --command 'lxc-start --name box1 --foreground' /root/typed";
    await host.ask(`setsid ${start} >/dev/null 2>&1 </dev/null &`);
    await host.ask("until grep -q 'Press Enter to begin' /root/typed; do sleep 1; done", SLOW);
    expect(await state()).toBe("running");
    expect(await inside("systemd-detect-virt")).toBe("lxc");
    expect(await inside('cut -d: -f2 /etc/shadow | grep -c "^[$]" || true')).toBe("0");
    expect(await inside("cat /etc/machine-id")).toMatch(/^[0-9a-f]{32}$/);
    // The VPN's; opening it asks the container's list of devices.
    expect(await inside("exec 3<>/dev/net/tun && echo open")).toBe("open");
    await inside("systemctl poweroff");
    await host.ask("lxc-wait --name box1 --state STOPPED --timeout 120", SLOW);
  });

  test("is set up by answers.yaml, without contexts of its own", async () => {
    await host.ask("install -m 600 /srv/answers.yaml /var/lib/lxc/box1/rootfs/boot/");
    await host.ask("lxc-start --name box1", SLOW);
    await inside("until test -e /var/lib/community-box/configured; do sleep 1; done");
    expect(await state()).toBe("running");
    const states = stepStates(await inside("cbox status --json"));
    expect(states).toMatchObject({ system: "works", network: "works", contexts: "off" });
    expect(await inside("hostname; getent passwd berta | cut -d: -f1")).toBe("pallissa\nberta");
    expect(await inside("cat /boot/answers.yaml")).not.toContain(SECRET);
  });
});

describe("container-amd64 in LXC, of a user without root", () => {
  const CONFIGURATION = `lxc.include = /etc/lxc/default.conf
lxc.apparmor.profile = unconfined
lxc.idmap = u 0 100000 65536
lxc.idmap = g 0 100000 65536
`;
  const as = (command: string) =>
    host.ask(
      `runuser --login ${USER} --command 'export XDG_RUNTIME_DIR=/run/user/$(id -u); ${command}'`,
      SLOW,
    );
  const within = (command: string) => as(`lxc-unpriv-attach --name box2 -- sh -c "${command}"`);

  test("starts with the set-up on the terminal, and no failed unit", async () => {
    await host.ask("lxc-destroy --force --name box1", SLOW);
    await host.ask(`loginctl enable-linger ${USER} && echo "${USER} veth lxcbr0 10" >>/etc/lxc/lxc-usernet`);
    await as(
      "mkdir -p ~/.config/lxc ~/.local/share/lxc && chmod o+x ~ ~/.local ~/.local/share ~/.local/share/lxc",
    );
    expect(await host.ask("cat /etc/subuid /etc/subgid")).toBe(`${USER}:100000:65536\n${USER}:100000:65536`);
    await host.ask(`printf '%s' '${CONFIGURATION}' >/home/${USER}/.config/lxc/default.conf`);
    await as(
      "cd /srv && lxc-create --name box2 --template local -- --metadata NAME.lxc.tar.xz --fstree NAME.rootfs.tar.xz",
    );
    const start = 'script --quiet --flush --command "lxc-unpriv-start --name box2 --foreground" ~/typed';
    await as(`setsid ${start} >/dev/null 2>&1 </dev/null &`);
    await as(
      'for i in $(seq 300); do grep -q "Press Enter to begin" ~/typed && exit 0; sleep 1; done; cat ~/typed; exit 1',
    );
    expect(await within("systemctl is-system-running --wait; systemctl --failed --no-legend")).toBe(
      "running",
    );
    expect(await within("exec 3<>/dev/net/tun && echo open")).toBe("open");
    expect(await within("cat /proc/self/uid_map")).not.toMatch(/^\s*0\s+0 /);
    await within("systemctl poweroff");
    await as("lxc-wait --name box2 --state STOPPED --timeout 120");
  });
});

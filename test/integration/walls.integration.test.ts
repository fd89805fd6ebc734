// SPDX-License-Identifier: GPL-3.0-or-later
// The walls of the contexts by the release's own nft, in network namespaces: a box with two bridges of contexts, a home
// network with a gateway and what lies beyond it, a VPN, a bridge of Docker's, and a bridge that has the cable of another
// network. Who reaches whom is tried by ping, which says when it is refused. Needs root; all of it ends with its process.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { paths } from "../../firstboot/host/paths.ts";
import { cacheDir } from "../../image/cache/directory.ts";
import { OVERLAYS } from "../../image/host/paths.ts";
import { createSession } from "../../image/host/session.ts";
import { base } from "../../image/stages/base.ts";
import { resolve } from "../../image/stages/resolve.ts";
import { openWorkspace } from "../../image/stages/workspace.ts";

const work = join(cacheDir(), "work", "walls");
let host: ChildProcess;
let inner: string;

// $1: the files of the box, $2: the base layer, $3: the directory of this test. The shell stays as the first process.
const ENTER = `
mount --make-rprivate /
mkdir -p "$3/upper" "$3/overlay" "$3/root"
mount -t overlay overlay -o "lowerdir=$1:$2,upperdir=$3/upper,workdir=$3/overlay" "$3/root"
cd "$3/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mkdir -p etc/community-box
pivot_root . mnt
umount -l /mnt
echo ready
cat
`;

/**
 * Every host is a network namespace with eth0. Interfaces of the box to the outside are macvlans: the end of a veth would
 * count as one of a container.
 */
const WORLD = `
ip link set lo up
sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0
printf '{\\n  "network": "guifi"\\n}\\n' >/etc/community-box/vpn.json
host() { # NAME IPV4 IPV6 [GATEWAY4 GATEWAY6]
	ip netns add $1
	ip -n $1 link set lo up
	ip netns exec $1 sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
	ip link add p-$1 type veth peer name eth0 netns $1
	ip link set p-$1 up
	ip -n $1 link set eth0 up
	ip -n $1 address add $2 dev eth0
	ip -n $1 address add $3 dev eth0 nodad
	[ -z "\${4-}" ] || ip -n $1 route add default via $4
	[ -z "\${5-}" ] || ip -n $1 route add default via $5
}
cable() { # INTERFACE: its cable goes to the switch of that name in a namespace of its own
	ip netns add s-$1
	ip -n s-$1 link add switch up type bridge
	ip link add c-$1 up type veth peer name box netns s-$1
	ip -n s-$1 link set box up master switch
	ip link add $1 up link c-$1 type macvlan mode passthru
}
plug() { # HOST SWITCH
	ip link set p-$1 netns s-$2
	ip -n s-$2 link set p-$1 up master switch
}
bridge() { # NAME IPV4 IPV6
	ip link add $1 up type bridge
	ip address add $2 dev $1
	ip address add $3 dev $1 nodad
}

cable lan0
ip address add 10.1.2.5/27 dev lan0
ip address add 2001:db8:1::5/64 dev lan0 nodad
host home 10.1.2.9/27 2001:db8:1::9/64 10.1.2.5 2001:db8:1::5
host gateway 10.1.2.1/27 2001:db8:1::1/64 10.1.2.5 2001:db8:1::5
plug home lan0
plug gateway lan0
# A node of the community's network, which is 10.0.0.0/8.
ip -n gateway address add 10.139.40.22/32 dev lo
ip -n gateway address add 2001:db8:99::9/128 dev lo
ip route add default via 10.1.2.1
ip route add default via 2001:db8:1::1

cable guifi
ip address add 10.228.0.5/16 dev guifi
ip address add 2001:db8:228::5/64 dev guifi nodad
host peer 10.228.0.9/16 2001:db8:228::9/64 10.228.0.5 2001:db8:228::5
plug peer guifi

bridge cbox-owner 172.31.240.1/24 2001:db8:240::1/64
bridge cbox-community 172.31.241.1/24 2001:db8:241::1/64
host owner 172.31.240.9/24 2001:db8:240::9/64 172.31.240.1 2001:db8:240::1
host community 172.31.241.9/24 2001:db8:241::9/64 172.31.241.1 2001:db8:241::1
host sliver 172.31.241.10/24 2001:db8:241::a/64 172.31.241.1 2001:db8:241::1
ip link set p-owner master cbox-owner
ip link set p-community master cbox-community
ip link set p-sliver master cbox-community
# A context is given no IPv6, and the walls do not even let it ask for the box's MAC address: it knows that.
for each in owner community sliver; do
	bridge=cbox-\${each/sliver/community}
	gateway=2001:db8:241::1
	[ $each != owner ] || gateway=2001:db8:240::1
	ip -n $each neighbour add $gateway dev eth0 lladdr $(cat /sys/class/net/$bridge/address)
	mac=$(ip netns exec $each cat /sys/class/net/eth0/address)
	ip neighbour add $(ip -n $each -o -6 address show dev eth0 scope global | awk '{ sub("/.*", "", $4); print $4 }') dev $bridge lladdr $mac
done

# Docker of the community's context, by which it is a router, and of a sliver that knows it.
host inner 172.18.0.9/16 2001:db8:18::9/64 172.18.0.1 2001:db8:18::1
ip link set p-inner netns community
ip -n community link add docker0 up type bridge
ip -n community address add 172.18.0.1/16 dev docker0
ip -n community link set p-inner up master docker0
ip netns exec community sysctl -qw net.ipv4.ip_forward=1
ip netns exec community nft -f - <<'NAT'
table ip docker {
	chain postrouting {
		type nat hook postrouting priority srcnat;
		ip saddr 172.18.0.0/16 oifname != "docker0" masquerade
	}
}
NAT
ip -n sliver route add 172.18.0.0/16 via 172.31.241.9

bridge docker0 172.17.0.1/16 2001:db8:17::1/64
host container 172.17.0.9/16 2001:db8:17::9/64 172.17.0.1 2001:db8:17::1
ip link set p-container master docker0

bridge br0 192.168.7.1/24 2001:db8:7::1/64
cable port0
ip link set port0 master br0
host guest 192.168.7.9/24 2001:db8:7::9/64 192.168.7.1 2001:db8:7::1
host office 192.168.7.10/24 2001:db8:7::a/64 192.168.7.1 2001:db8:7::1
ip link set p-guest master br0
plug office port0
`;

const HOSTS = {
  home: ["10.1.2.9", "2001:db8:1::9"],
  gateway: ["10.1.2.1", "2001:db8:1::1"],
  beyond: ["10.139.40.22", "2001:db8:99::9"],
  peer: ["10.228.0.9", "2001:db8:228::9"],
  owner: ["172.31.240.9", "2001:db8:240::9"],
  community: ["172.31.241.9", "2001:db8:241::9"],
  sliver: ["172.31.241.10", "2001:db8:241::a"],
  inner: ["172.18.0.9", "2001:db8:18::9"],
  container: ["172.17.0.9", "2001:db8:17::9"],
  guest: ["192.168.7.9", "2001:db8:7::9"],
  office: ["192.168.7.10", "2001:db8:7::a"],
  box: ["10.1.2.5", "2001:db8:1::5"],
} as const;
type HostName = keyof typeof HOSTS;

const ADDRESSES = [
  ["IPv4", 0],
  ["IPv6", 1],
] as const;

beforeAll(async () => {
  rmSync(work, { recursive: true, force: true });
  const session = createSession({ logDirectory: join(cacheDir(), "log", "walls") });
  const workspace = openWorkspace({ session });
  const plan = await resolve("vm-amd64", { community: "guifi" });
  const { release, architecture } = plan.profile;
  const layer = await base(workspace, plan, await workspace.packages(release, architecture, ["base"]));
  mkdirSync(work, { recursive: true });
  host = spawn(
    "unshare",
    [
      ...["--mount", "--pid", "--net", "--fork", "--kill-child"],
      ...["sh", "-euc", ENTER, "box", join(OVERLAYS, "base/files"), layer.root, work],
    ],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  await new Promise<void>((ready, failed) => {
    host.stdout?.once("data", () => ready());
    host.once("exit", (code) => failed(new Error(`the namespaces ended with ${code}`)));
  });
  [inner = ""] = readFileSync(`/proc/${host.pid}/task/${host.pid}/children`, "utf8").split(" ");
  await ask(WORLD);
  await ask(paths.wallsProgram);
});

afterAll(() => {
  host?.kill("SIGKILL");
  rmSync(work, { recursive: true, force: true });
});

interface Ran {
  readonly code: number;
  readonly output: string;
}

function run(command: string): Promise<Ran> {
  const enter = [
    "--target",
    inner,
    "--mount",
    "--pid",
    "--net",
    "--",
    "env",
    "-i",
    "PATH=/usr/sbin:/usr/bin",
  ];
  return new Promise((done) => {
    const child = spawn("nsenter", [...enter, "LC_ALL=C.UTF-8", "bash", "-euc", command], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
    child.on("close", (code) => done({ code: code ?? 124, output }));
  });
}

async function ask(command: string): Promise<string> {
  const { code, output } = await run(command);
  if (code !== 0) throw new Error(`code ${code}: ${command}\n${output}`);
  return output.trim();
}

/** What comes of a ping: it is answered, refused by a rule, or neither. */
async function ping(from: HostName, address: string): Promise<"answered" | "refused" | "lost"> {
  const { code, output } = await run(`ip netns exec ${from} ping -n -c 1 -W 10 ${address}`);
  if (code === 0) return "answered";
  return /Packet filtered|Administratively prohibited/i.test(output) ? "refused" : "lost";
}

async function expectAll(want: string, family: 0 | 1, pairs: readonly (readonly [HostName, HostName])[]) {
  const found = await Promise.all(
    pairs.map(async ([from, to]) => `${from} to ${to}: ${await ping(from, HOSTS[to][family])}`),
  );
  expect(found).toEqual(pairs.map(([from, to]) => `${from} to ${to}: ${want}`));
}

async function setWalls(...lines: readonly string[]): Promise<void> {
  await ask(`printf '%s\\n' ${lines.map((line) => `'${line}'`).join(" ") || "''"} >${paths.walls}`);
  await ask(paths.wallsProgram);
}

describe.each(ADDRESSES)("the firewall rules of the contexts, by %s,", (_name, family) => {
  it("keep the community and its slivers from a network that the box is connected to", () =>
    expectAll("refused", family, [
      ["community", "home"],
      ["sliver", "home"],
      ["community", "gateway"],
      ["community", "container"],
      ["community", "guest"],
      ["sliver", "office"],
    ]));

  it("let them reach what lies behind its gateway, and the VPN; the owner's context also the home network", () =>
    expectAll("answered", family, [
      ["community", "beyond"],
      ["sliver", "beyond"],
      ["community", "peer"],
      ["owner", "beyond"],
      ["owner", "home"],
      ["owner", "peer"],
    ]));

  it("separate the contexts from each other", () =>
    expectAll("refused", family, [
      ["owner", "community"],
      ["community", "owner"],
      ["sliver", "owner"],
    ]));

  it("let answers return to clients in the home network and the VPN", () =>
    expectAll("answered", family, [
      ["home", "community"],
      ["peer", "community"],
    ]));

  it("forward nothing between VPN, home network and another connected network", () =>
    expectAll("refused", family, [
      ["peer", "home"],
      ["peer", "beyond"],
      ["home", "peer"],
      ["peer", "office"],
      ["peer", "guest"],
      ["office", "home"],
    ]));

  it("do not affect other containers and guests of the machine", () =>
    expectAll("answered", family, [
      ["container", "beyond"],
      ["container", "peer"],
      ["home", "container"],
      ["guest", "office"],
      ["office", "guest"],
      ["guest", "box"],
    ]));
});

describe("the inner network of a context, such as Docker's,", () => {
  it("is not reached by a sliver through the context's container", async () => {
    expect(await ping("sliver", HOSTS.inner[0])).toBe("lost");
  });

  it("is reached once the rule is removed, which shows that the rule protects it", async () => {
    const handle = await ask(
      "nft -a list table inet community-box-contexts | sed -n 's/.*through a neighbour.* # handle //p'",
    );
    await ask(`nft delete rule inet community-box-contexts forward handle ${handle}`);
    expect(await ping("sliver", HOSTS.inner[0])).toBe("answered");
    await ask("nft delete table inet community-box-contexts");
    await ask(paths.wallsProgram);
    expect(await ping("sliver", HOSTS.inner[0])).toBe("lost");
  });

  it("reaches what the context reaches, and does not prevent slivers and their neighbours from reaching each other", async () => {
    await expectAll("answered", 0, [
      ["inner", "beyond"],
      ["inner", "peer"],
      ["inner", "sliver"],
      ["sliver", "community"],
      ["community", "sliver"],
    ]);
    await expectAll("refused", 0, [
      ["inner", "home"],
      ["inner", "owner"],
    ]);
  });

  it.each(["172.31.241.255", "255.255.255.255", "224.0.0.1"])(
    "does not block broadcasts and multicasts to neighbours: %s",
    async (address) => {
      await ask("ip netns exec community sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0");
      const all = `ip netns exec sliver ping -n -b -c 1 -W 10 -I eth0 ${address}`;
      expect((await run(all)).output).toContain("from 172.31.241.9");
    },
  );
});

describe("the owner", () => {
  afterEach(() => setWalls());

  it.each(ADDRESSES)("opens one network to the community, and closes it: %s", async (_name, family) => {
    await setWalls("open 10.1.2.0/27", "open 2001:db8:1::/64");
    await expectAll("answered", family, [
      ["community", "home"],
      ["sliver", "gateway"],
    ]);
    await expectAll("refused", family, [["community", "office"]]);
    await setWalls();
    await expectAll("refused", family, [["community", "home"]]);
  });

  it.each(ADDRESSES)(
    "lets the box forward, which opens nothing to the community: %s",
    async (_name, family) => {
      await setWalls("forward on");
      await expectAll("answered", family, [
        ["peer", "home"],
        ["office", "home"],
      ]);
      await expectAll("refused", family, [
        ["community", "home"],
        ["community", "owner"],
      ]);
    },
  );

  it.each([
    ["sysctl", "/etc/sysctl.d/99-router.conf", "net.ipv4.ip_forward = 1"],
    ["networkd", "/etc/systemd/network/20-lan.network", "IPMasquerade=ipv4"],
    ["NetworkManager", "/etc/NetworkManager/system-connections/shared.nmconnection", "method=shared"],
  ])(
    "of a machine that routes by %s keeps the routing, unless the settings refuse it",
    async (_by, file, line) => {
      await ask(`mkdir -p ${file.replace(/[^/]+$/, "")} && echo '${line}' >${file}`);
      await setWalls();
      await expectAll("answered", 0, [["peer", "home"]]);
      await setWalls("forward off");
      await expectAll("refused", 0, [["peer", "home"]]);
      await ask(`rm ${file}`);
      await setWalls();
      await expectAll("refused", 0, [["peer", "home"]]);
    },
  );

  it("keeps the earlier rules when the file contains an invalid network", async () => {
    await ask(`echo 'open 999.1.1.1/24' >${paths.walls}`);
    expect((await run(paths.wallsProgram)).code).not.toBe(0);
    await expectAll("refused", 0, [["community", "home"]]);
  });
});

describe("the running firewall rules", () => {
  let watch: ChildProcess;
  beforeAll(() => {
    const enter = ["--target", inner, "--mount", "--pid", "--net", "--"];
    watch = spawn("nsenter", [...enter, paths.wallsProgram, "--watch"], { stdio: "inherit" });
  });
  // nsenter has a child in the namespace of its processes, which does not end with it.
  afterAll(async () => {
    await ask("pkill -KILL -f '[w]alls --watch'; pkill -KILL -f '[i]p -o monitor'; true");
    watch.kill("SIGKILL");
  });

  const LONG = { timeout: 120_000 };
  const set = (name: string) => ask(`nft list set inet community-box-contexts ${name}`);

  it("close the network of a new address, and open one whose address is removed", async () => {
    await ask("ip address add 10.9.9.5/24 dev lan0 && ip address add 2001:db8:9::5/64 dev lan0");
    await expect.poll(() => set("home4"), LONG).toContain("10.9.9.0/24");
    await expect.poll(() => set("home6"), LONG).toContain("2001:db8:9::/64");
    await ask("ip -n home address add 10.9.9.9/24 dev eth0");
    expect(await ping("community", "10.9.9.9")).toBe("refused");
    await ask("ip address del 10.9.9.5/24 dev lan0");
    await expect.poll(() => set("home4"), LONG).not.toContain("10.9.9.0/24");
  });

  it("count a bridge as external when it gets a cable", async () => {
    await ask("ip link add virbr0 type bridge");
    await ask(
      "ip link add c-spare type veth peer name e-spare && ip link add spare link c-spare type macvlan && ip link set spare master virbr0",
    );
    await expect.poll(() => set("same"), LONG).toContain('"virbr0" . "virbr0"');
    await ask("ip link del virbr0");
    await expect.poll(() => set("outer"), LONG).not.toContain("virbr0");
  });

  it("are restored after a deletion at the next change of an address", async () => {
    await ask("nft flush ruleset && ip address add 10.8.8.5/24 dev lan0");
    await expect
      .poll(() => run("nft list table inet community-box-contexts"), LONG)
      .toMatchObject({ code: 0 });
  });
});

describe("a router advertisement of a sliver", () => {
  // As a router of its own would send it to all: lifetime 1800 s, no options.
  const ADVERTISE = `
use Socket qw(:all);
socket(my $s, AF_INET6, SOCK_RAW, 58) or die $!;
setsockopt($s, 41, 18, pack("i", 255)) && setsockopt($s, 41, 17, pack("i", $ARGV[0])) or die $!;
send($s, pack("CCnCCnNN", 134, 0, 0, 64, 0, 1800, 0, 0), 0, pack_sockaddr_in6(0, inet_pton(AF_INET6, "ff02::1"), $ARGV[0])) or die $!;
`;
  const advertise = () =>
    ask(
      `ip netns exec sliver perl -e '${ADVERTISE}' $(ip netns exec sliver cat /sys/class/net/eth0/ifindex)`,
    );
  const routers = async () => ({
    community: await ask("ip -n community -6 route show default proto ra"),
    box: await ask("ip -6 route show default dev cbox-community proto ra"),
  });

  beforeAll(() =>
    ask(`ip netns exec community sysctl -qw net.ipv6.conf.eth0.accept_ra=2
ip netns exec sliver sysctl -qw net.ipv6.conf.all.forwarding=1
sysctl -qw net.ipv6.conf.cbox-community.accept_ra=2`),
  );

  it("is accepted neither by the community nor by the box with the rules loaded", async () => {
    await ask("nft delete table inet community-box-contexts");
    await expect
      .poll(() => advertise().then(routers), { timeout: 60_000 })
      .toEqual({ community: expect.stringContaining("fe80::"), box: expect.stringContaining("fe80::") });
    await ask("ip -n community -6 route flush proto ra; ip -6 route flush dev cbox-community proto ra");
    expect(await routers()).toEqual({ community: "", box: "" });

    await ask(paths.wallsProgram);
    await advertise();
    // What comes after it has come.
    expect(await ping("sliver", HOSTS.community[0])).toBe("answered");
    expect(await routers()).toEqual({ community: "", box: "" });
  });

  it("is ignored by the bridge of a context in any case", async () => {
    await ask("sysctl -q -p /usr/lib/sysctl.d/61-community-box-contexts.conf");
    expect(
      await ask("sysctl -n net.ipv6.conf.cbox-community.accept_ra net.ipv6.conf.cbox-owner.autoconf"),
    ).toBe("0\n0");
  });
});

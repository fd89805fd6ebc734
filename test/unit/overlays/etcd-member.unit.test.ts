// SPDX-License-Identifier: GPL-3.0-or-later
// The script that takes a box into an etcd cluster: what the cluster answers is text of strangers, and no shell reads it.
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { readService } from "../../../common/catalogue.ts";
import { templateRenderer } from "../../../common/service-template.ts";
import { SERVICES } from "../../../image/host/paths.ts";
import { loadCommunity } from "../../../image/profile/index.ts";
import { sampleData } from "../../../image/services/lint.ts";
import { temporaryDirectory } from "../../temporary.ts";

const OWN = "http://10.1.2.3:2380";
let root: string;
let bin: string;

beforeEach(() => {
  root = temporaryDirectory();
  bin = join(root, "bin");
  for (const folder of [bin, join(root, "var/lib/etcd"), join(root, "etc/default")])
    mkdirSync(folder, { recursive: true });
  for (const name of ["sync", "sleep"]) program(name, "exit 0");
  writeFileSync(join(root, "etc/default/cbox-etcd"), `ETCD_INITIAL_ADVERTISE_PEER_URLS=${OWN}\n`);
});

function program(name: string, text: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(bin, name), 0o755);
}

const member = () => join(root, "var/lib/etcd/member.env");

async function run(word: "enter" | "settle", cluster: "first" | "join") {
  const service = readService(SERVICES, "etcd");
  const inputs = { cluster, endpoints: cluster === "join" ? "http://10.1.2.9:2379" : "" };
  const render = await templateRenderer();
  const text = render(
    readFileSync(join(SERVICES, "etcd/member.hbs"), "utf8"),
    sampleData(service, loadCommunity("guifi"), inputs),
  );
  const script = join(root, "script");
  writeFileSync(script, text.replaceAll("/var/lib", `${root}/var/lib`).replaceAll("/etc/", `${root}/etc/`));
  execFileSync("sh", ["-n", script]);
  return spawnSync("sh", [script, word], {
    cwd: root,
    encoding: "utf8",
    env: { PATH: `${bin}:${process.env.PATH}`, TMPDIR: root },
  });
}

/** A cluster that answers `member add` so. */
const answers = (cluster: string) =>
  program(
    "etcdctl",
    `case "$*" in
*"member add"*) cat <<'END'
Member 8211f1d0f64f3269 added to cluster 4fc4dfad7d5ff6b6

ETCD_NAME="somebody"
ETCD_INITIAL_CLUSTER="${cluster}"
ETCD_INITIAL_ADVERTISE_PEER_URLS="${OWN}"
ETCD_INITIAL_CLUSTER_STATE="existing"
END
;;
esac`,
  );

it("the member joins a cluster through its listed members, under its own name", async () => {
  answers(`can-pau-1=http://10.1.2.9:2380,can_bruixa.x-2=${OWN}`);
  const { status, stderr } = await run("enter", "join");
  expect(stderr).toBe("");
  expect(status).toBe(0);
  expect(readFileSync(member(), "utf8")).toMatch(
    /^ETCD_NAME=can-bruixa-[0-9a-f]{8}\nETCD_INITIAL_CLUSTER=can-pau-1=http:\/\/10\.1\.2\.9:2380,can_bruixa\.x-2=http:\/\/10\.1\.2\.3:2380\nETCD_INITIAL_CLUSTER_STATE=existing\n$/,
  );
});

it("the program does not write through a link in the place of its new file", async () => {
  answers(`own=${OWN}`);
  writeFileSync(join(root, "other"), "of somebody else");
  symlinkSync(join(root, "other"), `${member()}.new`);
  expect((await run("enter", "join")).status).toBe(0);
  expect(readFileSync(join(root, "other"), "utf8")).toBe("of somebody else");
  expect(lstatSync(member()).isFile()).toBe(true);
});

it.each(["$(touch marker)=http://10.1.2.9:2380", "a=http://10.1.2.9:2380;touch marker", "", "a=http://$x"])(
  "a cluster that names its members as %j is refused, and the shell runs nothing of it",
  async (cluster) => {
    answers(cluster);
    const { status, stderr } = await run("enter", "join");
    expect(status).toBe(1);
    expect(stderr).toContain("The cluster names its members in a form that is not known:");
    expect(existsSync(member())).toBe(false);
    await run("settle", "first");
    expect(existsSync(join(root, "marker"))).toBe(false);
  },
);

it("the name in a member.env of an earlier version is used, and nothing in it is run", async () => {
  writeFileSync(
    member(),
    'ETCD_NAME="can-bruixa-5a5a5a5a"\nETCD_INITIAL_CLUSTER="$(touch marker)"\ntouch marker\n',
  );
  program(
    "etcdctl",
    'echo "$*" >>asked; echo "8211f1d0f64f3269, started, can-bruixa-5a5a5a5a, http://10.1.2.4:2380, x, false"',
  );
  const { status, stderr } = await run("settle", "first");
  expect(stderr).toBe("");
  expect(status).toBe(0);
  expect(existsSync(join(root, "marker"))).toBe(false);
  expect(readFileSync(join(root, "asked"), "utf8")).toContain(
    `member update 8211f1d0f64f3269 --peer-urls=${OWN}`,
  );
});

it("the name of a member that never started is shown without control characters", async () => {
  program(
    "etcdctl",
    `case "$*" in
*"member add"*) echo 'etcdserver: too many learner members in cluster' >&2; exit 1 ;;
*"member list"*) printf '8211f1d0f64f3269, unstarted, \\033[31mred\\r, http://10.1.2.7:2380, , true\\n' ;;
esac`,
  );
  const { status, stderr } = await run("enter", "join");
  expect(status).toBe(1);
  expect(stderr).toContain("member remove 8211f1d0f64f3269");
  expect(stderr).toContain("[31mred");
  expect(stderr.replaceAll("\n", "")).toMatch(/^[\x20-\x7e]+$/);
});

// SPDX-License-Identifier: GPL-3.0-or-later
// The secrets gate, seen red for each thing it guards against.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkShadow, findSecrets } from "../../../../image/stages/secrets-gate.ts";
import { temporaryDirectory } from "../../../temporary.ts";

const CLEAN = {
  "etc/machine-id": "",
  "etc/shadow": "root:!:20000::::::\ndaemon:*:20000::::::\nserf:!*:20000::::::\n",
};

async function treeWith(files: Record<string, string>): Promise<string> {
  const tree = temporaryDirectory();
  for (const [name, content] of Object.entries({ ...CLEAN, ...files })) {
    await mkdir(dirname(join(tree, name)), { recursive: true });
    await writeFile(join(tree, name), content);
  }
  return tree;
}

describe("the secrets gate", () => {
  it("passes a clean system", async () => {
    expect(
      await findSecrets(await treeWith({ "etc/ssl/certs/x.pem": "-----BEGIN CERTIFICATE-----" })),
    ).toEqual([]);
  });

  const key = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n";
  it.each([
    [{ "etc/machine-id": "0123\n" }, "/etc/machine-id is set; every box would have the same"],
    [
      { "etc/ssh/ssh_host_rsa_key.pub": "ssh-rsa A" },
      "/etc/ssh/ssh_host_rsa_key.pub must not be in an image",
    ],
    [{ "var/lib/systemd/random-seed": "x" }, "/var/lib/systemd/random-seed must not be in an image"],
    [{ "root/.ssh/authorized_keys": "ssh-rsa A" }, "/root/.ssh/authorized_keys must not be in an image"],
    [{ "root/.bash_history": "ls" }, "/root/.bash_history must not be in an image"],
    [{ "etc/tinc/guifi/rsa_key.priv": "x" }, "/etc/tinc/guifi/rsa_key.priv must not be in an image"],
    [
      { "var/lib/community-box/state.json": "{}" },
      "/var/lib/community-box/state.json must not be in an image",
    ],
    [{ "etc/ssl/private/a.key": key }, "/etc/ssl/private/a.key holds a private key"],
    [{ "etc/shadow": "root:$y$j9T$abc:20000::::::\n" }, "the account root is not locked in /etc/shadow"],
  ])("refuses %o", async (files, sentence) => {
    expect(await findSecrets(await treeWith(files as Record<string, string>))).toEqual([sentence]);
  });

  it("refuses an empty password field and a missing account root", () => {
    expect(checkShadow("root::20000::::::\n")).toEqual(["the account root is not locked in /etc/shadow"]);
    expect(checkShadow("daemon:*:1::::::\n")).toEqual(["/etc/shadow has no root account"]);
  });
});

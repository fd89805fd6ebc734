// SPDX-License-Identifier: GPL-3.0-or-later
// Every service that the project ships starts its programs in a sandbox, or stands here with the reason why it cannot.
import { basename, dirname } from "node:path";
import { expect, test } from "vitest";
import { shippedUnits } from "../../shipped-units.ts";

/** By the end of the path. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  "cbox-firstboot.service": "the set-up: it configures the whole system and installs packages",
  "cbox-compose@.service":
    "the client of Docker, which does as root what it is told; projects name files anywhere",
  "incus.service.d/community-box.conf": "one command before Incus, whose containers need the whole system",
  "systemd-repart.service.d/community-box.conf": "one command after systemd-repart, which writes to the disk",
  "apt-daily-upgrade.service.d/community-box-mend.conf": "two commands before APT, which writes everywhere",
};

/** What `{{> sandbox}}` says, and what comes after it may say otherwise but not take back. */
const LINES = [
  /^NoNewPrivileges=yes$/m,
  /^CapabilityBoundingSet=/m,
  /^LockPersonality=yes$/m,
  /^PrivateTmp=/m,
  /^ProtectControlGroups=yes$/m,
  /^ProtectHome=/m,
  /^ProtectKernelLogs=yes$/m,
  /^ProtectSystem=strict$/m,
  /^RestrictAddressFamilies=AF_/m,
  /^RestrictNamespaces=/m,
  /^RestrictSUIDSGID=yes$/m,
  /^SystemCallArchitectures=native$/m,
  /^SystemCallFilter=@system-service$/m,
];

const units = (await shippedUnits()).filter(({ text }) => /^Exec\w+=./m.test(text));
const isExcepted = (path: string) => Object.keys(EXCEPTIONS).some((end) => path.endsWith(`/${end}`));
const named = (path: string) =>
  path.endsWith(".conf") ? `${basename(dirname(path))}/${basename(path)}` : basename(path);

test.each(
  units.filter(({ path }) => !isExcepted(path)).map(({ path, text }) => [named(path), text] as const),
)("%s has a sandbox (the line {{> sandbox}}), or a reason in EXCEPTIONS", (_name, text) => {
  const missing = LINES.filter((line) => !line.test(text)).map(({ source }) => source);
  expect(missing).toEqual([]);
});

test("the exceptions are existing units", () => {
  const unknown = Object.keys(EXCEPTIONS).filter(
    (end) => !units.some(({ path }) => path.endsWith(`/${end}`)),
  );
  expect(unknown).toEqual([]);
});

test("units that run Node.js may make memory executable, which its JIT compiler needs", () => {
  const node = units.filter(({ text }) => /^ExecStart=\/usr\/bin\/cbox /m.test(text));
  expect(node.map(({ path }) => basename(path))).toEqual(
    expect.arrayContaining(["cbox-publish.service", "cbox-vpn.service", "cbox-guifi-dns.service"]),
  );
  for (const { path, text } of node) expect(text, path).not.toContain("MemoryDenyWriteExecute=yes");
});

test("units that write files for others do not restrict access to them", () => {
  const writing = ["cbox-publish", "cbox-vpn", "cbox-guifi-dns", "cbox-guifi-graphs", "cbox-guifi-proxy"];
  for (const name of writing) {
    const text = units.find(({ path }) => basename(path) === `${name}.service`)?.text ?? "";
    expect(text.match(/^UMask=.*$/gm)?.at(-1), name).toBe("UMask=0022");
  }
});

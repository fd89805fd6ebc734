// SPDX-License-Identifier: GPL-3.0-or-later
// The community's own authority: what is taken from the boot partition, what is refused, and what requests trust.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findService } from "../../../../firstboot/catalogue/catalogue.ts";
import {
  isAuthorityIgnored,
  readAuthorities,
  takeAuthorities,
  tlsTrust,
} from "../../../../firstboot/host/authorities.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { templateData } from "../../../../firstboot/services/data.ts";
import { placeOf } from "../../../../firstboot/services/place.ts";
import type { ServiceState } from "../../../../firstboot/services/state.ts";
import { FakeBox, IMAGE } from "../../helpers/fake-box.ts";

const CA_FILE = "/boot/efi/ca.pem";
let directory = "";
let certificate = "";
let other = "";
let key = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "cbox-ca-"));
  const make = (name: string) => {
    execFileSync(
      "openssl",
      [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
        ...["-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.pem`],
      ],
      { cwd: directory, stdio: "ignore" },
    );
    return readFileSync(join(directory, `${name}.pem`), "utf8").trim();
  };
  certificate = make("one");
  other = make("two");
  key = readFileSync(join(directory, "one.key"), "utf8").trim();
});
afterAll(() => rmSync(directory, { recursive: true }));

const faultOf = (text: string) => {
  const found = readAuthorities(text);
  return "fault" in found ? found.fault : "none";
};

async function take(content: string | undefined) {
  const box = new FakeBox();
  if (content !== undefined) box.files.set(CA_FILE, content);
  const told: string[] = [];
  await takeAuthorities(box, IMAGE, (line) => told.push(line));
  return { box, told };
}

describe("a file of certificates", () => {
  test("may hold several certificates, comments around them, and line ends of any kind", () => {
    const text = `Subject: one\r\n${certificate.replaceAll("\n", "\r\n")}\r\n\r\n${other}\n`;
    const found = readAuthorities(text);
    expect("certificates" in found && found.certificates).toHaveLength(2);
  });

  test("is refused with its reason", () => {
    expect(faultOf("")).toBe("there is no certificate in PEM form in it");
    expect(faultOf("30820122300d06092a")).toBe("there is no certificate in PEM form in it");
    expect(faultOf(`${certificate}\n${key}`)).toBe("it holds something other than certificates");
    expect(faultOf(`${certificate}\n${other.replace(/\n.{20}/, "\n")}`)).toBe(
      "certificate 2 in it is damaged",
    );
    expect(faultOf(`${certificate}\n`.repeat(1000))).toBe("it is larger than 256 KiB");
  });

  test("is refused with a fault, whatever text it contains", () => {
    const parts = fc.constantFrom("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "\n", "MIIB");
    fc.assert(
      fc.property(fc.array(fc.oneof(parts, fc.string()), { maxLength: 20 }), (words) => {
        expect(readAuthorities(words.join(""))).toHaveProperty("fault");
      }),
    );
  });
});

describe("the start of the set-up", () => {
  test("stores a valid ca.pem on the box, reduced to its certificates, and trusts it", async () => {
    const { box, told } = await take(`made by anna\n${certificate}\n`);
    expect(box.files.get(paths.authorities)).toBe(`${certificate}\n`);
    expect(told).toEqual(["ca.pem on the boot partition: 1 certificate(s) are trusted"]);
    expect(await tlsTrust(box, IMAGE)).toEqual({ authorities: [certificate] });
    expect(await isAuthorityIgnored(box, IMAGE)).toBe(false);
  });

  test("reports and ignores an invalid ca.pem", async () => {
    const { box, told } = await take(`${key}\n`);
    expect(told).toEqual([
      "ca.pem on the boot partition is not used: it holds something other than certificates",
    ]);
    expect(box.everWritten).toEqual([]);
    expect(await isAuthorityIgnored(box, IMAGE)).toBe(true);
    expect(await tlsTrust(box, IMAGE)).toEqual({});
  });

  test("does nothing and reports nothing without a ca.pem", async () => {
    const { box, told } = await take(undefined);
    expect([told, box.effects]).toEqual([[], []]);
    expect(await isAuthorityIgnored(box, IMAGE)).toBe(false);
  });

  test("continues when the partition cannot be read", async () => {
    const box = new FakeBox();
    box.readFile = async () => Promise.reject(new Error("EIO: i/o error, read"));
    const told: string[] = [];
    await takeAuthorities(box, IMAGE, (line) => told.push(line));
    expect(told).toEqual(["ca.pem on the boot partition could not be taken over: EIO: i/o error, read"]);
    expect(await isAuthorityIgnored(box, IMAGE)).toBe(false);
    expect(await tlsTrust(box, IMAGE)).toEqual({});
  });
});

test("the file in the community's settings is trusted as well, with each certificate once", async () => {
  const { box } = await take(certificate);
  box.files.set("/etc/ssl/community.pem", `${other}\n${certificate}\n`);
  const tls = { verify: true, ca_file: "/etc/ssl/community.pem" };
  const image = { ...IMAGE, community: { ...IMAGE.community, ldap: { ...IMAGE.community.ldap, tls } } };
  expect(await tlsTrust(box, image)).toEqual({ authorities: [certificate, other] });
});

describe("a service in a context", () => {
  const MACHINE = "/usr/local/share/ca-certificates";
  const BUNDLE = "/etc/community-box/authorities.pem";
  const PUBLIC = "/etc/ssl/certs/ca-certificates.crt";
  const ROOT = "/var/lib/incus/containers/community_community/rootfs";
  const docker = findService("docker")!;
  const state: ServiceState = { state: "on", where: "community", published: true, inputs: {}, facts: {} };
  const pathFor = async (box: FakeBox, place: "host" | "community") =>
    (await templateData({ box, image: IMAGE }, docker, placeOf(box, place), state)).authorities;

  test("trusts the context's own list, then what the machine's owner added, then the community's certificates", async () => {
    const { box } = await take(certificate);
    box.files.set(`${ROOT}${PUBLIC}`, "the public ones\n");
    box.files.set(`${MACHINE}/club/other.crt`, other);
    box.files.set(`${MACHINE}/damaged.crt`, "no certificate");
    expect(await pathFor(box, "community")).toBe(BUNDLE);
    expect(box.files.get(`${ROOT}${BUNDLE}`)).toBe(`the public ones\n${other}\n${certificate}\n`);
  });

  test("trusts what the machine's owner added without community certificates, while the host uses its own list", async () => {
    const { box } = await take(undefined);
    box.files.set(`${ROOT}${PUBLIC}`, "the public ones\n");
    expect(await pathFor(box, "community")).toBe(PUBLIC);
    box.files.set(`${MACHINE}/other.crt`, other);
    expect(await pathFor(box, "community")).toBe(BUNDLE);
    expect(box.files.get(`${ROOT}${BUNDLE}`)).toBe(`the public ones\n${other}\n`);
    expect(await pathFor(box, "host")).toBe(PUBLIC);
  });
});

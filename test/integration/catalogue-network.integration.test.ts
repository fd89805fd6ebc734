// SPDX-License-Identifier: GPL-3.0-or-later
// Services of the catalogue that tell about the network: the health of the box, and the community's names. Asked from
// inside the community and from outside of it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refreshDomains } from "../../firstboot/dns/refresh.ts";
import { failureOf } from "../failure-of.ts";
import { SITE_HOST } from "../lab/guifi-site/reader.ts";
import { guifiSite } from "../lab/hosts/guifi-site.ts";
import type { ChrootBox } from "./chroot-box.ts";
import { BOX, image, type ServiceLab, serviceLab } from "./service-lab.ts";
import { expectSandboxed } from "./units.ts";

/** An address that is not the community's. */
const STRANGER = "192.0.2.81";
/** Numbers of the DNS server and of the zone at the lab's site. */
const DNS = { server: 54_621, zone: "54284" };
let community: ServiceLab;
let box: ChrootBox;

beforeAll(async () => {
  const stranger = { name: "stranger", address: "10.139.40.81" };
  community = await serviceLab({
    name: "catnetwork",
    boxes: ["box"],
    hosts: [guifiSite(SITE_HOST, "10.139.40.31"), stranger],
  });
  box = community.boxOf("box");
  const address = (host: string, its: string) =>
    community.lab.run(host, ["ip", "address", "add", `${its}/24`, "dev", "eth0"]);
  await address("stranger", STRANGER);
  await address("box", "192.0.2.60");
});
afterAll(() => community?.down());

describe("the metrics of the box", () => {
  const metrics = (address: string) =>
    community.client("curl", "--silent", "--max-time", "30", `http://${address}:9100/metrics`);

  test("can be read on the box only", async () => {
    await community.switchOn("box", "monitoring");
    await expectSandboxed(box, "prometheus-node-exporter.service");
    const { stdout } = await community.lab.run("box", ["curl", "--silent", "http://127.0.0.1:9100/metrics"]);
    expect(stdout).toMatch(/^node_memory_MemTotal_bytes \d/m);
    expect(await community.isOpen(9100)).toBe(false);
  });

  test("can be read by the community, too, when the owner wants that", async () => {
    await community.switchOn("box", "monitoring", { zone: true });
    expect((await metrics(BOX)).stdout).toMatch(/^node_load1 [\d.]+$/m);
  });
});

describe("the community's names", () => {
  const dig = async (from: string, name: string, ...words: string[]) =>
    (
      await community.lab.run(from, ["dig", "+short", "+tries=2", "+time=3", ...words, `@${BOX}`, name])
    ).stdout.trim();

  const reversed = (address: string) => `${address.split(".").reverse().join(".")}.in-addr.arpa`;

  test("come from the list of the community's site, and depend on who asks", async () => {
    await community.switchOn("box", "guifi-dns", DNS);
    await expectSandboxed(box, "named.service");
    expect(await dig("client", "ns1.andoain.guifi.local")).toBe("10.69.12.18");
    expect(await dig("client", "andoain.guifi.local", "SOA")).toMatch(
      /^ns1\.andoain\.guifi\.local\. andoain\.example\.net\. \d+ /,
    );
    expect(await dig("client", "www.andoain.example.net")).toBe("10.69.12.18");
    const outside = ["-b", STRANGER];
    expect(await dig("stranger", "ns1.andoain.example.net", ...outside)).toBe("192.0.2.18");
    expect(await dig("stranger", "ns1.andoain.guifi.local", ...outside), "the inner names stay inside").toBe(
      "",
    );
  });

  test("have external mail servers, underscores and addresses, and lose only the line that is invalid", async () => {
    // A name server gives the records of one name in any order.
    const mail = (await dig("client", "andoain.guifi.local", "MX")).split("\n").sort();
    expect(mail).toEqual(["10 mx1.example.net.", "20 mx2.example.net."]);
    expect((await dig("client", "andoain.guifi.local", "NS")).split("\n").sort()).toEqual([
      "ns.example.net.",
      "ns1.andoain.guifi.local.",
    ]);
    expect(await dig("client", "andoain.example.net", "AAAA")).toBe("fd00:69::18");
    expect(await dig("client", "bcn_roof.andoain.guifi.local")).toBe("10.69.12.20");
    expect(await dig("client", reversed("10.69.12.20"), "PTR")).toBe("bcn_roof.andoain.guifi.local.");
    expect(await dig("client", reversed("10.69.14.35"), "PTR")).toBe("andaiztondo6rd1--74176.ip.guifi.net.");
  });

  test("are resolved with the owner's options within options {}", async () => {
    const options = "/etc/bind/named.conf.options.private";
    await box.writeFile(options, "forwarders { 10.1.1.1; };\n");
    await box.writeFile("/etc/bind/named.conf.private", 'acl "mine" { 10.139.40.0/24; };\n');
    await community.switchOn("box", "guifi-dns", DNS);
    expect(await dig("client", "ns1.andoain.guifi.local")).toBe("10.69.12.18");
    await box.writeFile(options, "// Mine.\n");
  });

  test("keep the owner's own zones, which are served beside them", async () => {
    const zone = "$TTL 60\n@ IN SOA ns root 1 60 60 60 60\n@ IN NS ns\nns IN A 10.139.40.60\n";
    await box.writeFile("/etc/bind/db.mine", zone);
    await box.writeFile(
      "/etc/bind/named.conf.int.private",
      'zone "mine.guifi.local" { type primary; file "/etc/bind/db.mine"; };\n',
    );
    await community.switchOn("box", "guifi-dns", DNS);
    expect(await dig("client", "ns.mine.guifi.local")).toBe("10.139.40.60");
    expect(await dig("client", "ns1.andoain.guifi.local")).toBe("10.69.12.18");
  });

  test("stay as in the last list when the new one fails; the owner's wrong additions are refused by name", async () => {
    await community.lab.change(SITE_HOST, "test", { isDown: true });
    expect(await refreshDomains(box, image)).toBe("kept");
    await community.lab.change(SITE_HOST, "test", undefined);
    expect(await refreshDomains(box, image)).toBe("unchanged");
    expect(await dig("client", "ns1.andoain.guifi.local")).toBe("10.69.12.18");
    await box.writeFile("/etc/bind/named.conf.int.private", 'zone "mine.guifi.local" {\n');
    await box.writeFile("/var/lib/bind/community-box/current/source", "of before");
    const failure = await failureOf(() => refreshDomains(box, image));
    expect(failure.code).toBe("dns-refused");
    expect(failure.found).toBe("/etc/bind/named.conf.int.private: '}' expected near end of file");
  });
});

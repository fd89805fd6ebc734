// SPDX-License-Identifier: GPL-3.0-or-later
// The bill of materials: installed packages only, valid identifiers, everything reachable from the image.
import { describe, expect, it } from "vitest";
import { makeSbom, parseDpkgStatus } from "../../../../image/stages/sbom.ts";

const STATUS = `Package: libstdc++6
Status: install ok installed
Architecture: amd64
Source: gcc-14 (14.2.0-19)
Version: 14.2.0-19

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: serf
Status: install ok installed
Architecture: amd64
Version: 0.10.1-1+b14
`;

const SPDX = (document: object) =>
  document as {
    packages: { SPDXID: string; name: string; externalRefs?: { referenceLocator: string }[] }[];
    relationships: { relatedSpdxElement: string }[];
  };

describe("the SBOM", () => {
  it("lists installed packages, and no removed ones", () => {
    expect(parseDpkgStatus(STATUS).map(({ name, source }) => [name, source])).toEqual([
      ["libstdc++6", "gcc-14 (14.2.0-19)"],
      ["serf", "serf"],
    ]);
  });

  it("is SPDX with valid identifiers, and relates every package to the image", () => {
    const npm = [{ name: "@scope/x", version: "1.0.0", license: "MIT" }];
    const document = SPDX(
      makeSbom({
        name: "n",
        version: "1",
        release: "trixie",
        imageSha256: "ab",
        imageFile: "n.img",
        created: "2026-01-01T00:00:00Z",
        debian: parseDpkgStatus(STATUS),
        npm,
      }),
    );
    const ids = document.packages.map(({ SPDXID }) => SPDXID);
    expect(ids).toEqual([
      "SPDXRef-image",
      "SPDXRef-deb-libstdc--6-amd64",
      "SPDXRef-deb-serf-amd64",
      "SPDXRef-npm--scope-x",
    ]);
    for (const id of ids) expect(id).toMatch(/^SPDXRef-[A-Za-z0-9.-]+$/);
    expect(document.relationships.map(({ relatedSpdxElement }) => relatedSpdxElement)).toEqual(ids);
    expect(document.packages[1]?.externalRefs?.[0]?.referenceLocator).toBe(
      "pkg:deb/debian/libstdc++6@14.2.0-19?arch=amd64&distro=trixie",
    );
    expect(document.packages[3]?.externalRefs?.[0]?.referenceLocator).toBe("pkg:npm/%40scope/x@1.0.0");
  });
});

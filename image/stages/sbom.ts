// SPDX-License-Identifier: GPL-3.0-or-later
// The software bill of materials: SPDX 2.3 JSON of every Debian package in the image and every npm package in the
// first-boot program (https://spdx.github.io/spdx-spec/v2.3/).
import type { NpmPackage } from "./bundle.ts";

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Source package, with its version where that differs. */
  readonly source: string;
}

export interface SbomOptions {
  readonly name: string;
  readonly version: string;
  readonly release: string;
  /** SHA-256 of the raw image. */
  readonly imageSha256: string;
  readonly imageFile: string;
  /** ISO date, seconds. */
  readonly created: string;
  readonly debian: readonly DebianPackage[];
  readonly npm: readonly NpmPackage[];
}

/** Reads the packages out of the text of `/var/lib/dpkg/status`. */
export function parseDpkgStatus(status: string): DebianPackage[] {
  return status.split(/\n\n+/).flatMap((stanza) => {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(stanza)?.[1];
    const [name, version, architecture] = [field("Package"), field("Version"), field("Architecture")];
    if (!name || !version || !architecture || field("Status") !== "install ok installed") return [];
    return [{ name, version, architecture, source: field("Source") ?? name }];
  });
}

/** Removes duplicates: the template of contexts shares many packages with the box. */
export function withoutRepeats(packages: readonly DebianPackage[]): DebianPackage[] {
  const key = ({ name, version, architecture }: DebianPackage) => `${name} ${version} ${architecture}`;
  return [...new Map(packages.map((each) => [key(each), each])).values()];
}

export function makeSbom(options: SbomOptions): object {
  const { name, version, release, imageSha256, imageFile, created } = options;
  const image = {
    SPDXID: "SPDXRef-image",
    name: imageFile,
    versionInfo: version,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    primaryPackagePurpose: "OPERATING-SYSTEM",
    checksums: [{ algorithm: "SHA256", checksumValue: imageSha256 }],
  };
  const debian = options.debian.map((item) =>
    spdxPackage(`deb-${item.name}-${item.architecture}`, item.name, item.version, {
      supplier: "Organization: Debian",
      sourceInfo: `built from source package ${item.source}`,
      purl: `pkg:deb/debian/${item.name}@${encodeURIComponent(item.version)}?arch=${item.architecture}&distro=${release}`,
    }),
  );
  const npm = options.npm.map((item) =>
    spdxPackage(`npm-${item.name}`, item.name, item.version, {
      licenseDeclared: item.license,
      purl: `pkg:npm/${item.name.replace("@", "%40")}@${item.version}`,
    }),
  );
  const packages = [...debian, ...npm];
  const relations = packages.map(({ SPDXID }) => relation("SPDXRef-image", "CONTAINS", SPDXID));
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name,
    documentNamespace: `urn:community-box:${imageSha256}`,
    creationInfo: { created, creators: [`Tool: community-box-${version}`] },
    packages: [image, ...packages],
    relationships: [relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-image"), ...relations],
  };
}

function relation(from: string, type: string, to: string) {
  return { spdxElementId: from, relationshipType: type, relatedSpdxElement: to };
}

interface SpdxExtras {
  readonly purl: string;
  readonly supplier?: string;
  readonly sourceInfo?: string;
  readonly licenseDeclared?: string;
}

function spdxPackage(id: string, name: string, version: string, { purl, ...extras }: SpdxExtras) {
  return {
    // An SPDX identifier holds letters, digits, dots and dashes only.
    SPDXID: `SPDXRef-${id.replace(/[^A-Za-z0-9.-]/g, "-")}`,
    name,
    versionInfo: version,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    licenseConcluded: "NOASSERTION",
    licenseDeclared: "NOASSERTION",
    copyrightText: "NOASSERTION",
    ...extras,
    externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl }],
  };
}

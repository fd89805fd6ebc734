// SPDX-License-Identifier: GPL-3.0-or-later
// The lab's certificate authority: made anew with each lab, by the lab's own openssl. A second, untrusted authority
// has the same name.
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fail } from "../../common/fail.ts";
import type { Authority, CertificateRequest } from "./certificate-request.ts";
import { switchOf } from "./network.ts";
import { hostDirectory } from "./record.ts";
import { type Place, runInside } from "./server.ts";

const EC_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
// A box whose clock is some hours slow accepts the certificates; one that is years off does not, as in reality.
const VALIDITY = `-not_before "$(date -u -d '-1 day' +%Y%m%d%H%M%SZ)" -not_after "$(date -u -d '+1 year' +%Y%m%d%H%M%SZ)"`;

const MAKE_AUTHORITIES = `
for who in lab stranger; do
  openssl req -x509 ${EC_KEY} ${VALIDITY} -keyout /srv/$who.key -out /srv/$who.crt \
    -subj "/O=Community Box lab/CN=Lab authority" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
done
chmod 600 /srv/*.key
`;
// $1 authority, $2 common name, $3 alternative names
const ISSUE = `
umask 077
openssl req -x509 -CA "/srv/$1.crt" -CAkey "/srv/$1.key" ${EC_KEY} ${VALIDITY} \
  -keyout /srv/issued.key -out /srv/issued.crt -subj "/CN=$2" -addext "subjectAltName=$3" \
  -addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=serverAuth
`;

/** Makes both authorities of a lab whose switch exists. */
export async function makeAuthorities(lab: string, root: string): Promise<void> {
  await openssl(placeOf(lab, root), MAKE_AUTHORITIES);
}

/** Certificate of the lab's authority (PEM): what a box, or a test, has to trust. */
export function authorityCertificate(lab: string, authority: Authority = "lab"): string {
  return readFileSync(certificatePath(lab, authority), "utf8");
}

/** Puts the certificate of the lab's authority into a host's directory, as `ca.crt`. */
export function introduceAuthority(lab: string, directory: string): void {
  copyFileSync(certificatePath(lab, "lab"), join(directory, "ca.crt"));
}

/** Makes a certificate and puts it into a server's directory: `tls.crt` and `tls.key`. */
export async function issueCertificate(
  lab: string,
  server: Place,
  { names, address }: CertificateRequest,
  authority: Authority = "lab",
): Promise<void> {
  const alternatives = [...names.map((name) => `DNS:${name}`), ...(address ? [`IP:${address}`] : [])];
  const place = placeOf(lab, server.root);
  await openssl(place, ISSUE, authority, names[0] ?? address ?? "lab", alternatives.join(","));
  for (const kind of ["crt", "key"]) {
    copyFileSync(join(place.directory, `issued.${kind}`), join(server.directory, `tls.${kind}`));
  }
}

const certificatePath = (lab: string, authority: Authority) =>
  join(authorityDirectory(lab), `${authority}.crt`);

/** No host's name starts with a dot. */
const authorityDirectory = (lab: string) => hostDirectory(lab, ".authority");

function placeOf(lab: string, root: string): Place {
  return { namespace: switchOf(lab), root, directory: authorityDirectory(lab) };
}

async function openssl(place: Place, script: string, ...words: readonly string[]): Promise<void> {
  const { code, stderr } = await runInside(place, ["sh", "-euc", script, "authority", ...words]);
  if (code === 0) return;
  fail({
    code: "lab-certificate-failed",
    what: "The lab could not make a certificate for its servers.",
    found: stderr.trim().split("\n").at(-1) || `exit code ${code}`,
    hint: "./cbox lab down, then ./cbox doctor",
  });
}

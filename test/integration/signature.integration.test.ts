// SPDX-License-Identifier: GPL-3.0-or-later
// The signature of an image's checksums, with real keys: who vouches is said, and what is wrongly signed, signed by somebody
// unknown or not as it was signed is refused before a byte of it is used.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { flashCommand } from "../../image/commands/flash.ts";
import { MIB } from "../../image/disk/layout.ts";
import { openSource } from "../../image/flash/source.ts";
import { createSession } from "../../image/host/session.ts";
import { openImage } from "../../image/published/locate-image.ts";
import { readSums, sign, type Trust, trustedKeys } from "../../image/published/signature.ts";
import { failureOf } from "../failure-of.ts";
import { temporaryDirectory } from "../temporary.ts";
import { diskOf, fatSector, gpt } from "../unit/helpers/disk-bytes.ts";

const DISK = diskOf(4 * MIB, [
  [0, gpt([{ name: "CBOX-BOOT", start: 2, size: 1 }])],
  [2 * MIB, fatSector("CBOX-BOOT")],
]);
const LONG_AGO = ["--faked-system-time", "20200101T000000"];
/** The key has been made in the seconds before. */
const A_DAY_LATER = ["--faked-system-time", "20200102T000000"];

interface Key {
  readonly secret: string;
  readonly public: string;
  readonly fingerprint: string;
}

let keys: Record<"good" | "other" | "expired" | "revoked", Key>;
const homes: string[] = [];
let folder: string;
let image: string;

function makeKey(
  name: string,
  { options = [] as readonly string[], expires = "never", isRevoked = false } = {},
): Key {
  const home = mkdtempSync(join(tmpdir(), "cbox-key-"));
  homes.push(home);
  const gpg = (...words: string[]) =>
    execFileSync("gpg", ["--homedir", home, "--batch", "--quiet", "--no-tty", ...words], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  const user = `${name} <${name}@example.net>`;
  gpg(...options, "--passphrase", "", "--quick-gen-key", user, "ed25519", "sign", expires);
  const [, fingerprint = ""] = /^fpr:+([0-9A-F]{40}):/m.exec(gpg("--with-colons", "--list-keys")) ?? [];
  const paths = { secret: join(home, "secret.asc"), public: join(home, "public.asc"), fingerprint };
  writeFileSync(paths.secret, gpg("--armor", "--export-secret-keys"));
  if (isRevoked) {
    const certificate = readFileSync(join(home, "openpgp-revocs.d", `${fingerprint}.rev`), "utf8");
    const usable = join(home, "revoked.asc");
    writeFileSync(usable, certificate.replace(/^:/m, ""));
    gpg("--import", usable);
  }
  writeFileSync(paths.public, gpg("--armor", "--export"));
  execFileSync("gpgconf", ["--homedir", home, "--kill", "all"]);
  return paths;
}

beforeAll(() => {
  keys = {
    good: makeKey("good"),
    other: makeKey("other"),
    expired: makeKey("expired", { options: LONG_AGO, expires: "1y" }),
    revoked: makeKey("revoked", { isRevoked: true }),
  };
});

afterAll(() => {
  for (const home of homes) rmSync(home, { recursive: true, force: true });
});

const sha256 = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

beforeEach(() => {
  folder = temporaryDirectory();
  image = join(folder, "box.img.zst");
  writeFileSync(join(folder, "box.img"), DISK);
  execFileSync("zstd", ["-q", "--rm", join(folder, "box.img"), "-o", image]);
  writeFileSync(join(folder, "SHA256SUMS"), `${sha256(image)}  box.img.zst\n`);
});

afterEach(() => {
  vi.restoreAllMocks();
});

async function signWith(key: Key): Promise<void> {
  const session = createSession({ logDirectory: temporaryDirectory() });
  const list = join(folder, "SHA256SUMS");
  if (key !== keys.expired) return sign(session, key.secret, list);
  // At a time when it was good.
  const home = ["--homedir", dirname(key.secret), "--batch", "--quiet", "--no-tty"];
  execFileSync("gpg", [...home, ...A_DAY_LATER, "--armor", "--output", `${list}.asc`, "--detach-sign", list]);
  execFileSync("gpgconf", ["--homedir", dirname(key.secret), "--kill", "all"]);
}

const trusting = (...trusted: Key[]): Trust => ({ keys: trusted.map((key) => key.public) });
const open = (trust: Trust) => openSource(image, () => folder, trust);
const refusal = (trust: Trust) => failureOf(() => open(trust));

describe("a signed image", () => {
  test("is accepted when its key is known, and its signer is reported", async () => {
    await signWith(keys.good);
    const { signer } = await open(trusting(keys.other, keys.good));
    expect(signer).toEqual({ name: "good <good@example.net>", fingerprint: keys.good.fingerprint });
    expect(await openImage(image, trusting(keys.good))).toMatchObject({ name: "box.img.zst" });
  });

  test("is refused when its key is unknown, with and without other keys", async () => {
    await signWith(keys.good);
    const other = await refusal(trusting(keys.other));
    expect(other.code).toBe("signature-unknown");
    expect(other.message).toContain("is signed by a key that is not known here");
    expect(other.found).toBe(`key ${keys.good.fingerprint.slice(-16)}; known: ${keys.other.public}`);
    expect(other.hint).toContain("--key FILE");
    expect((await refusal({ keys: [] })).found).toMatch(/known: none$/);
    expect(await failureOf(() => openImage(image, trusting(keys.other)))).toMatchObject({
      code: "signature-unknown",
    });
  });

  test.each([
    [
      "the list was changed",
      "good",
      () => writeFileSync(join(folder, "SHA256SUMS"), " ", { flag: "a" }),
      /not as it was signed/,
    ],
    ["its key has expired", "expired", () => {}, /key has expired/],
    ["its key was revoked", "revoked", () => {}, /revoked by its owner/],
    [
      "the signature is none",
      "good",
      () => writeFileSync(join(folder, "SHA256SUMS.asc"), "hello\n"),
      /nothing in SHA256SUMS.asc that gpg takes for a signature/,
    ],
  ] as const)("is refused when %s", async (_what, name, spoil, found) => {
    await signWith(keys[name]);
    spoil();
    const failure = await refusal(trusting(keys[name], keys.other));
    expect(failure.code).toBe("signature-bad");
    expect(failure.message).toContain("is not good");
    expect(failure.found).toMatch(found);
  });

  test("is refused when the image or a file read with it is not what was signed", async () => {
    await signWith(keys.good);
    writeFileSync(image, "x", { flag: "a" });
    expect(await refusal(trusting(keys.good))).toMatchObject({ code: "image-damaged" });
    expect(await failureOf(() => openImage(image, trusting(keys.good)))).toMatchObject({
      code: "image-damaged",
    });
    execFileSync("truncate", ["--size=-1", image]);
    expect((await open(trusting(keys.good))).signer?.fingerprint).toBe(keys.good.fingerprint);
    writeFileSync(join(folder, "box.bmap"), "<bmap/>");
    expect(await refusal(trusting(keys.good))).toMatchObject({
      code: "image-damaged",
      message: "box.bmap is not the one that was signed with the image.",
      found: "SHA256SUMS does not name it",
    });
  });
});

describe("an image without a signature", () => {
  test("is accepted as before, and refused where a signature is required", async () => {
    expect((await open(trusting(keys.good))).signer).toBeUndefined();
    const failure = await refusal({ ...trusting(keys.good), isRequired: true });
    expect(failure.code).toBe("signature-missing");
    expect(failure.message).toContain("--require-signature refuses one that is not");
    expect(failure.found).toBe(`no ${join(folder, "SHA256SUMS.asc")}`);
    expect(await failureOf(() => openImage(image, { isRequired: true }))).toMatchObject({
      code: "signature-missing",
    });
  });

  test("includes one that a signed list does not name", async () => {
    await signWith(keys.good);
    const renamed = join(folder, "other.img.zst");
    cpSync(image, renamed);
    const openRenamed = (isRequired: boolean) =>
      openSource(renamed, () => folder, { ...trusting(keys.good), isRequired });
    expect((await openRenamed(false)).signer).toBeUndefined();
    expect(await failureOf(() => openRenamed(true))).toMatchObject({
      code: "signature-missing",
      found: "SHA256SUMS is signed and does not name other.img.zst",
    });
  });
});

test("a file that is not a public key is refused by its name", async () => {
  await signWith(keys.good);
  const file = join(folder, "key.asc");
  const missing = await refusal({ keys: [file] });
  expect(missing).toMatchObject({ code: "signature-key", found: "no such file" });
  expect(missing.message).toContain(file);
  writeFileSync(file, "no key\n");
  expect(await refusal({ keys: [file] })).toMatchObject({ code: "signature-key" });
});

test("keys beside a user's own profiles are trusted without an option", async () => {
  await signWith(keys.good);
  const profiles = temporaryDirectory();
  mkdirSync(join(profiles, "keys"));
  cpSync(keys.good.public, join(profiles, "keys/good.asc"));
  vi.stubEnv("CBOX_PROFILES", profiles);
  try {
    expect(trustedKeys()).toContain(join(profiles, "keys/good.asc"));
    expect((await readSums(folder))?.signer?.fingerprint).toBe(keys.good.fingerprint);
  } finally {
    vi.unstubAllEnvs();
  }
});

describe("cbox flash", () => {
  const options = { verify: true, largest: "256G", yes: true };

  test("prints in one line whether the image is signed and by whom, and writes nothing that it refuses", async () => {
    const said: string[] = [];
    vi.spyOn(console, "log").mockImplementation((line: string) => void said.push(line));
    const disk = join(temporaryDirectory(), "disk.img");
    await flashCommand(image, disk, options);
    expect(said).toContain("  It is not signed: nobody vouches for where it is from.");
    expect(readFileSync(disk).equals(DISK)).toBe(true);
    rmSync(disk);

    expect(
      await failureOf(() => flashCommand(image, disk, { ...options, requireSignature: true })),
    ).toMatchObject({
      code: "signature-missing",
    });
    await signWith(keys.good);
    expect(
      await failureOf(() => flashCommand(image, disk, { ...options, key: [keys.other.public] })),
    ).toMatchObject({
      code: "signature-unknown",
    });
    expect(existsSync(disk)).toBe(false);

    const believed = { ...options, requireSignature: true, key: [keys.good.public] };
    await flashCommand(image, disk, believed);
    expect(said).toContain(`  Signed by good <good@example.net> (${keys.good.fingerprint}).`);
    expect(readFileSync(disk).equals(DISK)).toBe(true);
  });
});

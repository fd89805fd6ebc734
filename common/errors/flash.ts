// SPDX-License-Identifier: GPL-3.0-or-later
// Errors of writing an image to a disk, and of its answers and signatures.

import type { ErrorEntries } from "./entry.ts";

export const flashErrors = {
  "answers-exist": {
    means: "a file of answers would be replaced; nothing was written",
    hint: "another name or folder, or `--overwrite`",
  },
  "box-absent": {
    means: "answers were checked for a box elsewhere, and a check wanted to ask it",
    hint: "report it",
  },
  "ca-invalid": {
    means: "the file of `--ca` holds no certificate in PEM form",
    hint: "look at its name; `openssl x509 -in FILE -out ca.pem`",
  },
  "disk-broken": {
    means: "a disk does not take what is written to it, or does not give it back",
    hint: "another reader or port; a card that fails twice is worn out",
  },
  "disk-empty": { means: "there is no card in the reader", hint: "push the card in until it clicks" },
  "disk-forbidden": {
    means: "only root may write to disks, or the file belongs to somebody else",
    hint: "the same command with `sudo` in front",
  },
  "disk-in-use": {
    means: "a disk to be written to is mounted, a part of RAID, LVM or encryption, or held by a program",
    hint: "the message names what to close",
  },
  "disk-is-partition": {
    means: "a part of a disk was named where the whole is needed",
    hint: "the command in the hint",
  },
  "disk-is-system": {
    means: "this computer runs from that disk; it is never written to",
    hint: "`./cbox flash ID` shows those that can be taken",
  },
  "disk-missing": {
    means: "there is no such disk, or a name without its folder",
    hint: "`./cbox flash ID` shows those that are there",
  },
  "disk-not-removable": {
    means: "the disk is built into this computer",
    hint: "`--force`, when you are sure",
  },
  "disk-read-only": {
    means: "the card is write-protected, mostly by the small lock at its side",
    hint: "slide the lock, and put the card in again",
  },
  "disk-sectors": {
    means:
      "the disk counts in sectors of 4096 bytes, an image in sectors of 512, so nothing would start " +
      "from it",
    hint:
      "another disk or stick; `lsblk --output NAME,LOG-SEC` shows the size; in a USB case, another " +
      "case may help",
  },
  "disk-too-large": {
    means: "the disk is larger than those that boxes start from; perhaps it is somebody's archive",
    hint: "`--force` when you are sure, or another `--largest`",
  },
  "disk-too-small": {
    means:
      "a disk, or the file or guest that stands for one, is smaller than the image or than the box " +
      "needs",
    hint: "a larger one",
  },
  "disk-unreliable": {
    means: "what was read back is not what was written",
    hint: "another reader or port; such a card is worn out, or smaller than its label says",
  },
  "disk-vanished": {
    means: "the card was pulled out, or its reader let go of it",
    hint: "put it in again, and start over",
  },
  "fleet-invalid": {
    means: "a list of boxes has mistakes; each is named by row and column, nothing was done",
    hint: "correct these cells; `docs/guides/fleet.md`",
  },
  "fleet-row-missing": {
    means: "the list has no box in that row; rows count as in a spreadsheet, the header is row 1",
    hint: "another `--row`",
  },
  "fleet-unreadable": { means: "a list of boxes cannot be read", hint: "look at its name" },
  "image-damaged": {
    means: "an image, or its block map, is not complete or not as it was made",
    hint: "download it again, all its files into one folder, or build it again",
  },
  "image-foreign": {
    means: "the file is not an image of this project, or is made for something else",
    hint: "the hint names the right one",
  },
  "image-missing": {
    means: "there is no image of this profile yet, or no file at the path",
    hint: "`./cbox build <id>`",
  },
  "lists-damaged": {
    means: "the lists beside an image (time zones, keyboards, countries) cannot be read",
    hint: "build or download the image once more",
  },
  "not-confirmed": {
    means: "nobody typed the name of the disk that would be erased",
    hint: "type it exactly, or `--yes`",
  },
  "signature-bad": {
    means:
      "the signature of an image's `SHA256SUMS` does not fit, has expired, or its key has expired or " +
      "was revoked",
    hint:
      "download all its files again into an empty folder; if that does not help, ask whoever " +
      "publishes it",
  },
  "signature-key": {
    means: "a file given by `--key`, or one in `profiles/keys/`, holds no public key",
    hint: "a file as `gpg --armor --export NAME` writes it",
  },
  "signature-missing": {
    means: "`--require-signature`, and nobody has signed the list with this image",
    hint:
      "get `SHA256SUMS` and `SHA256SUMS.asc` from whoever publishes it, into its folder, names as " +
      "they are",
  },
  "signature-unknown": {
    means: "the image is signed by a key that is not known here",
    hint: "get the public key by another way than the image: `--key FILE`, or into `profiles/keys/`",
  },
  "target-full": {
    means: "there is not enough room where the image is to go",
    hint: "make room, or choose another place",
  },
  "target-unsuitable": {
    means: "what was named is neither a disk nor a file",
    hint: "`./cbox flash ID` shows the disks",
  },
  "wifi-invalid": {
    means: "the wireless network of `--wifi` is not complete, or not possible",
    hint: "what the message says",
  },
} satisfies ErrorEntries;

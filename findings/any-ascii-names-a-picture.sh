#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# any-ascii and signs that are no letters: a picture becomes its name between colons, a middle dot a hyphen. Who makes
# names of places (Catalan has a middle dot within words: "col·lecció") wants neither.
set -eu

VERSION=0.3.3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix . "any-ascii@$VERSION" >/dev/null
cat >signs.mjs <<'PROGRAM'
import anyAscii from "any-ascii";
for (const text of ["łódź", "straße", "col·lecció", "☕ bar"]) console.log(`${text} -> ${anyAscii(text)}`);
PROGRAM
echo "any-ascii $VERSION"
node signs.mjs | tee seen
printf '%s\n' 'łódź -> lodz' 'straße -> strasse' 'col·lecció -> col-leccio' '☕ bar -> :coffee: bar' >expected
cmp expected seen

#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# any-ascii and the middle dot of Catalan, which stands between two letters l of one sound ("col·lecció"): it becomes a
# hyphen, which makes two words of one. Catalan itself writes "colleccio" where only ASCII can be used.
set -eu

VERSION=0.3.3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix . "any-ascii@$VERSION" >/dev/null
cat >words.mjs <<'PROGRAM'
import anyAscii from "any-ascii";
for (const text of ["łódź", "straße", "col·lecció", "Vil·la Instal·lada"]) console.log(`${text} -> ${anyAscii(text)}`);
PROGRAM
echo "any-ascii $VERSION"
node words.mjs | tee seen
printf '%s\n' 'łódź -> lodz' 'straße -> strasse' 'col·lecció -> col-leccio' 'Vil·la Instal·lada -> Vil-la Instal-lada' >expected
cmp expected seen

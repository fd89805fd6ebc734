#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# fast-xml-parser and references to characters: its "processEntities", which is on, decodes the five entities of XML and
# leaves numbered references as they stand; "htmlEntities" decodes those, and entities that XML does not have, too.
set -eu

VERSION=5.12.1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix . "fast-xml-parser@$VERSION" >/dev/null
cat >references.mjs <<'PROGRAM'
import { XMLParser } from "fast-xml-parser";
const page = "<a>&amp; &quot; &#xF1; &#241; &copy;</a>";
console.log(`as it comes:  ${new XMLParser().parse(page).a}`);
console.log(`htmlEntities: ${new XMLParser({ htmlEntities: true }).parse(page).a}`);
PROGRAM
echo "fast-xml-parser $VERSION: <a>&amp; &quot; &#xF1; &#241; &copy;</a>"
node references.mjs | tee seen
printf '%s\n' 'as it comes:  & " &#xF1; &#241; &copy;' 'htmlEntities: & " ñ ñ ©' >expected
cmp expected seen

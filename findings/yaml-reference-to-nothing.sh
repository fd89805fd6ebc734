#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The npm package yaml and a value that begins with an asterisk, such as a password that somebody wrote without quotes:
# the text is parsed without an error or a warning, and only the conversion to data throws.
set -eu

VERSION=2.9.1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" "yaml@$VERSION" >/dev/null
cat >try.mjs <<'SCRIPT'
import { parseDocument } from "yaml";
const document = parseDocument("name: anna\npassword: *star\n");
console.log(`errors: ${document.errors.length}, warnings: ${document.warnings.length}`);
try {
  console.log("data:", document.toJS());
} catch (error) {
  console.log(`toJS: ${error.name}: ${error.message}`);
}
SCRIPT
echo "yaml $VERSION, 'password: *star'"
node try.mjs | tee said
grep -q '^errors: 0, warnings: 0$' said && grep -q '^toJS: ReferenceError: Unresolved alias' said

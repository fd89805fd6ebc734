#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# zx runs its commands by "bash -c". Where SHLVL is not set (cron, services, many CI runners), bash takes itself for a remote
# shell, since the pipe that Node gives it is a socket, and reads ~/.bashrc first: what that prints is in the command's
# output, and what it starts is paid for by every command. From a terminal, with SHLVL 1, it does not.
set -eu

VERSION=8.8.5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund "zx@$VERSION" >/dev/null
mkdir home
echo 'echo greeting of the bashrc' >home/.bashrc
cat >run.mjs <<'END'
import { $ } from "zx";
console.log(JSON.stringify((await $({ quiet: true })`echo a command`).stdout));
END
without=$(env -u SHLVL HOME="$work/home" node run.mjs)
with=$(env SHLVL=1 HOME="$work/home" node run.mjs)
echo "zx $VERSION, bash $(bash -c 'echo "$BASH_VERSION"'), Node.js $(node --version)"
printf 'SHLVL not set: %s\n' "$without"
printf 'SHLVL=1:       %s\n' "$with"
[ "$without" = '"greeting of the bashrc\na command\n"' ] && [ "$with" = '"a command\n"' ]

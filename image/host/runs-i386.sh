#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Ends with 0 where this machine runs 32-bit x86 programs, with 1 where it does not. An amd64 processor can, but its
# kernel may be built or started without (CONFIG_IA32_EMULATION, ia32_emulation=0), so one is run. Asked by ./cbox, which
# knows then whether an emulator is to be installed, and by debian/binfmt.ts.
set -u

# Not in /tmp, which may be mounted noexec: images are made below the cache directory, and their programs run there.
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}
mkdir -p "$cache" && folder=$(mktemp -d "$cache/runs-i386.XXXXXX") || exit 1
trap 'rm -rf "$folder"' EXIT

# A program of one segment that ends with 42, by the ELF specification. A shell that takes the file for a script of its
# own, as it does where the kernel refuses it, ends with something else.
{
  # Head: 32 bits, little-endian; a program for the 386 that starts at 0x8048054, with one segment.
  printf '\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0\1\0\0\0\124\200\4\10'
  printf '\64\0\0\0\0\0\0\0\0\0\0\0\64\0\40\0\1\0\0\0\0\0\0\0'
  # The segment: the whole file, 93 bytes, at 0x8048000, to read and run.
  printf '\1\0\0\0\0\0\0\0\0\200\4\10\0\200\4\10\135\0\0\0\135\0\0\0\5\0\0\0\0\20\0\0'
  # xor ebx, ebx; mov bl, 42; xor eax, eax; inc eax; int 0x80 (exit)
  printf '\61\333\263\52\61\300\100\315\200'
} >"$folder/end"
chmod 755 "$folder/end"
"$folder/end" >"$folder/said" 2>&1
[ $? = 42 ]

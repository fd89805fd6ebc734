// SPDX-License-Identifier: GPL-3.0-or-later
// Errors of building, running and publishing an image: profiles, packages, QEMU, the catalogue of services.

import type { ErrorEntries } from "./entry.ts";

export const buildErrors = {
  "base-packages-differ": {
    means:
      "profiles of one release and architecture share the base layer, but do not name the same " +
      "`base_packages`; the message says which and what",
    hint: "name what only one board needs under `packages`",
  },
  "board-files-missing": {
    means: "the FAT partition of the image does not say which kernel starts",
    hint: "build the image anew",
  },
  "board-not-emulated": {
    means: "QEMU has no machine like this board",
    hint: "try the same software as `raspberry-pi` or `vm-arm64`",
  },
  "build-running": { means: "another build uses the same cache", hint: "wait, or another `XDG_CACHE_HOME`" },
  "builds-failed": {
    means: "`cbox build --all` could not build every profile; the table says which",
    hint: "build the ones it names alone",
  },
  "bundle-failed": { means: "the first-boot program does not bundle", hint: "`npm run typecheck`" },
  "cache-unwritable": {
    means: "the cache directory belongs to somebody else, most often root",
    hint: "run as root, or another `XDG_CACHE_HOME`",
  },
  "child-killed": {
    means: "a program of the build was killed from outside, most often for lack of memory",
    hint: "more memory; the same command again",
  },
  "community-invalid": {
    means: "a community file has mistakes; each is named with its line",
    hint: "correct them; `profiles/communities/guifi.yaml` is a complete example",
  },
  "community-unknown": {
    means: "there is no such community, or no file at the path",
    hint: "name one of `profiles/communities`, or a path",
  },
  "disk-full": {
    means: "the disk ran full during the build",
    hint: "free at least 8 GiB; the same command again goes on",
  },
  "firmware-missing": {
    means: "QEMU's UEFI firmware is not installed",
    hint: "install the package in the hint",
  },
  "firmware-unsupported": {
    means: "the profile does not boot from this firmware",
    hint: "one of those in the hint",
  },
  "foreign-programs": {
    means: "programs of the image's architecture do not run on this machine",
    hint:
      "`./cbox doctor`; in a container, register qemu-user outside of it or start it with " +
      "`--privileged`",
  },
  "host-not-ready": {
    means: "this machine lacks something the command needs",
    hint: "do what each line says; `./cbox doctor`",
  },
  "image-architectures": {
    means:
      "a tag of a container image names the image of one architecture, and its service is for " + "several",
    hint: "name an image that has them all, or take some off `architectures` of service.yaml",
  },
  "image-digests": {
    means:
      "several questions of `./cbox services digests` to registries were in vain; each is named, and " +
      "what the others answered is dealt with",
    hint: "one by one: `./cbox services digests --check --image NAME`",
  },
  "image-invalid": {
    means: "the finished image did not pass *verify*; every finding is listed, nothing is kept as good",
    hint: "the stage's log; report it",
  },
  "image-login": {
    means:
      "a registry shows a container image to nobody who does not sign in; many say the same of an " +
      "image that they do not have",
    hint: "name an image that everybody may fetch: boxes sign in nowhere",
  },
  "image-moved": {
    means:
      "`./cbox services digests --check` found tags that point to other images than those recorded; " +
      "boxes keep to the recorded ones",
    hint: "look at the projects' pages why, then `./cbox services digests`",
  },
  "image-name": {
    means: "no compose file of the catalogue names that image",
    hint: "the message lists those that there are",
  },
  "image-registry": {
    means: "a registry of container images was not reached, is busy, or did not answer as registries do",
    hint: "the Internet is needed; the same command again",
  },
  "image-tag": {
    means: "a registry has the container image, but that tag no more",
    hint:
      "write a version that is there into the compose file, without a digest, then `./cbox services " +
      "digests`",
  },
  "image-unknown": {
    means: "a registry has no such container image",
    hint: "correct its name in the compose file",
  },
  "internal-error": {
    means: "a mistake in Community Box itself",
    hint: "report it together with the file it names",
  },
  "lock-outdated": {
    means: "a release build, and the lock file does not cover what the profiles ask for",
    hint: "`--update-lock`, look at the diff, commit",
  },
  "mirror-inconsistent": {
    means: "the Debian mirror does not have what its own signed list says",
    hint:
      "again in an hour, or `--mirror URL`; see `security_archive` in jetway-jbc362f36-i386 for one " +
      "that stays so",
  },
  "mirror-unknown": {
    means: "APT on this machine knows no Debian mirror",
    hint: "`apt-get update`, or `--mirror URL`",
  },
  "mirror-unreachable": {
    means: "the Debian mirror does not answer",
    hint: "check the network, or `--mirror URL`",
  },
  "mount-in-cache": {
    means: "something is mounted inside the cache, so it is not cleaned",
    hint: "the `umount` in the hint",
  },
  "not-a-machine": {
    means: "the profile is a container, which does not start by itself",
    hint:
      "start its image with Incus, LXC or systemd-nspawn: " +
      "[docs/boxes/container-amd64.md](../boxes/container-amd64.md)",
  },
  "package-gone": {
    means: "the mirror no longer has a package version of the lock file (release builds stop at this)",
    hint: "`--update-lock`",
  },
  "package-unknown": {
    means: "a profile names a package that the Debian release does not have",
    hint: "correct the name",
  },
  "profile-abstract": {
    means: "the profile is a family for others to continue",
    hint: "build one of its children",
  },
  "profile-cycle": { means: "a profile is its own ancestor", hint: "change one of the `parent` lines named" },
  "profile-invalid": {
    means: "files of a profile have mistakes; each is named with file, line and field",
    hint: "correct them; `./cbox profile show <id>`",
  },
  "profile-parent-unknown": {
    means: "`parent` names a profile that does not exist",
    hint: "correct the name, or write that profile",
  },
  "profile-services": {
    means: "a profile puts a service where it cannot be, or names one that there is not",
    hint: "correct `services` of the profile; the message says which",
  },
  "profile-unknown": { means: "there is no such profile", hint: "`./cbox profiles`" },
  "profiles-missing": {
    means: "the directory of your own profiles (`--profiles`, `CBOX_PROFILES`) is not there",
    hint: "correct the path",
  },
  "qemu-failed": {
    means: "the virtual machine could not run; QEMU's words are above the error",
    hint: "`./cbox doctor`",
  },
  "service-exists": {
    means: "`./cbox services new` would overwrite a folder",
    hint: "choose another name, or go on with that folder",
  },
  "service-invalid": {
    means: "a folder of the catalogue, `overlays/services/<id>`, does not have the form of a service",
    hint: "correct the file; its form is in `profiles/schemas/service.schema.json`",
  },
  "service-missing": {
    means: "`./cbox services check` was given a folder without a service.yaml",
    hint: "name the folder of a service; `./cbox services new NAME` makes one",
  },
  "service-name": {
    means: "a service cannot be called so",
    hint: "lower-case letters, digits and hyphens, a letter first",
  },
  "size-invalid": { means: "a size is not a number with M, G or T", hint: "for example `8G`" },
  "template-broken": {
    means: "a `*.hbs` file of an overlay cannot be rendered",
    hint: "correct the template named",
  },
  "tool-failed": {
    means: "a program of the build failed; its last lines are shown",
    hint: "the log named in the hint",
  },
  "tool-missing": { means: "a program of the build could not be started", hint: "`./cbox doctor`" },
  "yaml-invalid": {
    means: "a file is not YAML; each line that is not is named",
    hint: "look at quotes, brackets, colons and indentation there",
  },
} satisfies ErrorEntries;

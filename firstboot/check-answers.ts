// SPDX-License-Identifier: GPL-3.0-or-later
// The checks of first boot as a program of the build machine: answers files and the facts of their image come in as
// JSON, mistakes go out as JSON. Not in the image.
import { text } from "node:stream/consumers";
import type { ImageLists } from "../common/image-lists.ts";
import { checkElsewhere } from "./answers/elsewhere.ts";
import type { ImageInfo } from "./image-info.ts";

const { image, files, lists } = JSON.parse(await text(process.stdin)) as {
  image: ImageInfo;
  lists?: ImageLists;
  files: readonly unknown[];
};
process.stdout.write(JSON.stringify(await checkElsewhere(files, image, lists)));

// SPDX-License-Identifier: GPL-3.0-or-later
// What the questions about the member name: the web site, and the way a password takes to it.

import { wayWarnings } from "../../guifi/way.ts";
import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { websiteName } from "../../host/image-info.ts";
import type { ProbeResult } from "../../setup/step.ts";

/** Without a default the first choice is offered, and a file that says nothing means "later". */
export async function probe(_box: Box, image: ImageInfo): Promise<ProbeResult> {
  const website = { website: websiteName(image) };
  const notes = wayWarnings(image).map(
    ({ code, values = {} }) => ({ key: `warning.${code}`, values }) as const,
  );
  return {
    defaults: {},
    texts: { sign_in: website, username: website, password: website },
    ...(notes.length ? { notes: { password: notes } } : {}),
  };
}

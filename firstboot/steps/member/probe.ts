// SPDX-License-Identifier: GPL-3.0-or-later
// Values for the questions about the member: the web site, and how a password is sent to it.

import { wayWarnings } from "../../guifi/way.ts";
import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { websiteName } from "../../host/image-info.ts";
import type { ProbeResult } from "../../setup/step.ts";

/** No default: the console offers the first choice, and an answers file without the answer means "later". */
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

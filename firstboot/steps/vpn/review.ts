// SPDX-License-Identifier: GPL-3.0-or-later
// What the review shows about the VPN: the rendezvous servers, whether their replies could be forged on the way, and
// which networks they may route.

import type { ImageInfo } from "../../host/image-info.ts";
import type { Translate } from "../../i18n/translate.ts";
import { allowedRanges } from "../../vpn/ranges.ts";
import { isPlain } from "../../vpn/rendezvous.ts";
import type { VpnAnswers } from "./questions.ts";

/** "guifi, 10.139.40.84 (plain http)". */
export function summary(
  { join, network, rendezvous = [], bundle }: Partial<VpnAnswers>,
  t: Translate,
): string {
  if (join !== true) return `${t("label.vpn.join")}: ${t("option.false")}`;
  const asked = bundle ? [] : rendezvous.filter((url) => URL.canParse(url));
  const hosts = asked.map((url) => {
    const { host } = new URL(url);
    return isPlain(url) ? t("review.vpn.by-plain", { host }) : host;
  });
  return [network ?? t("label.vpn.join"), ...hosts].join(", ");
}

/** Notes below the answers, on the page of details. */
export function reviewNotes(
  { join, network, rendezvous = [], bundle }: VpnAnswers,
  t: Translate,
  image: ImageInfo,
): readonly string[] {
  if (join !== true || bundle || rendezvous.length === 0) return [];
  const plain = rendezvous.filter((url) => URL.canParse(url) && isPlain(url));
  const { ranges, shortestPrefix: prefix } = allowedRanges(image, network ?? image.community.vpn.network);
  return [
    ...plain.map((url) => t("review.vpn.plain", { host: new URL(url).host })),
    t("review.vpn.ranges", { ranges: ranges.join(", "), prefix }),
    t("review.vpn.told"),
  ];
}

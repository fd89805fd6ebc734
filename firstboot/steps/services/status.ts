// SPDX-License-Identifier: GPL-3.0-or-later
// The state of the services that are on, for `cbox status` and `cbox services`.

import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { readChoices } from "../../host/owner-settings.ts";
import { isTextKey, translator } from "../../i18n/translate.ts";
import { doing, isTroubled, overview, type ServiceView, viewData } from "../../services/overview.ts";
import type { StepStatus } from "../../setup/step.ts";

export async function servicesStatus(box: Box, image: ImageInfo): Promise<StepStatus> {
  const { language = image.community.default_language } = await readChoices(box);
  const t = translator(language);
  const views = (await overview(box, image)).filter(({ state }) => state !== "off");
  const troubled = views.filter(isTroubled);
  const advice = adviceOf(
    troubled[0],
    views.find((view) => view.isUnclaimed),
  );
  return {
    state: views.length === 0 ? "off" : troubled.length ? "trouble" : "works",
    rows: views.map((view) => {
      const label = `label.services.${view.service.id}.enabled`;
      return isTextKey(label)
        ? { label, value: doing(view, t) }
        : { label: "label.services.own", value: `${view.service.id}: ${doing(view, t)}` };
    }),
    ...(advice ? { advice } : {}),
    data: { services: views.map(viewData) },
  };
}

function adviceOf(
  troubled: ServiceView | undefined,
  unclaimed: ServiceView | undefined,
): StepStatus["advice"] {
  if (troubled) return { key: "status.services.advice", values: { id: troubled.service.id } };
  return unclaimed && { key: "status.services.claim", values: { id: unclaimed.service.id } };
}

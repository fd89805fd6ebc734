// SPDX-License-Identifier: GPL-3.0-or-later
// What `cbox services claim` asks and says: whether the first account of an application is made, and how its owner comes to
// the page where that is done.

import { Failure, type FailureDetails, fail } from "../../common/fail.ts";
import type { Service } from "../../common/service.ts";
import { communityAddress } from "../discovery/serf.ts";
import type { Box } from "../host/box.ts";
import { errorText } from "../host/error-text.ts";
import { sayFound } from "../host/found-text.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { readChoices } from "../host/owner-settings.ts";

/** The number of its page's port, which is TCP and no range wherever there is such a one. */
function pagePort({ ports }: Service): number {
  const open = ports.filter((port) => port.public);
  const page = open.find(({ protocol, last }) => protocol === "tcp" && last === undefined) ?? open[0];
  return Number(page?.port);
}

/** Fails with `service-unclaimed` unless its page tells that the account is made. A service without one is believed. */
export async function needAccount(box: Pick<Box, "request">, service: Service): Promise<void> {
  const { account_made: path } = service;
  if (path === undefined) return;
  // On the box it answers whoever else is let in.
  const url = `http://127.0.0.1:${pagePort(service)}${path}`;
  const found = await answerOf(box, url);
  if (found === undefined) return;
  fail({
    code: "service-unclaimed",
    ...errorText("error.service-unclaimed", { title: service.title, id: service.id }),
    ...found,
  });
}

/** Undefined when it is as it should be. */
async function answerOf(
  box: Pick<Box, "request">,
  url: string,
): Promise<Pick<FailureDetails, "found" | "foundText"> | undefined> {
  try {
    const { status } = await box.request({ method: "GET", url });
    return status === 200 ? undefined : sayFound("found.page-status", { url, status });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { code, found = code, foundText } = error;
    return foundText ? { found, foundText } : { found: `${url}: ${found}` };
  }
}

/** For the words that tell the owner how to get there. */
export async function wayIn(box: Box, image: ImageInfo, service: Service) {
  const { owner, hostname } = await readChoices(box);
  const address = (await communityAddress(box, image))?.address ?? hostname ?? "BOX";
  return {
    id: service.id,
    title: service.title,
    port: pagePort(service),
    owner: owner ?? "NAME",
    address,
  };
}

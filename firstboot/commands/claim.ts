// SPDX-License-Identifier: GPL-3.0-or-later
// The texts and checks of `cbox services claim`: whether the first account of an application exists, and how the
// owner reaches the page to make it.

import { Failure, type FailureDetails, fail } from "../../common/fail.ts";
import type { Service } from "../../common/service.ts";
import { communityAddress } from "../discovery/serf.ts";
import type { Box } from "../host/box.ts";
import { errorText } from "../host/error-text.ts";
import { sayFound } from "../host/found-text.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { readChoices } from "../host/owner-settings.ts";

/** Number of its page's port: a single TCP port, if there is one. */
function pagePort({ ports }: Service): number {
  const open = ports.filter((port) => port.public);
  const page = open.find(({ protocol, last }) => protocol === "tcp" && last === undefined) ?? open[0];
  return Number(page?.port);
}

/** Fails with `service-unclaimed` unless its page shows the account. Without such a page nothing is checked. */
export async function needAccount(box: Pick<Box, "request">, service: Service): Promise<void> {
  const { account_made: path } = service;
  if (path === undefined) return;
  // On loopback it answers even while the port is closed to others.
  const url = `http://127.0.0.1:${pagePort(service)}${path}`;
  const found = await answerOf(box, url);
  if (found === undefined) return;
  fail({
    code: "service-unclaimed",
    ...errorText("error.service-unclaimed", { title: service.title, id: service.id }),
    ...found,
  });
}

/** Undefined if all is well. */
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

/** Values for the text that tells the owner how to reach the page. */
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

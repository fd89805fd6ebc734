// SPDX-License-Identifier: GPL-3.0-or-later
// Declares a service of this box at the community's site, where the network's programs look services up by number.

import { Failure, fail } from "../../common/fail.ts";
import { API, failWith, invalid } from "./api.ts";
import { addressOf, type Device, type Service } from "./cnml.ts";
import { change, freshNode, pageAfter, type Session } from "./registration.ts";
import { readRegistration, remember } from "./store.ts";

export interface DeclaredService {
  /** The site's type: Proxy, DNS, SNPgraphs ... */
  readonly type: string;
  readonly name: string;
  /** Short name: one word, unique in the whole network. */
  readonly nick: string;
}

/**
 * Ensures that the site has the service, and returns its number. A service of this device with the same short name is
 * reused, never declared twice. Fails with `box-unregistered`, `box-without-address`, and as the API.
 */
export async function declareService(session: Session, service: DeclaredService): Promise<number> {
  const { box } = session;
  const { node, device, services = {} } = await readRegistration(box);
  if (!node || !device) return unregistered();
  const own = (await freshNode(session, node.id)).devices.find(({ id }) => id === device.id);
  if (!own) return unregistered();
  if (!addressOf(own)) return withoutAddress();
  const { type, name, nick } = service;
  const keep = async (id: number) => {
    await remember(box, { services: { ...services, [nick]: { id, type } } });
    return id;
  };
  const known = serviceOn(own, nick);
  if (known) return keep(known.id);
  const answer = await change(session, "guifi.service.add", {
    name,
    nick,
    server_id: device.id,
    service_type: type,
  });
  if (!(answer instanceof Failure) && !answer.isDone) {
    const isWithoutAddress = answer.errors.some(
      ({ code, text }) => code === API.rejected && /did not assign IPv4/i.test(text),
    );
    return isWithoutAddress ? withoutAddress() : failWith(answer.errors);
  }
  // The site returns a number even if its database has rejected the service. Reading the page also refreshes it.
  const page =
    answer instanceof Failure ? await pageAfter(session, node.id, answer) : await freshNode(session, node.id);
  const declared = serviceOn(
    page.devices.find(({ id }) => id === device.id),
    nick,
  );
  if (declared) return keep(declared.id);
  if (answer instanceof Failure) throw answer;
  return invalid(`the page of the node does not show the new service ${nick}`);
}

function serviceOn(device: Device | undefined, nick: string): Service | undefined {
  return device?.services.find(({ title }) => title.toLowerCase() === nick.toLowerCase());
}

function unregistered(): never {
  return fail({
    code: "box-unregistered",
    what: "The box is not registered at a node of the community, so its services cannot be declared there.",
    hint: "cbox node setup",
  });
}

function withoutAddress(): never {
  return fail({
    code: "box-without-address",
    what: "The box has no address at its node's page, so its services cannot be declared there.",
    hint: "cbox node setup",
  });
}

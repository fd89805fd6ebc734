// SPDX-License-Identifier: GPL-3.0-or-later
// Declares a service of this box at the community's site, where the network's own programs look services up by number.

import { fail } from "../../common/fail.ts";
import { API, asRecord, failWith, idOf, invalid } from "./api.ts";
import { addressOf } from "./cnml.ts";
import { freshNode, type Session } from "./registration.ts";
import { readRegistration, remember } from "./store.ts";

export interface DeclaredService {
  /** As the site calls the kind: Proxy, DNS, SNPgraphs ... */
  readonly type: string;
  readonly name: string;
  /** Short name, one word, unique in the whole network. */
  readonly nick: string;
}

/**
 * Makes sure the site knows the service, and returns its number. A service of this device with the same short name is
 * taken for the one; it is never declared twice. Fails with `box-unregistered`, `box-without-address`, and as the API.
 */
export async function declareService(session: Session, service: DeclaredService): Promise<number> {
  const { box, api } = session;
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
  const known = own.services.find(({ title }) => title.toLowerCase() === nick.toLowerCase());
  if (known) return keep(known.id);
  const answer = await api.try("guifi.service.add", {
    name,
    nick,
    server_id: device.id,
    service_type: type,
  });
  if (!answer.isDone) {
    const isWithoutAddress = answer.errors.some(
      ({ code, text }) => code === API.rejected && /did not assign IPv4/i.test(text),
    );
    return isWithoutAddress ? withoutAddress() : failWith(answer.errors);
  }
  const id = idOf(asRecord(answer.responses.service)?.id);
  // So that others see it at once.
  await api.call("guifi.cnml.clear");
  return id === undefined ? invalid("no number of the new service") : keep(id);
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

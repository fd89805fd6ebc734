// SPDX-License-Identifier: GPL-3.0-or-later
// One request as the box makes it, from inside the lab: its words are a request as JSON, its output the answer.
import { Failure, type ToldFailure } from "../../../common/fail.ts";
import type { HttpRequest } from "../../../firstboot/host/box.ts";
import { linuxBox } from "../../../firstboot/host/linux.ts";

export type Exchanged =
  | { readonly status: number; readonly body: string }
  | { readonly failure: ToldFailure };

const { body, ...wanted } = JSON.parse(process.argv[2] ?? "") as Omit<HttpRequest, "body"> & {
  readonly body?: string;
};
const request = { ...wanted, ...(body === undefined ? {} : { body: Buffer.from(body, "base64") }) };
process.stdout.write(JSON.stringify(await exchanged()));

async function exchanged(): Promise<Exchanged> {
  try {
    const answer = await linuxBox().request(request);
    return { status: answer.status, body: answer.body.toString("base64") };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { code, message: what, found } = error;
    return { failure: { code, what, ...(found ? { found } : {}) } };
  }
}

// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox bench services`: what each service that comes from Debian costs on the reference machine. The box is set up
// by its answers file, divided, in the lab; then each service is switched on alone, looked at, and switched off.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readCatalogue } from "../../common/catalogue.ts";
import type { PlaceId, Service } from "../../common/service.ts";
import { paths } from "../../firstboot/host/paths.ts";
import type { ServiceState, ServiceStates } from "../../firstboot/services/state.ts";
import { interruption } from "../../image/host/interrupt.ts";
import { PROJECT, SERVICES } from "../../image/host/paths.ts";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { BOOT_MS, type Box, createBox } from "../boot/harness.ts";
import { quoted, say } from "../boot/inside.ts";
import { subject } from "../boot/subject.ts";
import { labUp } from "../lab/lab.ts";
import { thisMachine } from "./machine.ts";
import {
  formatServiceCosts,
  heldMemory,
  isTooLow,
  parseStarts,
  parseUnits,
  type ServiceMeasure,
  type ServiceTrouble,
  unmeasured,
} from "./service-costs.ts";

const PAGE = join(PROJECT, "test/bench/services.md");
/** Installing Docker on an emulated processor. */
const INSTALL_MS = 2_400_000;
const SETTLE_SECONDS = 60;

// Without Serf: an announcement would be in the time of whatever is switched on.
const ANSWERS = `version: 1
system:
  language: en
  hostname: bench
  owner: { name: anna, password: "cargol groc damunt la teulada" }
network: { method: dhcp }
services: { serf: { enabled: false } }
`;

/** Settings that a service needs, or without which it would be too large, as if it had been on once before. */
const INPUTS: { readonly [service: string]: ServiceState["inputs"] } = {
  "guifi-dns": { server: 54621 },
  "guifi-graphs": { zone: "54284" },
  "guifi-proxy": { cache_mib: 100 },
};

/** Takes about an hour on two cores without KVM. Resolves to the path of the page and the services that say too little. */
export async function measureServices(): Promise<{ readonly page: string; readonly tooLow: string[] }> {
  const it = await subject("vm-amd64");
  const catalogue = readCatalogue(SERVICES);
  const wanted = catalogue.filter((service) => unmeasured(service) === undefined);
  const lab = await labUp({
    name: "bench",
    community: loadCommunity("guifi"),
    root: await labRoot(),
    signal: interruption(),
  });
  const measures: (ServiceMeasure | ServiceTrouble)[] = [];
  try {
    const box = await createBox({ ...it, lab, ownDisk: true, memoryMib: 2048 });
    try {
      const partition = await box.bootPartition();
      await partition.put("answers.yaml", ANSWERS);
      await partition.put("ca.pem", lab.authority());
      await box.powerOn();
      await box.expect(/\[done\] Set-up is complete/, { timeoutMs: BOOT_MS + INSTALL_MS });
      await box.ask("systemctl is-system-running --wait || true", { timeoutMs: BOOT_MS });
      const kept = `cat ${paths.services} 2>/dev/null || echo '{"version":1,"services":{}}'`;
      const states = withInputs(JSON.parse(await box.ask(kept)), wanted);
      await box.ask(`cat > ${paths.services} <<'END'\n${JSON.stringify(states)}\nEND`);
      for (const service of wanted) {
        const measure = await measureService(box, service);
        console.log(JSON.stringify(measure));
        measures.push(measure);
      }
    } finally {
      await box.destroy();
    }
  } finally {
    await lab.down();
  }
  const { version, services: packed } = it.manifest;
  const costs = { date: new Date(), machine: await thisMachine(), version, catalogue, packed, measures };
  await writeFile(PAGE, formatServiceCosts(costs));
  const tooLow = measures.flatMap((measure) => {
    const service = wanted.find(({ id }) => id === measure.id);
    return !("trouble" in measure) && service && isTooLow(service, measure) ? [measure.id] : [];
  });
  return { page: PAGE, tooLow };
}

/** As the box keeps it: see firstboot/services/state.ts. */
interface States {
  readonly version: number;
  readonly services: ServiceStates;
}

function withInputs(states: States, services: readonly Service[]): States {
  const chosen = services.flatMap(({ id, where }): [string, ServiceState][] => {
    const inputs = INPUTS[id];
    return inputs ? [[id, { state: "off", where: placeFor(where), published: true, inputs, facts: {} }]] : [];
  });
  return { ...states, services: { ...states.services, ...Object.fromEntries(chosen) } };
}

function placeFor({ allowed }: Service["where"]): PlaceId {
  return allowed[0] ?? "host";
}

/** A service that fails does not prevent the measurement of the others. */
async function measureService(box: Box, service: Service): Promise<ServiceMeasure | ServiceTrouble> {
  const { id } = service;
  const where = placeFor(service.where);
  try {
    const before = { disk: await diskKib(box, where), units: await activeUnits(box, where) };
    const { code, stdout, stderr } = await box.shell(
      `cut -d' ' -f1 /proc/uptime; cbox services enable ${id} --context ${where} >&2; code=$?; cut -d' ' -f1 /proc/uptime; exit $code`,
      { timeoutMs: INSTALL_MS },
    );
    const [began = 0, worked = 0] = stdout.trim().split("\n").map(Number);
    if (code !== 0) throw new Error(stderr.trim());
    await box.ask(`sleep ${SETTLE_SECONDS}`, { timeoutMs: 2 * SETTLE_SECONDS * 1000 });
    const units = [...(await activeUnits(box, where))].filter((unit) => !before.units.has(unit));
    // Also the units that it starts, such as containerd; not units that were started for other reasons meanwhile.
    const show = "systemctl show --property=Id,ControlGroup,InactiveExitTimestampMonotonic";
    const starts = parseStarts(
      units.length ? await run(box, where, `${show} ${units.map(quoted).join(" ")}`) : "",
    ).filter(({ started }) => started >= began && started <= worked);
    if (starts.length === 0) throw new Error("no unit of it is active");
    const first = Math.min(...starts.map(({ started }) => started));
    let memory = 0;
    for (const { group } of starts) {
      const file = (name: string) => run(box, where, `cat ${quoted(`/sys/fs/cgroup${group}/${name}`)}`);
      memory += heldMemory(await file("memory.current"), await file("memory.stat"));
    }
    const disk = (await diskKib(box, where)) - before.disk;
    return {
      ...{ id, where, diskKib: disk, memory },
      installSeconds: first - began,
      startSeconds: worked - first,
    };
  } catch (error) {
    return { id, trouble: `failed: ${(error as Error).message.replaceAll(/[\s|]+/g, " ").slice(0, 200)}` };
  } finally {
    await box.shell(`cbox services disable ${id}`, { timeoutMs: BOOT_MS });
  }
}

/** By a shell command that has to succeed: on the host, or in a context. */
function run(box: Box, where: PlaceId, command: string): Promise<string> {
  return where === "host" ? box.ask(command, { timeoutMs: BOOT_MS }) : say(box, where, command);
}

/** Without logs, which grow by themselves, and APT's lists, which are there from the first service on. */
async function diskKib(box: Box, where: PlaceId): Promise<number> {
  const without = ["/var/log", "/var/lib/community-box/apt"].map((path) => `--exclude=${path}`).join(" ");
  return Number(await run(box, where, `du -skx ${without} / 2>/dev/null | cut -f1`));
}

async function activeUnits(box: Box, where: PlaceId): Promise<Set<string>> {
  const list = "systemctl list-units --type=service --state=active --plain --no-legend --no-pager";
  return parseUnits(await run(box, where, list));
}

// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox doctor`: what this machine has and what is missing, with the command that installs or corrects it.
import { printable } from "../../common/printable.ts";
import { sayLines } from "../../common/say.ts";
import { foreignState } from "../debian/binfmt.ts";
import {
  type Checkup,
  checks,
  kvmIsThere,
  kvmWorks,
  type Purpose,
  runChecks,
  usualCircumstances,
} from "../doctor/index.ts";
import { table } from "../host/table.ts";
import { thisHost } from "../host/this-host.ts";

export interface DoctorOptions {
  /** Also run a tiny guest to see whether KVM works. */
  readonly kvm?: boolean;
}

export async function doctorCommand(options: DoctorOptions): Promise<void> {
  const usual = usualCircumstances();
  const own = usual.architectures.filter((name) => name === thisHost.architecture);
  const checkups = await runChecks(checks, { ...usual, architectures: own });
  const rows = checkups.map(({ check, finding }) => [
    finding.ok ? "ok" : "LACK",
    check.title,
    finding.detail,
  ]);
  const others = usual.architectures.filter((name) => name !== thisHost.architecture);
  const notes = [
    ...others.map((name) => ["note", `profiles for ${name}`, describeForeign(name)]),
    ["note", "KVM", await describeKvm(options.kvm === true)],
  ];
  sayLines(table([...rows, ...notes]));
  sayLines(summary(checkups));
  if (checkups.some(({ finding }) => !finding.ok)) process.exitCode = 1;
}

/** Building for another architecture needs more packages; ./cbox installs them when needed. */
function describeForeign(architecture: string): string {
  const state = foreignState(thisHost, architecture);
  if (state.kind === "runs") return `programs run (${state.by})`;
  if (state.kind === "ready") return `the build registers ${state.emulator}`;
  return "./cbox installs what they need when one is built or booted";
}

/** KVM only makes guests faster: everything works without it. */
async function describeKvm(probe: boolean): Promise<string> {
  if (!kvmIsThere()) return "not there for this user: guests run by TCG, some 10 times slower";
  if (!probe) return "present; ./cbox doctor --kvm tries whether a guest runs";
  return (await kvmWorks())
    ? "present, and a guest runs"
    : "present, but a guest does not run: TCG will be used";
}

function summary(checkups: readonly Checkup[]): string {
  const lacks = checkups.filter(({ finding }) => !finding.ok);
  if (lacks.length === 0) return "\nThis machine is ready to build, boot and run the lab.";
  const cures = lacks.map(({ check, finding }) => {
    return `  ${printable(check.title)}: ${printable(finding.detail)}\n    needed to ${purposes(check.neededFor)}; cure: ${printable(finding.cure ?? "")}`;
  });
  return [`\n${lacks.length === 1 ? "One thing is" : `${lacks.length} things are`} missing:`, ...cures].join(
    "\n",
  );
}

function purposes(neededFor: readonly Purpose[]): string {
  return neededFor.join(", ");
}

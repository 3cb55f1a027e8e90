import { unreachable } from "../base/assert.ts";
import type { DesiredTable, DesiredVip } from "./table.ts";

/**
 * Works out the steps from what is there to what is wanted, and back. PURE, so that every order of runs, crashes
 * and reboots can be tried on a model. Steps are ordered so that the VIP is never on `lo` without the ARP
 * settings that keep it off the wire.
 */

/** An IPv4 address on `lo`; `isTagged` is the kernel's word that `rs` added it (Linux ≥ 5.18). */
export interface ActualAddress {
  readonly address: string;
  readonly prefixLength: number;
  readonly label: string | null;
  readonly isTagged: boolean;
}

/** An IPv4 host route of the main table, through whatever interface. */
export interface ActualRoute {
  readonly address: string;
  readonly isTagged: boolean;
}

/** What the kernel has now. */
export interface ActualState {
  /** Changes with every boot. */
  readonly bootId: string;
  readonly addresses: readonly ActualAddress[];
  readonly routes: readonly ActualRoute[];
  /** Present value by path. */
  readonly sysctls: ReadonlyMap<string, string>;
}

/** A VIP in the state file, and what of it was there before. */
export interface SavedVip extends DesiredVip {
  readonly hadAddress: boolean;
  readonly hadRoute: boolean;
}

/** A kernel setting in the state file: what it was, and what `rs` made of it. */
export interface SavedSysctl {
  readonly path: string;
  readonly before: string;
  readonly set: string;
}

/** The state file: enough to restore what was there before the first start of this boot. */
export interface SavedState {
  readonly bootId: string;
  readonly vips: readonly SavedVip[];
  readonly sysctls: readonly SavedSysctl[];
}

/** One change to the kernel; carries what it takes to undo it. */
export type Step =
  | { readonly kind: "add-address"; readonly address: string; readonly label: string | null }
  | { readonly kind: "remove-address"; readonly address: string; readonly label: string | null }
  | { readonly kind: "add-route"; readonly address: string }
  | { readonly kind: "remove-route"; readonly address: string }
  | { readonly kind: "set-sysctl"; readonly path: string; readonly from: string; readonly to: string };

/** What `start` does: save `journal`, take the steps, save `outcome`. */
export interface StartPlan {
  /** Covers everything that is `rs`'s at any moment between the first step and the last. */
  readonly journal: SavedState;
  readonly outcome: SavedState;
  readonly steps: readonly Step[];
  /** What the operator should know besides the steps. */
  readonly notes: readonly string[];
}

/** What `stop` does: take the steps, delete the state file. */
export interface StopPlan {
  readonly steps: readonly Step[];
  readonly notes: readonly string[];
}

/** Plans the way to the desired table; `saved` is null when there is no state file. */
export function planStart(desired: DesiredTable, actual: ActualState, saved: SavedState | null): StartPlan {
  const trusted = trustedState(actual, saved);
  const sysctls = desired.sysctls.map((wanted): SavedSysctl => {
    const present = presentValue(actual, wanted.path);
    const known = trusted?.sysctls.find((one) => one.path === wanted.path);
    // A value that is neither what was there nor what was set is someone else's: it is what to go back to.
    const isKnown = known !== undefined && (present === known.set || present === known.before);
    return { path: wanted.path, before: isKnown ? known.before : present, set: wanted.value };
  });
  const vips = desired.vips.map((vip): SavedVip => {
    const { address, label } = vip;
    const { hadAddress, hadRoute } = whatWasThere(address, actual, trusted);
    return { address, label, hadAddress, hadRoute };
  });
  const wanted = new Set(vips.map((vip) => vip.address));
  const leaving = ownedVips(actual, trusted).filter((vip) => !wanted.has(vip.address));
  const outcome = { bootId: actual.bootId, vips, sysctls };
  return {
    journal: { ...outcome, vips: [...vips, ...leaving] },
    outcome,
    steps: [
      ...sysctls.flatMap((one) => sysctlStep(one.path, presentValue(actual, one.path), one.set)),
      ...vips.flatMap((vip) => additions(vip, actual)),
      ...leaving.flatMap((vip) => removals(vip, actual)),
    ],
    notes: startNotes(vips, actual, trusted),
  };
}

/** Plans the way back to what was there before; without a state file only what carries the tag is undone. */
export function planStop(actual: ActualState, saved: SavedState | null): StopPlan {
  const trusted = trustedState(actual, saved);
  const sysctls = trusted?.sysctls ?? [];
  const notes = sysctls.flatMap(({ path, before, set }) => {
    const present = presentValue(actual, path);
    return present === set || present === before
      ? []
      : [
          `${settingName(path)} is ${present}, which someone else set since the start; left (it was ${before} before)`,
        ];
  });
  if (saved !== null && trusted === null) {
    notes.push("the machine was rebooted since the start: the settings it made went with the reboot");
  }
  const restored = sysctls.filter((one) => presentValue(actual, one.path) === one.set);
  return {
    steps: [
      ...ownedVips(actual, trusted).flatMap((vip) => removals(vip, actual)),
      ...restored.flatMap((one) => sysctlStep(one.path, one.set, one.before)),
    ],
    notes,
  };
}

/** Gives the step that takes `step` back. */
export function undo(step: Step): Step {
  switch (step.kind) {
    case "add-address":
      return { ...step, kind: "remove-address" };
    case "remove-address":
      return { ...step, kind: "add-address" };
    case "add-route":
      return { ...step, kind: "remove-route" };
    case "remove-route":
      return { ...step, kind: "add-route" };
    case "set-sysctl":
      return { ...step, from: step.to, to: step.from };
    default:
      return unreachable(step);
  }
}

/** Says what a step does, for people. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case "add-address":
      return `add ${step.address}/32 to lo as ${step.label ?? "lo"}`;
    case "remove-address":
      return `remove ${step.address}/32 from lo`;
    case "add-route":
      return `add the host route to ${step.address} on lo`;
    case "remove-route":
      return `remove the host route to ${step.address} on lo`;
    case "set-sysctl":
      return `set ${settingName(step.path)} from ${step.from} to ${step.to}`;
    default:
      return unreachable(step);
  }
}

/** Writes a path below /proc/sys as sysctl(8) does. */
function settingName(path: string): string {
  return path.replaceAll("/", ".");
}

/** A state file of an earlier boot tells nothing about this kernel: all it recorded went with the reboot. */
function trustedState(actual: ActualState, saved: SavedState | null): SavedState | null {
  return saved !== null && saved.bootId === actual.bootId ? saved : null;
}

function presentValue(actual: ActualState, path: string): string {
  const value = actual.sysctls.get(path);
  if (value === undefined) throw new Error(`the present value of ${path} was not read`);
  return value;
}

function addressOnLoopback(actual: ActualState, address: string): ActualAddress | undefined {
  return actual.addresses.find((one) => one.address === address && one.prefixLength === 32);
}

function routeTo(actual: ActualState, address: string): ActualRoute | undefined {
  const routes = actual.routes.filter((one) => one.address === address);
  return routes.find((one) => one.isTagged) ?? routes[0];
}

/** Something is someone else's if it is there, carries no tag, and the state file does not say `rs` added it. */
function whatWasThere(
  address: string,
  actual: ActualState,
  trusted: SavedState | null,
): Pick<SavedVip, "hadAddress" | "hadRoute"> {
  const known = trusted?.vips.find((vip) => vip.address === address);
  const present = addressOnLoopback(actual, address);
  const route = routeTo(actual, address);
  return {
    hadAddress: present !== undefined && !present.isTagged && (known?.hadAddress ?? true),
    hadRoute: route !== undefined && !route.isTagged && (known?.hadRoute ?? true),
  };
}

/** Lists the VIPs that are wholly or partly `rs`'s: those in the state file, and whatever carries the tag. */
function ownedVips(actual: ActualState, trusted: SavedState | null): readonly SavedVip[] {
  const labels = new Map<string, string>();
  for (const vip of trusted?.vips ?? []) labels.set(vip.address, vip.label);
  for (const { address, label, isTagged } of actual.addresses) {
    if (isTagged && !labels.has(address)) labels.set(address, label ?? "lo");
  }
  for (const { address, isTagged } of actual.routes) {
    if (isTagged && !labels.has(address)) labels.set(address, "lo");
  }
  return [...labels].map(([address, label]) => {
    const { hadAddress, hadRoute } = whatWasThere(address, actual, trusted);
    return { address, label, hadAddress, hadRoute };
  });
}

function additions(vip: SavedVip, actual: ActualState): readonly Step[] {
  const { address, label } = vip;
  const steps: Step[] = [];
  if (addressOnLoopback(actual, address) === undefined) steps.push({ kind: "add-address", address, label });
  if (routeTo(actual, address) === undefined) steps.push({ kind: "add-route", address });
  return steps;
}

function removals(vip: SavedVip, actual: ActualState): readonly Step[] {
  const { address } = vip;
  const present = addressOnLoopback(actual, address);
  const steps: Step[] = [];
  if (routeTo(actual, address) !== undefined && !vip.hadRoute) steps.push({ kind: "remove-route", address });
  if (present !== undefined && !vip.hadAddress) {
    steps.push({ kind: "remove-address", address, label: present.label });
  }
  return steps;
}

function sysctlStep(path: string, from: string, to: string): readonly Step[] {
  return from === to ? [] : [{ kind: "set-sysctl", path, from, to }];
}

function startNotes(
  vips: readonly SavedVip[],
  actual: ActualState,
  trusted: SavedState | null,
): readonly string[] {
  const notes = vips.flatMap((vip) => [
    ...(vip.hadAddress ? [`${vip.address}/32 was on lo already: \`rs stop\` will leave it there`] : []),
    ...(vip.hadRoute ? [`a route to ${vip.address} was there already: \`rs stop\` will leave it there`] : []),
  ]);
  if (trusted === null && actual.addresses.some((one) => one.isTagged)) {
    notes.push(
      "the state file of an earlier start is missing: the ARP settings before it are not known, " +
        "`rs stop` will leave them as they are",
    );
  }
  return notes;
}

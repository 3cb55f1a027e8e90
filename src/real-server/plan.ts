import { familyOf } from "../base/address.ts";
import {
  addressOnLoopback,
  isOpen,
  isSamePort,
  ownedLinks,
  ownedVips,
  routeTo,
  savedLink,
  savedPort,
  whatWasThere,
} from "./ownership.ts";
import {
  trustedState,
  type ActualState,
  type SavedLink,
  type SavedPort,
  type SavedState,
  type SavedSysctl,
  type SavedVip,
} from "./state.ts";
import { hostPrefix, settingName, type Step } from "./steps.ts";
import type { DesiredTable } from "./table.ts";
import { sharedLink, type TunnelLink, type TunnelPort } from "./tunnels.ts";

/**
 * Works out the steps from what is there to what is wanted, and back. PURE, so that every order of runs, crashes
 * and reboots can be tried on a model. Steps are ordered so that the VIP is never on `lo` without the ARP
 * settings that keep it off the wire, and that no tunnel is open to a VIP that is not there.
 */

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

/** What goes, in the state file's terms. */
type Leaving = Omit<SavedState, "bootId" | "tunnels">;

/** Plans the way to the desired table; `saved` is null when there is no state file. Throws if a name is taken. */
export function planStart(desired: DesiredTable, actual: ActualState, saved: SavedState | null): StartPlan {
  const trusted = trustedState(actual, saved);
  refuseForeign(desired.links, actual);
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
  const links = desired.links.map((link) => savedLink(link, actual, trusted));
  const ports = desired.ports.map((port) => savedPort(port, actual, trusted));
  const { bootId } = actual;
  const { tunnels } = desired;
  const leaving: Leaving = {
    vips: ownedVips(actual, trusted).filter((vip) => !vips.some((one) => one.address === vip.address)),
    sysctls: (trusted?.sysctls ?? []).filter((one) => !sysctls.some(({ path }) => path === one.path)),
    links: ownedLinks(actual, trusted).filter((link) => !links.some(({ name }) => name === link.name)),
    ports: ownedPorts(actual, trusted).filter((port) => !ports.some((one) => isSamePort(one, port))),
  };
  return {
    journal: {
      bootId,
      vips: [...vips, ...leaving.vips],
      sysctls: [...sysctls, ...leaving.sysctls],
      links: [...links, ...leaving.links],
      ports: [...ports, ...leaving.ports],
      tunnels,
    },
    outcome: { bootId, vips, sysctls, links, ports, tunnels },
    steps: [
      ...sysctls.flatMap((one) => sysctlStep(one.path, presentValue(actual, one.path), one.set)),
      ...vips.flatMap((vip) => additions(vip, actual)),
      ...desired.links.flatMap((link) => linkSteps(link, actual)),
      ...desired.ports.flatMap((port) => portSteps(port, actual)),
      ...withdrawal(leaving, actual),
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
  const leaving: Leaving = {
    vips: ownedVips(actual, trusted),
    sysctls,
    links: ownedLinks(actual, trusted),
    ports: ownedPorts(actual, trusted),
  };
  return { steps: withdrawal(leaving, actual), notes };
}

/** The other way round than it came: what is first to go is what lets packets in. */
function withdrawal({ vips, sysctls, links, ports }: Leaving, actual: ActualState): readonly Step[] {
  const restored = sysctls.filter((one) => presentValue(actual, one.path) === one.set);
  return [
    ...ports
      .filter((one) => !one.had && isOpen(actual, one))
      .map(({ family, port }): Step => ({ kind: "close-port", port: { family, port } })),
    ...links.flatMap((link) => linkRemovals(link, actual)),
    ...vips.flatMap((vip) => removals(vip, actual)),
    ...restored.flatMap((one) => sysctlStep(one.path, one.set, one.before)),
  ];
}

function refuseForeign(links: readonly TunnelLink[], actual: ActualState): void {
  for (const { name } of links) {
    const present = actual.links.find((one) => one.name === name);
    if (name !== sharedLink && present !== undefined && !present.isOwn) {
      throw new Error(`the interface ${name} is there already, and not from \`rs\`: rename or remove it`);
    }
  }
}

function presentValue(actual: ActualState, path: string): string {
  const value = actual.sysctls.get(path);
  if (value === undefined) throw new Error(`the present value of ${path} was not read`);
  return value;
}

function ownedPorts(actual: ActualState, trusted: SavedState | null): readonly SavedPort[] {
  return (trusted?.ports ?? []).map(({ family, port }) => savedPort({ family, port }, actual, trusted));
}

function additions(vip: SavedVip, actual: ActualState): readonly Step[] {
  const { address, label } = vip;
  const steps: Step[] = [];
  if (addressOnLoopback(actual, address) === undefined) steps.push({ kind: "add-address", address, label });
  // The kernel itself makes the route to an IPv6 address.
  if (familyOf(address) === 4 && routeTo(actual, address) === undefined)
    steps.push({ kind: "add-route", address });
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

function linkSteps(link: TunnelLink, actual: ActualState): readonly Step[] {
  const present = actual.links.find((one) => one.name === link.name);
  if (link.name === sharedLink) return present?.isReady === true ? [] : [{ kind: "raise-link", link }];
  if (present === undefined) return [{ kind: "make-link", link }];
  const { name, kind, hasChecksum, isReady } = present;
  if (isReady && kind === link.kind && hasChecksum === link.hasChecksum) return [];
  return [
    { kind: "remove-link", link: { name, kind, hasChecksum } },
    { kind: "make-link", link },
  ];
}

function linkRemovals({ name, kind, hasChecksum, had }: SavedLink, actual: ActualState): readonly Step[] {
  const present = actual.links.find((one) => one.name === name);
  const link = { name, kind, hasChecksum };
  if (name === sharedLink) return present?.isReady === true && !had ? [{ kind: "lower-link", link }] : [];
  return present?.isOwn === true ? [{ kind: "remove-link", link }] : [];
}

function portSteps(port: TunnelPort, actual: ActualState): readonly Step[] {
  return isOpen(actual, port) ? [] : [{ kind: "open-port", port }];
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
    ...(vip.hadAddress
      ? [`${hostPrefix(vip.address)} was on lo already: \`rs stop\` will leave it there`]
      : []),
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

import { errorText } from "../base/system-error.ts";
import { silentLog, type Log } from "../base/log.ts";
import { removeServices } from "../director/leftovers.ts";
import { openFooting } from "../director/open-footing.ts";
import { acceptanceTable } from "../kernel/acceptance-table.ts";
import { Journal, stateDirectory } from "../kernel/journal.ts";
import { addressNote, ruleNote } from "../kernel/journal-notes.ts";
import {
  addressProtocol,
  fibProtocol,
  RouteNetlink,
  type LeasedAddress,
  type RouteChange,
} from "../kernel/rtnetlink.ts";
import { removeLeftTable } from "../kernel/nftables.ts";
import { VirtualMacLinks } from "../kernel/virtual-mac-links.ts";

/** What a change that was carried out has removed. */
interface Removal {
  readonly change: RouteChange;
  readonly text: string;
}

/** What was removed, and whether nothing was left to a service that is started again. */
interface Leftovers {
  readonly removed: readonly string[];
  readonly isWhole: boolean;
}

/**
 * Removes what the elections left in this network namespace, and names it: rules and routes, then addresses, then
 * interfaces that were made for a virtual MAC. Ours is what carries the tag of the elections, or what their journal has
 * noted where the kernel keeps no tags. Meant for after the death of the whole service, so that no VIP stays behind on a
 * host that does not defend it. `sparesLeases` leaves addresses that the kernel removes by itself within seconds, with
 * what they are on and what goes with them: a service that is started again at once takes them over. Throws `SystemError`
 * when the kernel refuses.
 */
export function removeLeftovers(sparesLeases: boolean): Leftovers {
  const netlink = RouteNetlink.open();
  const links = VirtualMacLinks.open();
  const journal = Journal.open(stateDirectory(process.env), "vrrp");
  const { entries: noted } = journal;
  try {
    const ours = netlink.leases().filter((found) => isOurAddress(found, noted));
    const spared = ours.filter(({ remainingS }) => sparesLeases && remainingS !== null);
    const removals = [
      // With the last lease the reason to spare them is gone: the next clean-up takes them.
      ...(spared.length > 0 ? [] : fibRemovals(netlink, noted)),
      ...ours.filter((one) => !spared.includes(one)).map(addressRemoval),
    ];
    const outcomes = netlink.apply(removals.map(({ change }) => change));
    const inUse = new Set(spared.map(({ linkIndex }) => linkIndex));
    const gone = [
      ...removals.flatMap(({ text }, index) => (outcomes[index] === "done" ? [text] : [])),
      ...links.remove(({ index }) => !inUse.has(index)).map(({ name }) => `interface ${name}`),
    ];
    // Packets come through again to addresses that are gone.
    if (spared.length === 0 && removeLeftTable(acceptanceTable)) gone.push("the packet filter's table");
    const refusal = outcomes.find((outcome) => outcome instanceof Error);
    if (refusal !== undefined) throw refusal;
    if (spared.length === 0) journal.note(new Set());
    return { removed: gone, isWhole: spared.length === 0 };
  } finally {
    links.close();
    netlink.close();
  }
}

/**
 * Puts back the settings that the kernel's services needed, stops their sync daemons, and says so.
 */
function removeFooting(): readonly string[] {
  const log: Log = { ...silentLog, error: (message) => process.stderr.write(`edge-ha: ${message}\n`) };
  return openFooting(stateDirectory(process.env), log).stop();
}

function isOurAddress(found: LeasedAddress, noted: ReadonlySet<string>): boolean {
  return found.protocol === addressProtocol.vrrp || (found.protocol === 0 && noted.has(addressNote(found)));
}

function addressRemoval(address: LeasedAddress): Removal {
  return {
    change: { kind: "remove-address", address },
    text: `${address.address}/${address.prefixLength}`,
  };
}

/** Rules first: what they point to goes next. */
function fibRemovals(netlink: RouteNetlink, noted: ReadonlySet<string>): readonly Removal[] {
  const rules = netlink.rules().filter((rule) => {
    return rule.protocol === fibProtocol || (rule.protocol === 0 && noted.has(ruleNote(rule)));
  });
  return [
    ...rules.map((rule): Removal => ({
      change: { kind: "remove-rule", rule },
      text: `rule ${rule.priority}`,
    })),
    ...netlink.taggedRoutes(fibProtocol).map((route): Removal => {
      const { destination, table } = route;
      const text = `route ${destination.address}/${destination.length} in table ${table}`;
      return { change: { kind: "remove-route", route }, text };
    }),
  ];
}

/**
 * Removes leftovers and names them; gives the exit status. `serviceResult` is systemd.exec(5)'s SERVICE_RESULT: anything
 * but `success` is a crash, after which the service is started again.
 */
export async function runCleanup(serviceResult: string | undefined): Promise<number> {
  const hasCrashed = serviceResult !== undefined && serviceResult !== "success";
  try {
    const { removed, isWhole } = removeLeftovers(hasCrashed);
    // The connections of services go on by the table: where a director comes after, it takes that over as it is.
    const services = hasCrashed ? [] : removeServices(stateDirectory(process.env));
    for (const leftover of [...removed, ...services]) {
      process.stderr.write(`edge-ha: removed ${leftover}, which a dead service left behind\n`);
    }
    // What the next start needs is not taken from under connections that go on meanwhile.
    for (const change of isWhole ? removeFooting() : []) {
      process.stderr.write(`edge-ha: ${change}, after a dead service\n`);
    }
    return 0;
  } catch (error) {
    process.stderr.write(`edge-ha: leftovers could not be removed: ${errorText(error)}\n`);
    return 1;
  }
}

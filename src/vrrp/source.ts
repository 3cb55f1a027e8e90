import { familyOf, isLinkLocal } from "../base/address.ts";
import type { VrrpInstancePlan } from "../config/node-plan.ts";
import { addressProtocol, type InterfaceAddress } from "../kernel/rtnetlink.ts";

/** Where a router's advertisements come from, or why it has no address to send them from: PURE. */
export type Source =
  | { readonly address: string; readonly problem: null }
  | { readonly address: null; readonly problem: string };

/** What is looked at. */
export interface SourceNeeds {
  /** The addresses on the router's interface, in the kernel's order. */
  readonly onLink: readonly InterfaceAddress[];
  /** Finds an address on any interface of the host. */
  readonly find: (address: string) => InterfaceAddress | null;
  readonly isVirtual: (address: string) => boolean;
}

/**
 * Takes the configured source if the host has it, or else the interface's first address of its own: any of IPv4, and
 * of IPv6 a link-local one (RFC 9568 §5.1.2.1) that duplicate address detection has passed.
 */
export function chooseSource(plan: VrrpInstancePlan, needs: SourceNeeds): Source {
  if (plan.source !== null) return configured(plan, plan.source, needs);
  // In this order: hundreds of virtual addresses are passed over by their tag.
  const isOwn = ({ address, protocol }: InterfaceAddress): boolean =>
    protocol !== addressProtocol.vrrp && !needs.isVirtual(address) && isCandidate(plan, address);
  const ready = needs.onLink.find((found) => found.readiness === "ready" && isOwn(found));
  if (ready !== undefined) return { address: ready.address, problem: null };
  const waiting = needs.onLink.find(isOwn);
  if (waiting !== undefined) return { address: null, problem: notReady(waiting) };
  // The owner of an address may have no other (RFC 9568 §6.4.1).
  const owned =
    plan.priority === 255 ? needs.onLink.find(({ address }) => isOwned(plan, address)) : undefined;
  if (owned !== undefined) return { address: owned.address, problem: null };
  const kind = plan.family === 4 ? "IPv4" : "IPv6 link-local";
  return { address: null, problem: `interface ${plan.interface} has no ${kind} address of its own` };
}

function isCandidate({ family }: VrrpInstancePlan, address: string): boolean {
  return familyOf(address) === family && (family === 4 || isLinkLocal(address));
}

function isOwned(plan: VrrpInstancePlan, address: string): boolean {
  return isCandidate(plan, address) && plan.addresses.some((vip) => vip.address === address);
}

function configured(plan: VrrpInstancePlan, source: string, needs: SourceNeeds): Source {
  // Every interface may have the same link-local address: that of this one is meant.
  const onLink = needs.onLink.find(({ address }) => address === source) ?? null;
  const isEverywhere = plan.family === 4 || !isLinkLocal(source);
  const found = onLink ?? (isEverywhere ? needs.find(source) : null);
  if (found === null) return { address: null, problem: `source address ${source} is not on this host` };
  return found.readiness === "ready"
    ? { address: source, problem: null }
    : { address: null, problem: notReady(found) };
}

function notReady({ address, readiness }: InterfaceAddress): string {
  return readiness === "tentative"
    ? `${address} is tentative: duplicate address detection has not finished`
    : `${address} is another host's too: duplicate address detection has failed`;
}

import { equalBytes } from "../base/bytes.ts";
import { errorText, hasCode } from "../base/system-error.ts";
import type { VrrpInstancePlan } from "../config/node-plan.ts";
import { virtualMac } from "../config/virtual-mac.ts";
import type { InstanceStatus } from "../ipc/status.ts";
import { isOwn, type LinkDetails, type VirtualMacLinkRequest } from "../kernel/virtual-mac-links.ts";

/** Which interface a virtual MAC needs, and where none can be: PURE. */

/** Gives a router's virtual MAC and its interface for `status`, or null. */
export function shownVirtualMac(plan: VrrpInstancePlan): InstanceStatus["virtualMac"] {
  return plan.virtualMac === null ? null : { interface: plan.virtualMac, mac: macOf(plan) };
}

/** Gives the interface that a router with a virtual MAC needs. */
export function linkFor(plan: VrrpInstancePlan, below: LinkDetails): VirtualMacLinkRequest {
  return {
    name: plan.virtualMac ?? "",
    mac: macBytes(macOf(plan)),
    vrid: plan.vrid,
    below,
  };
}

/** Tells whether an interface that is there is one of ours and as it would be made. */
export function isFor(found: LinkDetails, request: VirtualMacLinkRequest): boolean {
  return (
    isOwn(found) &&
    found.isMacvlanBridge &&
    found.parentIndex === request.below.index &&
    equalBytes(found.mac, request.mac)
  );
}

/** Kinds that carry frames of one MAC only, or that keep the frames of a second one from it. */
const singleMacKinds = new Set(["macvlan", "macvtap", "ipvlan", "ipvtap"]);

/** Says why no virtual MAC can be on an interface, or null; what else the kernel refuses it says itself. */
export function obstacleBelow({ name, kind, isEthernet }: LinkDetails): string | null {
  if (!isEthernet) return `${name} is no Ethernet interface`;
  if (kind !== null && singleMacKinds.has(kind)) {
    return `${name} is a ${kind}, which has one MAC only: name the interface below it, or remove virtual_mac`;
  }
  return null;
}

/** Says why an interface could not be made. */
export function refusalText(below: string, error: unknown): string {
  const text = errorText(error);
  return hasCode(error, "EBUSY")
    ? `${text}: ${below} belongs to a bridge or a bond, which is the interface to name`
    : text;
}

function macOf(plan: VrrpInstancePlan): string {
  return virtualMac(plan.family, plan.vrid);
}

function macBytes(mac: string): Uint8Array {
  return Uint8Array.from(mac.split(":").map((part) => Number.parseInt(part, 16)));
}

import { familyOf } from "../base/address.ts";
import { unreachable } from "../base/assert.ts";
import type { TunnelLink, TunnelPort } from "./tunnels.ts";

/** One change to the kernel; carries what it takes to undo it. */
export type Step =
  | {
      readonly kind: "add-address" | "remove-address";
      readonly address: string;
      readonly label: string | null;
    }
  | { readonly kind: "add-route" | "remove-route"; readonly address: string }
  | { readonly kind: "set-sysctl"; readonly path: string; readonly from: string; readonly to: string }
  /** A device of `rs`'s own, with all its settings. */
  | { readonly kind: "make-link" | "remove-link"; readonly link: TunnelLink }
  /** The kernel's own device. */
  | { readonly kind: "raise-link" | "lower-link"; readonly link: TunnelLink }
  | { readonly kind: "open-port" | "close-port"; readonly port: TunnelPort };

/** PURE: gives the step that takes `step` back. */
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
    case "make-link":
      return { ...step, kind: "remove-link" };
    case "remove-link":
      return { ...step, kind: "make-link" };
    case "raise-link":
      return { ...step, kind: "lower-link" };
    case "lower-link":
      return { ...step, kind: "raise-link" };
    case "open-port":
      return { ...step, kind: "close-port" };
    case "close-port":
      return { ...step, kind: "open-port" };
    default:
      return unreachable(step);
  }
}

/** Says what a step does, for people. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case "add-address":
      return `add ${hostPrefix(step.address)} to lo${step.label === null ? "" : ` as ${step.label}`}`;
    case "remove-address":
      return `remove ${hostPrefix(step.address)} from lo`;
    case "add-route":
      return `add the host route to ${step.address} on lo`;
    case "remove-route":
      return `remove the host route to ${step.address} on lo`;
    case "set-sysctl":
      return `set ${settingName(step.path)} from ${step.from} to ${step.to}`;
    case "make-link":
      return `make the tunnel device ${step.link.name} (${step.link.kind}${step.link.hasChecksum ? ", checksums" : ""})`;
    case "remove-link":
      return `remove the tunnel device ${step.link.name}`;
    case "raise-link":
      return `set ${step.link.name} up`;
    case "lower-link":
      return `set ${step.link.name} down`;
    case "open-port":
      return `take GUE on UDP port ${step.port.port} over IPv${step.port.family}`;
    case "close-port":
      return `no longer take GUE on UDP port ${step.port.port} over IPv${step.port.family}`;
    default:
      return unreachable(step);
  }
}

/** Writes a path below /proc/sys as sysctl(8) does. */
export function settingName(path: string): string {
  return path.replaceAll("/", ".");
}

/** Gives the prefix length of a single address of its family. */
export function hostLength(address: string): 32 | 128 {
  return familyOf(address) === 4 ? 32 : 128;
}

/** Writes a single address with its prefix length. */
export function hostPrefix(address: string): string {
  return `${address}/${hostLength(address)}`;
}

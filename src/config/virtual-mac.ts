import type { Family } from "../base/address.ts";
import { fnv1a } from "../base/fnv.ts";

/** PURE: the MAC address of a virtual router, and the interface that carries it. */

/** Gives the MAC address that a virtual router has on every node (RFC 9568 §7.3), as in `00:00:5e:00:01:33`. */
export function virtualMac(family: Family, vrid: number): string {
  return `00:00:5e:00:0${family === 4 ? 1 : 2}:${vrid.toString(16).padStart(2, "0")}`;
}

// IFNAMSIZ, without the NUL.
const longestName = 15;

/**
 * Gives the name of the interface that is made for a virtual MAC where the file gives none: `vrrp4-51-eth0`, or a few
 * letters made of the interface's name in its place where that would be longer than 15 bytes.
 */
export function virtualMacLinkName(family: Family, vrid: number, below: string): string {
  const start = `vrrp${family}-${vrid}-`;
  const name = start + below;
  return new TextEncoder().encode(name).length <= longestName ? name : start + digest(below);
}

/** Makes five letters and digits of a name: two interfaces of a host get the same once in 60 million. */
function digest(name: string): string {
  return fnv1a(name).toString(36).padStart(5, "0").slice(-5);
}

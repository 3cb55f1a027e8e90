import { ruleKey, type RuleRequest } from "./fib-messages.ts";
import type { AddressKey } from "./route-changes.ts";

/**
 * PURE: what the journal of the elections calls the things that old kernels keep without a tag. Routes need no note:
 * kernels of every age keep theirs.
 */

const addressPrefix = "address ";
const rulePrefix = "rule ";

/** Names an address on an interface. */
export function addressNote({ linkIndex, address, prefixLength }: AddressKey): string {
  return `${addressesNote(linkIndex)}${address}/${prefixLength}`;
}

/** Begins the notes of all addresses of an interface. */
export function addressesNote(linkIndex: number): string {
  return `${addressPrefix}${linkIndex} `;
}

/** Tells whether a note is about an address. */
export function isAddressNote(note: string): boolean {
  return note.startsWith(addressPrefix);
}

/** Names a rule. */
export function ruleNote(rule: RuleRequest): string {
  return `${rulePrefix}${ruleKey(rule)}`;
}

/** Tells whether a note is about a rule. */
export function isRuleNote(note: string): boolean {
  return note.startsWith(rulePrefix);
}

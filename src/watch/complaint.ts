import type { Family } from "../base/address.ts";

/** What a finding is about; the words are those of `--json` and of docs/operating.md. */
export type FindingCode =
  | "malformed"
  | "ttl"
  | "authentication-header"
  | "owner"
  | "two-owners"
  | "equal-priority"
  | "version-differs"
  | "authentication-differs"
  | "interval-differs"
  | "list-differs"
  | "group-differs"
  | "checksum-differs"
  | "link-local"
  | "split-brain"
  | "silent"
  | "takeover"
  | "nobody-took-over"
  | "flapping"
  | "address-in-two-vrids"
  | "foreign-mac"
  | "still-answers"
  | "replayed"
  | "clock"
  | "file-vrid"
  | "file-version"
  | "file-interval"
  | "file-list"
  | "file-authentication"
  | "file-group"
  | "file-source"
  | "file-unheard"
  | "bfd-malformed"
  | "bfd-down";

/** An error costs an election or an address; a warning may. */
export type Severity = "error" | "warning";

/** Where something is wrong. */
export interface Place {
  readonly interface: string | null;
  readonly vlans: readonly number[];
  /** Null is everything but VRRP. */
  readonly vrid: number | null;
  readonly family: Family | null;
}

/** Something wrong. PURE data. */
export interface Complaint {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** The addresses it is about; with the place and the code they are what makes it the same one again. */
  readonly about: readonly string[];
  /** One sentence without its full stop, which stays the same as long as nothing changes. */
  readonly text: string;
  /** What to do, or an empty text. */
  readonly advice: string;
}

/** A complaint with its history. */
export interface Finding extends Complaint {
  readonly place: Place;
  readonly sinceMs: number;
  readonly lastMs: number;
  /** How often it was seen. */
  readonly count: number;
}

/** Something to tell. */
export type Notice =
  | { readonly kind: "finding"; readonly atMs: number; readonly finding: Finding }
  | { readonly kind: "over"; readonly atMs: number; readonly finding: Finding }
  /** Nothing wrong, but worth a line. */
  | { readonly kind: "event"; readonly atMs: number; readonly place: Place; readonly text: string };

/** Names a place, for maps. */
export function placeKey({ interface: on, vlans, vrid, family }: Place): string {
  return `${on ?? ""}|${vlans.join(".")}|${family ?? ""}|${vrid ?? ""}`;
}

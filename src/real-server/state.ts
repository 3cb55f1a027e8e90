import type { DesiredVip } from "./table.ts";
import type { TunnelLink, TunnelPort } from "./tunnels.ts";

/** PURE: what the kernel has now, and what the state file remembers of what it had. */

/** An address on `lo`; `isTagged` is the kernel's word that `rs` added it (Linux ≥ 5.18). */
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

/** A device that could unpack tunnels. */
export interface ActualLink extends TunnelLink {
  /** Carries the mark of `rs`. */
  readonly isOwn: boolean;
  /** Is up, and as `rs` would make it. */
  readonly isReady: boolean;
}

/** What the kernel has now. */
export interface ActualState {
  /** Changes with every boot. */
  readonly bootId: string;
  readonly addresses: readonly ActualAddress[];
  readonly routes: readonly ActualRoute[];
  /** Present value by path. */
  readonly sysctls: ReadonlyMap<string, string>;
  /** The devices whose names `rs` uses. */
  readonly links: readonly ActualLink[];
  /** Every GUE port. */
  readonly ports: readonly TunnelPort[];
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

/** A tunnel device in the state file, and whether it was there and up before. */
export interface SavedLink extends TunnelLink {
  readonly had: boolean;
}

/** A GUE port in the state file, and whether it was open before. */
export interface SavedPort extends TunnelPort {
  readonly had: boolean;
}

/** The state file: enough to restore what was there before the first start of this boot. */
export interface SavedState {
  readonly bootId: string;
  readonly vips: readonly SavedVip[];
  readonly sysctls: readonly SavedSysctl[];
  readonly links: readonly SavedLink[];
  readonly ports: readonly SavedPort[];
  /** The words of the tunnels that were asked for. */
  readonly tunnels: readonly string[];
}

/** Gives a state file its worth: one of an earlier boot tells nothing about this kernel. */
export function trustedState(actual: ActualState, saved: SavedState | null): SavedState | null {
  return saved !== null && saved.bootId === actual.bootId ? saved : null;
}

/** What a node has to do by BFD; part of the plan in node-plan.ts. */

/** Another node of a virtual router, as far as BFD watches it. */
export interface RivalPlan {
  /** Names of the sessions with it, on the router's own interface and on its heartbeat interfaces. */
  readonly sessions: readonly string[];
  /** Every address of that node that the file tells: its advertisements come from one of them. */
  readonly addresses: readonly string[];
  /** Before tracks. */
  readonly priority: number;
}

/** One BFD session with a neighbour. */
export interface BfdSessionPlan {
  readonly name: string;
  readonly interface: string;
  readonly peer: string;
  /** Null takes the interface's first address in the peer's network. */
  readonly source: string | null;
  /** How often to send, if the peer can bear it. */
  readonly intervalMs: number;
  /** How often the peer may send. */
  readonly minReceiveMs: number;
  /** After how many missing packets in a row the other side counts this node as gone. */
  readonly multiplier: number;
}

import type { z } from "zod";
import { bfdIntervalSchema, bfdMultiplierSchema } from "./bfd.ts";
import { address, name, orElse, orNull, table, wants } from "./fields.ts";
import { interfacePerNode, type PerNode, perNode } from "./per-node.ts";

/** `[[bfd]]`: a session with a neighbour, spelled out. */
export interface BfdSessionEntry {
  readonly name: string;
  readonly peer: PerNode<string>;
  readonly interface: PerNode<string> | null;
  readonly source: PerNode<string> | null;
  readonly interval: number;
  /** Null is `interval`. */
  readonly min_receive: number | null;
  readonly multiplier: number;
}

const peerExample = 'peer = "192.0.2.1"';
const sourceExample = 'source = { lb1 = "192.0.2.10", lb2 = "192.0.2.11" }';

function addressPerNode(example: string): z.ZodType<PerNode<string>> {
  return perNode(address(example), address(example), wants("an address", example));
}

/** `[[bfd]]`. */
export const bfdSessionSchema: z.ZodType<BfdSessionEntry> = table(
  {
    name: name("gateway"),
    peer: addressPerNode(peerExample),
    interface: orNull(interfacePerNode('interface = "eth1"')),
    source: orNull(addressPerNode(sourceExample)),
    interval: orElse(bfdIntervalSchema, 100),
    min_receive: orNull(bfdIntervalSchema),
    multiplier: orElse(bfdMultiplierSchema, 3),
  },
  "[[bfd]]",
);

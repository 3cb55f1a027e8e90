/**
 * Keys of the configuration contract that this version does not know yet, by the table they stand in, each with what to use
 * meanwhile. They are refused by name rather than as unknown, so that nobody takes them for a slip of the pen.
 */

const table: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "": {
    admin: "`edge-ha status` shows this node's state meanwhile",
    bgp: "run the routing daemon beside edge-ha meanwhile",
  },
  cluster: { mail: "let the script of [notify] send it meanwhile" },
  node: {
    peer: 'peers = "unicast" in [cluster], [[vip]] or [[vrrp]] takes the peers from [node.address]',
    weight: "write prefer in the [[vip]] meanwhile",
    admin: "`edge-ha status` shows this node's state",
  },
  notify: {
    mail: "let the script send it meanwhile",
    webhook: "let the script call it meanwhile",
    fifo_script: "start the FIFO's reader as a service of its own meanwhile",
  },
  "service.servers": { drain: "say `edge-ha drain`, or write weight = 0" },
};

/** Tells what to use instead of a key that a later version will have; null if it is none. `place` is the table without indices. */
export function notBuilt(place: string, key: string): string | null {
  const keys = table[place];
  return keys !== undefined && Object.hasOwn(keys, key) ? (keys[key] ?? null) : null;
}

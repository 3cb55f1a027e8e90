/**
 * PURE: the kernel settings that go with a virtual MAC, interface by interface. An interface and the macvlan on it hear the same
 * ARP requests, and Linux answers for every address of the host on all of its interfaces unless it is told otherwise.
 */

/** A kernel setting and the value it has to have, or had. */
export interface Setting {
  /** Such as `arp_ignore`. */
  readonly key: string;
  readonly value: string;
}

/** What an interface with a virtual MAC needs, as paths below `net/`; IPv6 may be missing from a kernel. */
export function macvlanSettings(name: string): readonly Setting[] {
  const v4 = `ipv4/conf/${name}`;
  const v6 = `ipv6/conf/${name}`;
  return [
    // Answers for its own addresses only: the host's are below, with the host's MAC.
    { key: `${v4}/arp_ignore`, value: "1" },
    { key: `${v4}/arp_announce`, value: "2" },
    // Replies leave through the interface below, so that is where a strict filter expects requests to come in.
    { key: `${v4}/rp_filter`, value: "2" },
    { key: `${v4}/arp_filter`, value: "0" },
    // The first address is no reason for the others to go with it.
    { key: `${v4}/promote_secondaries`, value: "1" },
    // No address but those of the router: what the kernel would make of the MAC is the same on every node.
    { key: `${v6}/addr_gen_mode`, value: "1" },
    { key: `${v6}/accept_ra`, value: "0" },
    // Every node has this address when it becomes active, and another may have it still.
    { key: `${v6}/accept_dad`, value: "0" },
  ];
}

/** What the interface below needs, and which values will do: the higher of its own and that of `all` counts. */
const belowNeeds: readonly { readonly key: string; readonly value: string; readonly isEnough: RegExp }[] = [
  // It must not answer for addresses of the macvlan with its own MAC; 3 to 7 would.
  { key: "arp_ignore", value: "1", isEnough: /^[128]$/ },
  // Nor ask for others in the name of these addresses, as that tells its own MAC to whom it asks.
  { key: "arp_announce", value: "2", isEnough: /^2$/ },
];

/** Gives what has to be set on the interface below; `read` gives a setting of `all` or of the interface. */
export function changesBelow(read: (where: "all" | "own", key: string) => string): readonly Setting[] {
  return belowNeeds.flatMap(({ key, value, isEnough }) => {
    const effective = Math.max(Number(read("all", key)), Number(read("own", key)));
    return isEnough.test(String(effective)) ? [] : [{ key, value }];
  });
}

/** Says which setting of the whole host keeps a virtual MAC from working, or null; no other can make up for it. */
export function settingProblem(readAll: (key: string) => string): string | null {
  if (readAll("arp_filter") !== "0") {
    return "net.ipv4.conf.all.arp_filter keeps a virtual MAC from answering ARP: set it to 0";
  }
  const ignore = readAll("arp_ignore");
  if (/^[3-7]$/.test(ignore)) {
    return `net.ipv4.conf.all.arp_ignore = ${ignore} makes interfaces answer for each other's addresses: set it to 0 or 1`;
  }
  return null;
}

/**
 * Writes the description of an interface with a virtual MAC. It keeps what the settings below were, for as long as there is
 * anything to put back, and through a crash of whoever changed them.
 */
export function describeMacvlan(vrid: number, before: readonly Setting[]): string {
  const kept = before.map(({ key, value }) => ` ${key}=${value}`).join("");
  return `edge-ha virtual router ${vrid}${kept === "" ? "" : `, below was${kept}`}`;
}

/** Reads from a description what the settings below were. */
export function settingsBefore(description: string | null): readonly Setting[] {
  const kept = /^edge-ha virtual router \d+, below was (.*)$/.exec(description ?? "")?.[1] ?? "";
  return belowNeeds.flatMap(({ key }) => {
    const value = new RegExp(`(?:^| )${key}=(\\d+)(?: |$)`).exec(kept)?.[1];
    return value === undefined ? [] : [{ key, value }];
  });
}

/** Gives what to put back, given what it was and what it is: what somebody else has changed meanwhile stays. */
export function putBack(before: readonly Setting[], readOwn: (key: string) => string): readonly Setting[] {
  return before.filter(({ key }) => readOwn(key) === belowNeeds.find((need) => need.key === key)?.value);
}

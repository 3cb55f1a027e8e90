import { delaysOf, type TrackKind } from "./kind.ts";

/** `interface = "eth1"`: a link that has to have a carrier. */
export const interfaceKind: TrackKind = {
  subject: "interface",
  keys: ["up_delay", "down_delay", "reverse"],
  calledAfter: (entry) => entry.interface ?? "",
  read: (entry, effect) => ({
    kind: "interface",
    ...effect,
    interface: entry.interface ?? "",
    ...delaysOf(entry),
  }),
  rules: () => [],
};

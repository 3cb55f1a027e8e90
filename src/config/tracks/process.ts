import { delaysOf, type TrackKind } from "./kind.ts";

/** `process = "haproxy"`: a program that has to run. */
export const processKind: TrackKind = {
  subject: "process",
  keys: ["arguments", "at_least", "up_delay", "down_delay", "reverse"],
  calledAfter: (entry) => entry.process?.split("/").at(-1) ?? "",
  read: (entry, effect) => ({
    kind: "process",
    ...effect,
    process: entry.process ?? "",
    arguments: entry.arguments ?? [],
    atLeast: entry.at_least ?? 1,
    ...delaysOf(entry),
  }),
  rules: () => [],
};

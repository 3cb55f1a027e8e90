import type { TrackKind } from "./kind.ts";

/** `file = "/run/load"`: a number that is added to the priority. */
export const fileKind: TrackKind = {
  subject: "file",
  keys: [],
  calledAfter: (entry) => entry.file?.split("/").at(-1) ?? "",
  read: (entry, { name, weight }) => ({ kind: "file", name, path: entry.file ?? "", weight }),
  rules: () => [],
};

import { base, vip } from "./expect-lines.ts";
import { web } from "./fixtures.ts";

/** The configuration of a service with changes to its text, and lines added at its end. */
export const service = (lines = "", change: (text: string) => string = (text) => text): string =>
  base + vip + change(web) + lines;
export const to =
  (what: string, instead: string) =>
  (text: string): string =>
    text.replace(what, instead);

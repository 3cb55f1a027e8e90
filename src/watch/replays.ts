import { equalBytes } from "../base/bytes.ts";
import { isLater } from "../vrrp/replay-window.ts";
import type { Complaint } from "./complaint.ts";
import type { Heard } from "./heard.ts";

/** PURE: whether signed advertisements are newer than the ones before, which anybody can see without the key. */

/** A capture of several links has one frame more than once. */
const sameFrameMs = 1_000;
const mostSenders = 64;

/** The last signed advertisement of each sender of one virtual router. */
export class Replays {
  readonly #last = new Map<string, Heard>();

  /** Takes an advertisement, and gives a complaint if it is an old one. */
  hear(heard: Heard): Complaint | null {
    const { trailer, signature, source, destination } = heard;
    if (trailer === null || signature === null) return null;
    const key = `${source} ${destination}`;
    const before = this.#last.get(key);
    if (before === undefined && this.#last.size >= mostSenders) return null;
    if (
      before?.trailer === undefined ||
      before.trailer === null ||
      isLater(trailer.stamp, before.trailer.stamp)
    ) {
      this.#last.set(key, heard);
      return null;
    }
    const isSame = before.signature !== null && equalBytes(before.signature, signature);
    if (isSame && heard.atMs - before.atMs < sameFrameMs) return null;
    return {
      code: "replayed",
      severity: "error",
      about: [source],
      text: `an advertisement of ${source} has the signature's time of an earlier one`,
      advice: "somebody sends captured advertisements again, or its clock was set back",
    };
  }
}

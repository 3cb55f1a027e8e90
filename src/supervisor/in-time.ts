import type { Clock } from "../base/clock.ts";
import { later } from "../base/instant.ts";
import type { Outcome } from "./keeper.ts";

/** Gives how something went, or after `limitMs` takes it that it is going well. */
export function inTime(outcome: Promise<Outcome>, clock: Clock, limitMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const cancel = clock.schedule(later(clock.now(), limitMs), () => resolve({ kind: "configured" }));
    void outcome.then((value) => {
      cancel();
      resolve(value);
    });
  });
}

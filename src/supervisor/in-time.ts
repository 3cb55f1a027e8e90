import type { Clock } from "../base/clock.ts";
import { later } from "../base/instant.ts";
import type { Outcome } from "./keeper.ts";

/** Gives how something went, or after `limitMs` takes it that it is going well; what just comes to its end has gone well. */
export function inTime(outcome: Promise<Outcome | void>, clock: Clock, limitMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const well = { kind: "configured" } as const;
    const cancel = clock.schedule(later(clock.now(), limitMs), () => resolve(well));
    void outcome.then((value) => {
      cancel();
      resolve(value ?? well);
    });
  });
}

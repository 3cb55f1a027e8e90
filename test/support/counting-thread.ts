import { parentPort, workerData } from "node:worker_threads";
import { mapMemory } from "../../src/ipc/counts/memory.ts";
import { CommonCounts } from "../../src/proxy/common-counts.ts";

/** What a thread is told that takes and leaves places as fast as it can. */
export interface CountingOrder {
  readonly descriptor: number;
  readonly pid: number;
  readonly most: number;
  readonly turns: number;
  /** How many have places by their own word, how often that was one too many, and places that were got. */
  readonly gauge: Int32Array;
}

function take({ descriptor, gauge, most, pid, turns }: CountingOrder): void {
  const counts = new CommonCounts();
  counts.join(() => mapMemory(descriptor), pid);
  const key = counts.key("thing", "configured");
  for (let turn = 0; turn < turns; turn++) {
    // The last place is what they fight for.
    if (!counts.enter(key, most)) continue;
    if (Atomics.add(gauge, 0, 1) >= most) Atomics.add(gauge, 1, 1);
    Atomics.add(gauge, 2, 1);
    Atomics.sub(gauge, 0, 1);
    counts.leave(key);
  }
}

// Whoever starts the thread gives it its orders as this type.
if (parentPort !== null) take(workerData as CountingOrder);

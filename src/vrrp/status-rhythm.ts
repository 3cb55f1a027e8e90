/**
 * PURE: how often the elections' process tells how it stands. Telling of one virtual router costs 0.1 ms, and as much where it
 * is heard: of hundreds, told every second, that was half of what elections cost.
 */

/** Milliseconds between two signs of life, of which a status is one. */
export const signIntervalMs = 1000;

/** Virtual routers of which all is told with every sign. */
const mostInASign = 50;

/** Gives the pause after a status before a change is told: hundreds that move one after the other would each tell of all. */
export function changePauseMs(routers: number): number {
  return 0.2 * routers;
}

/** Tells whether counters and times, which change all the while, are to be told again after so long. */
export function isRoutineDue(ageMs: number, routers: number): boolean {
  const signs = Math.ceil(routers / mostInASign);
  // Signs come on a beat of their own: half a beat sooner or later is as good.
  return ageMs >= (signs - 0.5) * signIntervalMs;
}

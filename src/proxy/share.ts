/**
 * Gives what one of several processes may have of what all of them may have together: rounded up, so that no limit becomes
 * none. 0 stays 0.
 */
export function shareOf(most: number, workers: number): number {
  return Math.ceil(most / Math.max(1, workers));
}

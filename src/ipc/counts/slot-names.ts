/**
 * Names of what processes that outlive their supervisor and the one that comes after it write down of slots: each in its own
 * table, for the other to read. What a process may have in use stands under the name of the thing itself. PURE.
 */

/** How many a process has a use for. */
export function wantedName(name: string): string {
  return `wanted ${name}`;
}

/** How many of those that it was lent in this way a process has come to have, in all. */
export function takenName(name: string): string {
  return `taken ${name}`;
}

/** How many a process was lent in this way, in all. */
export function lentName(name: string, pid: number): string {
  return `lent ${pid} ${name}`;
}

/** How many a process may keep, and one more; 0 if nobody else has a use for them. */
export function keptName(name: string, pid: number): string {
  return `kept ${pid} ${name}`;
}

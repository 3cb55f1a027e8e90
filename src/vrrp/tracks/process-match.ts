import type { ProcessTrackPlan } from "../../config/track-plan.ts";
import type { ProcessText } from "../../kernel/processes.ts";
import type { Sight } from "../tracking.ts";

/** Which processes are meant, and what their number says: PURE. */

/** The kernel keeps 15 bytes of a name (TASK_COMM_LEN without the NUL). */
const nameLength = 15;

/** Tells whether a process is one that a track follows: by its name, or by the path it was started with. */
export function isMeant(
  track: Pick<ProcessTrackPlan, "process" | "arguments">,
  { name, words }: ProcessText,
): boolean {
  const { process: program, arguments: wanted } = track;
  const isNamed = program.includes("/") ? words[0] === program : name === cut(program);
  return isNamed && containsWords(words.slice(1), wanted);
}

function cut(name: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(name).subarray(0, nameLength));
}

/** Tells whether the wanted words stand one after the other. */
function containsWords(words: readonly string[], wanted: readonly string[]): boolean {
  return (
    words.some((_, start) => wanted.every((word, index) => words[start + index] === word)) ||
    wanted.length === 0
  );
}

/** Says what the number of processes means. */
export function processSight(
  track: Pick<ProcessTrackPlan, "process" | "arguments" | "atLeast">,
  count: number,
): Sight {
  const { process: program, arguments: words, atLeast } = track;
  const what = [program, ...words].join(" ");
  const isUp = count >= atLeast;
  if (count === 0) return { isUp, text: `no process ${what} runs` };
  const runs = count === 1 ? `1 process ${what} runs` : `${count} processes ${what} run`;
  return { isUp, text: isUp ? runs : `${runs}, ${atLeast} are wanted` };
}

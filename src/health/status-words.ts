import type { WeightWord } from "../config/weight-word.ts";

/** What an agent or a file says of a server. */
export interface ServerWord {
  readonly isUp: boolean;
  readonly weight: WeightWord | null;
  /** What it said, in short, such as `up 75%` or `down (disk full)`. */
  readonly text: string;
}

const mostPercent = 1000;

/**
 * Reads a line of HAProxy's agent protocol: `up`, `ready`, `drain`, `maint`, `down`, `failed`, `stopped`, a percentage, and
 * after `#` a reason. PURE. Each line says everything: what it does not mention is as usual. Throws what is wrong with it.
 */
export function readStatusWords(line: string): ServerWord {
  const [said = "", ...rest] = line.split("#");
  const reason = rest.join("#").trim();
  const words = said.split(/[\s,]+/).filter((word) => word !== "");
  if (words.length === 0) throw new Error("says nothing");
  let isUp = true;
  let percent: number | null = null;
  for (const word of words) {
    const share = /^(\d{1,4})%$/.exec(word)?.[1];
    if (share !== undefined && Number(share) <= mostPercent) percent ??= Number(share);
    else if (/^(?:down|failed|stopped|maint)$/i.test(word)) isUp = false;
    else if (/^drain$/i.test(word)) percent = 0;
    // A limit of connections is set in the configuration here.
    else if (!/^(?:up|ready|maxconn:\d+)$/i.test(word))
      throw new Error(`says ${JSON.stringify(word.slice(0, 40))}, which means nothing`);
  }
  const weight: WeightWord | null = percent === null ? null : { kind: "share", percent };
  return { isUp, weight, text: `${words.join(" ")}${reason === "" ? "" : ` (${reason.slice(0, 80)})`}` };
}

import { errorText } from "../base/system-error.ts";
import type { AgentCheck, ProbeTiming } from "../config/check-plan.ts";
import type { Achievement } from "./achievement.ts";
import { dial } from "./dial.ts";
import { LineReader } from "./line-reader.ts";
import { readStatusWords } from "./status-words.ts";
import type { Deadline } from "./deadline.ts";

/** So many empty lines may come before the one that counts. */
const mostLines = 8;

/** Asks the agent on a server; the result is what it says, a failure is thrown. */
export async function probeAgent(probe: ProbeTiming & AgentCheck, deadline: Deadline): Promise<Achievement> {
  const socket = await dial(probe, deadline, { speaksFirst: probe.send !== "" });
  try {
    if (probe.send !== "") socket.write(new TextEncoder().encode(`${probe.send}\n`));
    const { isUp, weight, text } = readAgentLine(await spokenLine(new LineReader(socket)));
    if (!isUp) throw new Error(`agent says ${text}`);
    return { text: `agent says ${text}`, weight };
  } finally {
    socket.reset();
  }
}

/** Gives the first line with a word in it: some agents end the line before they begin it. */
async function spokenLine(lines: LineReader): Promise<string> {
  for (let count = 0; count < mostLines; count++) {
    const line = await lines.line({ mayEndWithStream: true });
    // HAProxy ends a line at a carriage return too.
    const spoken = line.split("\r").find((part) => part.trim() !== "");
    if (spoken !== undefined) return spoken;
  }
  return "";
}

function readAgentLine(line: string): ReturnType<typeof readStatusWords> {
  try {
    return readStatusWords(line);
  } catch (error) {
    throw new Error(`agent ${errorText(error)}`, { cause: error });
  }
}

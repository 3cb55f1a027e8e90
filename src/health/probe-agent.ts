import { errorText } from "../base/system-error.ts";
import type { AgentCheck, ProbeTiming } from "../config/check-plan.ts";
import type { Achievement } from "./achievement.ts";
import { dial } from "./dial.ts";
import { LineReader } from "./line-reader.ts";
import { readStatusWords } from "./status-words.ts";
import type { Deadline } from "./deadline.ts";

/** Asks the agent on a server; the result is what it says, a failure is thrown. */
export async function probeAgent(probe: ProbeTiming & AgentCheck, deadline: Deadline): Promise<Achievement> {
  const socket = await dial(probe, deadline, { speaksFirst: probe.send !== "" });
  try {
    if (probe.send !== "") socket.write(new TextEncoder().encode(`${probe.send}\n`));
    const line = await new LineReader(socket).line({ mayEndWithStream: true });
    const { isUp, weight, text } = readAgentLine(line);
    if (!isUp) throw new Error(`agent says ${text}`);
    return { text: `agent says ${text}`, weight };
  } finally {
    socket.reset();
  }
}

function readAgentLine(line: string): ReturnType<typeof readStatusWords> {
  try {
    return readStatusWords(line);
  } catch (error) {
    throw new Error(`agent ${errorText(error)}`, { cause: error });
  }
}

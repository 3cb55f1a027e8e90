import { runProgram, type Program } from "../base/program.ts";
import type { ScriptResult } from "./host.ts";

/** Runs a program once, without a shell, in a process group of its own that is killed when the time is up. */
export async function runScript(script: Program): Promise<ScriptResult> {
  const { exitStatus, text } = await runProgram(script);
  return { hasSucceeded: exitStatus === 0, text };
}

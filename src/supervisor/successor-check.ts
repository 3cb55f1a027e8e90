import { errorText } from "../base/system-error.ts";

/**
 * Has the program that is to take this one's place say what it finds wrong with the configuration: null if it runs and
 * finds nothing. One that does not end within `limitMs` is killed.
 */
export async function refusalOf(
  command: readonly string[],
  limitMs: number,
): Promise<readonly string[] | null> {
  const [path = ""] = command;
  let check: Bun.Subprocess<"ignore", "ignore", "pipe">;
  try {
    check = Bun.spawn([...command], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      timeout: limitMs,
      killSignal: "SIGKILL",
    });
  } catch (error) {
    return [`${path} cannot be run: ${errorText(error)}`];
  }
  const said = check.stderr.text();
  const status = await check.exited;
  if (status === 0) return null;
  // What it has started may hold its standard error open.
  if (check.signalCode === "SIGKILL") return [`${path} did not answer within ${limitMs / 1_000} s: killed`];
  const lines = (await said).split("\n").filter((line) => line !== "");
  return lines.length > 0 ? lines : [`${path} ended with ${check.signalCode ?? `exit status ${status}`}`];
}

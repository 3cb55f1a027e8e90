import type { ProbePlan } from "../../src/config/check-plan.ts";
import { noDirectorPlan } from "../../src/config/node-plan.ts";
import { startDirector } from "./director-process.ts";
import { type Host, waitFor } from "./lab.ts";

/** Has a director on `host` make each probe at least once, and gives what it says of them, as `up: …` or `down: …`. */
export async function probeResults(
  host: Host,
  probes: readonly ProbePlan[],
): Promise<Readonly<Record<string, string>>> {
  await using checker = await startDirector(host);
  const reason = await checker.configure({
    ...noDirectorPlan,
    probes,
  });
  if (reason !== null) throw new Error(reason);
  const isKnown = ({ id }: ProbePlan): boolean =>
    (checker.probe(id)?.lastResult ?? "not checked yet") !== "not checked yet";
  await waitFor("every probe has a result", () => probes.every(isKnown), 30_000);
  const results = probes.map(({ id }) => {
    const probe = checker.probe(id);
    return [id, `${probe?.isUp === true ? "up" : "down"}: ${probe?.lastResult}`] as const;
  });
  await checker.stop();
  return Object.fromEntries(results);
}

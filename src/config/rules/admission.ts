import { errorAt, type Finding, type KeyPath } from "../finding.ts";
import type { Model } from "../model.ts";
import type { AdmissionEntry } from "../schema/admission.ts";
import { formatDuration } from "../units.ts";

/** A client may give up sooner; a proxy that keeps more than this waiting collects them. */
const longestDelayMs = 60_000;

/** Whether what sites and routes say of those they let in can be done. */
export function admissionRules(model: Model): readonly Finding[] {
  return model.sections.sites.flatMap(({ value, path }) => [
    ...rulesOf(value, path, model),
    ...value.route.flatMap((route, index) => rulesOf(route, [...path, "route", index], model)),
  ]);
}

function rulesOf(
  { basic_auth, rate_limit }: AdmissionEntry,
  path: KeyPath,
  model: Model,
): readonly Finding[] {
  const findings: Finding[] = [];
  const problem = basic_auth ? model.host.usersProblem(basic_auth.users) : null;
  if (problem !== null) {
    const remedy = "write one line for each user with `htpasswd -nB NAME`, or with a hash of argon2id";
    findings.push(errorAt([...path, "basic_auth", "users"], problem, remedy));
  }
  if (rate_limit && rate_limit.delay) {
    const longestMs = rate_limit.rate * rate_limit.burst;
    if (rate_limit.burst === 0) {
      const what = "there is nobody to delay: without a burst, whatever is too early is refused";
      findings.push(
        errorAt([...path, "rate_limit", "delay"], what, "write burst = 20 beside it, or remove it"),
      );
    } else if (longestMs > longestDelayMs) {
      const what = `the last of the burst would wait ${formatDuration(Math.round(longestMs))}`;
      const remedy = `write a burst that is served within ${formatDuration(longestDelayMs)}, or delay = false`;
      findings.push(errorAt([...path, "rate_limit", "burst"], what, remedy));
    }
  }
  return findings;
}

import { readUserFile } from "../../base/htpasswd.ts";
import type { BasicAuthPlan } from "../../config/admission-plan.ts";
import { plainAnswer, type Answer } from "../answer.ts";
import { readBasicCredentials } from "./credentials.ts";
import type { Gate } from "./gate.ts";
import type { PasswordChecks, PasswordVerdict } from "./password-checks.ts";

const busy: Answer = { ...plainAnswer(503), fields: `Retry-After: 1\r\n${plainAnswer(503).fields}` };

/** Makes the gate that only users with their password pass; `text` is the file of users. Throws if that is of no use. */
export function basicAuthGate(plan: BasicAuthPlan, text: string, checks: PasswordChecks): Gate {
  const { problem, users } = readUserFile(text);
  if (problem !== null) throw new Error(`${plan.users}: ${problem}`);
  const refusal = challenge(plan.realm);
  // Somebody who is no user waits as long as one with a wrong password: names cannot be guessed by the clock.
  const [anyHash = ""] = users.values();
  const answers: Readonly<Record<PasswordVerdict, Answer | null>> = { right: null, wrong: refusal, busy };
  return (view) => {
    const credentials = readBasicCredentials(view.value("authorization"));
    if (credentials === null) return refusal;
    const { password, user } = credentials;
    const hash = users.get(user);
    if (hash !== undefined && checks.isKnown(password, hash)) return null;
    return {
      begin: (settle) =>
        checks.check(password, hash ?? anyHash, (verdict) =>
          settle(hash === undefined && verdict === "right" ? refusal : answers[verdict]),
        ),
    };
  };
}

/** RFC 7617 §2: names and passwords are UTF-8. */
function challenge(realm: string): Answer {
  const { body, fields, status } = plainAnswer(401);
  return { status, fields: `WWW-Authenticate: Basic realm="${realm}", charset="UTF-8"\r\n${fields}`, body };
}

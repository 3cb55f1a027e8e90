import type { ListenerPlan } from "../config/http-plan.ts";
import type { Answer } from "./answer.ts";
import type { ResponseStart } from "./exchange-client.ts";
import type { HeaderRules } from "./headers.ts";
import { withLines } from "./policy/fields.ts";

const name = "alt-svc";

/** Tells clients of a listener in each response that it speaks HTTP/3, too (RFC 7838 §3). */
export class Alternative {
  private readonly line: string;
  private readonly withLine = new WeakMap<HeaderRules, HeaderRules>();

  constructor(port: number, ageS: number) {
    this.line = `Alt-Svc: h3=":${port}"; ma=${ageS}\r\n`;
  }

  /** Adds it to a server's response, in place of what that says of other ways to the server. */
  start(start: ResponseStart): ResponseStart {
    const { fields, head, rules } = start;
    let told = this.withLine.get(rules);
    if (told === undefined) {
      const removed = new Set([...(rules.removed ?? []), name]);
      told = { removed, added: `${rules.added}${this.line}` };
      this.withLine.set(rules, told);
    }
    return { head, fields, rules: told };
  }

  /** Adds it to an answer of the proxy's own. */
  answer(answer: Answer): Answer {
    return withLines(answer, this.line);
  }
}

/** Gives what the clients of a listener are told; null is nothing. */
export function alternativeOf({ http3, sockets }: ListenerPlan): Alternative | null {
  const [first] = sockets;
  if (http3 === null || http3.rememberedS === 0 || first === undefined) return null;
  return new Alternative(first.port, http3.rememberedS);
}

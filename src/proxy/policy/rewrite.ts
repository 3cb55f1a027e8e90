import { GroupMatcher } from "../../base/pattern/groups.ts";
import type { RewritePlan } from "../../config/routing-plan.ts";
import { plainAnswer } from "../answer.ts";
import type { RequestView } from "../request-view.ts";
import { isBelow, matchingPath } from "../routes.ts";
import type { PromptGate } from "../admission/gate.ts";
import { behindDecoded, plainPath } from "./path.ts";

/**
 * What becomes of the path on its way to the server. The query stays. What comes out is a target again whatever the client
 * sent, for the pattern looks at the encoded path: no decoded octet, above all no space and no line end, gets into it.
 */

/** As long as a request line may be that comes in. */
const mostCharacters = 8192;

/** Makes a rewriting ready; it answers itself where no target comes out. */
export function compileRewrite(plan: RewritePlan): PromptGate {
  const change = plan.kind === "prefix" ? prefixChange(plan) : patternChange(plan);
  return (view) => {
    const { target } = view.head;
    const plain = target === "*" ? null : plainPath(target);
    const changed = plain === null ? null : change(plain, view);
    if (changed === null) return null;
    if (changed.length > mostCharacters) return plainAnswer(414);
    const [path = "", query] = changed.split("?", 2);
    // A target that began with two slashes would read as a host.
    const rooted = `/${path.replace(/^\/+/, "")}`;
    if (/\/\.\.?(?:\/|$)/.test(rooted)) return plainAnswer(400);
    const queries = [query ?? "", view.query].filter((one) => one !== "");
    view.target = queries.length === 0 ? rooted : `${rooted}?${queries.join("&")}`;
    return null;
  };
}

type Change = (plain: string, view: RequestView) => string | null;

function prefixChange({ from, to }: Extract<RewritePlan, { kind: "prefix" }>): Change {
  const prefix = (matchingPath(from) ?? from).replace(/\/$/, "");
  const start = to.replace(/\/$/, "");
  return (plain, view) => (isBelow(view.path, prefix) ? start + behindDecoded(plain, prefix.length) : null);
}

function patternChange({ pattern, to }: Extract<RewritePlan, { kind: "pattern" }>): Change {
  const matcher = new GroupMatcher(pattern);
  const pieces = to.split(/\$(?:([0-9]+)|\{([0-9]+)\})/);
  return (plain) => {
    const spans = matcher.find(plain);
    if (spans === null) return null;
    const held = (group: number): string => {
      const [from = -1, end = -1] = spans.slice(2 * group, 2 * group + 2);
      return from < 0 || end < 0 ? "" : plain.slice(from, end);
    };
    let text = "";
    // Three by three: text, the number of a group in one form, and in the other.
    for (const [index, piece] of pieces.entries())
      text += index % 3 === 0 ? piece : piece === undefined ? "" : held(Number(piece));
    // What is behind the pattern belongs before the query that the replacement brings.
    const [path = "", query] = text.split("?", 2);
    const whole = plain.slice(0, spans[0] ?? 0) + path + plain.slice(spans[1] ?? plain.length);
    return query === undefined ? whole : `${whole}?${query}`;
  };
}

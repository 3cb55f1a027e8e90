import { unreachable } from "../../base/assert.ts";
import { PatternMatcher } from "../../base/pattern/match.ts";
import { PrefixTable } from "../../base/prefix-table.ts";
import type {
  ConditionsPlan,
  PathKind,
  ValueConditionPlan,
  ValueTestPlan,
} from "../../config/routing-plan.ts";
import type { RequestView } from "../request-view.ts";
import { matchingPath, type RouteEntry } from "../routes.ts";

/** Which requests a route takes. */

/** Makes ready how a path is told; a prefix needs no test of its own. */
export function compilePath(kind: PathKind, path: string): Pick<RouteEntry<unknown>, "path" | "takes"> {
  if (kind === "pattern") {
    const matcher = new PatternMatcher(path);
    return { path, takes: (sent) => matcher.fits(Buffer.from(sent, "latin1")) };
  }
  // As requests' paths are: a path that is written encoded is the same path.
  const plain = matchingPath(path) ?? path;
  return { path: plain, takes: kind === "exact" ? (sent) => sent === plain : null };
}

/** Counts what a route asks for. */
export function countConditions({ headers, methods, query, sources }: ConditionsPlan): number {
  return Math.min(1, methods.length) + headers.length + query.length + Math.min(1, sources.length);
}

/** Makes the conditions ready; null if there are none. */
export function compileConditions(plan: ConditionsPlan): RouteEntry<unknown>["matches"] {
  const tests: ((view: RequestView) => boolean)[] = [];
  const { methods } = plan;
  if (methods.length > 0) tests.push(({ head }) => methods.includes(head.method));
  for (const { is, name } of plan.headers) {
    const test = compileTest(is);
    tests.push((view) => test(view.value(name)));
  }
  if (plan.query.length > 0) tests.push(queryTest(plan.query));
  if (plan.sources.length > 0) {
    const sources = new PrefixTable(plan.sources);
    tests.push(({ client }) => sources.has(client));
  }
  return tests.length === 0 ? null : (view) => tests.every((test) => test(view));
}

function compileTest(is: ValueTestPlan): (value: string | null) => boolean {
  switch (is.kind) {
    case "present":
      return (value) => value !== null;
    case "absent":
      return (value) => value === null;
    case "text": {
      // What arrives has one character for each octet.
      const text = Buffer.from(is.text).toString("latin1");
      return (value) => value === text;
    }
    case "pattern": {
      const matcher = new PatternMatcher(is.pattern);
      return (value) => value !== null && matcher.fits(Buffer.from(value, "latin1"));
    }
    default:
      return unreachable(is);
  }
}

function queryTest(plans: readonly ValueConditionPlan[]): (view: RequestView) => boolean {
  const tests = plans.map(({ is, name }) => ({
    name: Buffer.from(name).toString("latin1"),
    isAbsent: is.kind === "absent",
    test: compileTest(is),
  }));
  return (view) => {
    const parameters = view.query === "" ? [] : view.query.split("&").map(decodedPair);
    return tests.every(({ isAbsent, name, test }) => {
      const found = parameters.filter((one) => one.name === name);
      return isAbsent ? found.length === 0 : found.some(({ value }) => test(value));
    });
  };
}

function decodedPair(pair: string): { readonly name: string; readonly value: string } {
  const at = pair.indexOf("=");
  return {
    name: decoded(at < 0 ? pair : pair.slice(0, at)),
    value: at < 0 ? "" : decoded(pair.slice(at + 1)),
  };
}

/** As forms are encoded: `+` is a space. */
function decoded(text: string): string {
  return text
    .replaceAll("+", " ")
    .replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

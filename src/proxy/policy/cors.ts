import type { CorsPlan } from "../../config/routing-plan.ts";
import type { Answer } from "../answer.ts";
import type { RequestView } from "../request-view.ts";
import type { PromptGate } from "../admission/gate.ts";
import type { ResponseFilter } from "../snapshot.ts";
import { FieldChange } from "./fields.ts";

/**
 * The CORS protocol of the Fetch standard: which pages of other origins may read the responses. What the server says about that is
 * taken out, so that there is one rule; preflights never reach it.
 */

/** A route's CORS, made ready. */
export interface Cors {
  /** Answers preflights. */
  readonly preflight: PromptGate;
  readonly filter: ResponseFilter;
}

const ofServer: ReadonlySet<string> = new Set([
  "access-control-allow-credentials",
  "access-control-allow-headers",
  "access-control-allow-methods",
  "access-control-allow-origin",
  "access-control-expose-headers",
  "access-control-max-age",
]);
const preflightVary = "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n";
const noBody = Buffer.alloc(0);

/** Makes it ready. */
export function compileCors(plan: CorsPlan): Cors {
  const isAllowed = originTest(plan.origins);
  const isOpen = plan.origins.includes("*");
  // Fetch standard, "CORS protocol and HTTP caches": a response that differs by origin says so, also to who has none.
  const vary = isOpen ? "" : "Vary: Origin\r\n";
  const credentials = plan.credentials ? "Access-Control-Allow-Credentials: true\r\n" : "";
  const expose =
    plan.expose.length === 0 ? "" : `Access-Control-Expose-Headers: ${plan.expose.join(", ")}\r\n`;
  const allowing = (origin: string | null): string =>
    origin !== null && isAllowed(origin)
      ? `Access-Control-Allow-Origin: ${isOpen ? "*" : origin}\r\n${credentials}`
      : "";
  const lines = (view: RequestView): string => {
    const allowed = allowing(view.value("origin"));
    return allowed === "" ? vary : `${allowed}${expose}${vary}`;
  };
  return {
    preflight: (view) => {
      const asked = view.head.method === "OPTIONS" ? view.value("access-control-request-method") : null;
      const origin = asked === null ? null : view.value("origin");
      if (origin === null) return null;
      const allowed = allowing(origin);
      const more = allowed === "" ? "" : permissions(plan, view);
      return { status: 204, fields: `${allowed}${more}${preflightVary}`, body: noBody };
    },
    filter: (view, client) => new CrossOrigin(client, { removed: ofServer, added: lines(view) }),
  };
}

/** Says with each response who may read it; a preflight's answer says that already. */
class CrossOrigin extends FieldChange {
  override changed(answer: Answer): Answer {
    return answer.fields.includes(preflightVary) ? this.passedOn(answer) : super.changed(answer);
  }
}

function permissions(plan: CorsPlan, view: RequestView): string {
  const requested = view.value("access-control-request-headers") ?? "";
  // With credentials a star is no wildcard, so what is asked for is repeated.
  const isList = /^[A-Za-z0-9!#$%&'*+.^_`|~, -]+$/.test(requested);
  const headers = plan.headers.includes("*") ? (isList ? requested : "") : plan.headers.join(", ");
  return (
    `Access-Control-Allow-Methods: ${plan.methods.join(", ")}\r\n` +
    (headers === "" ? "" : `Access-Control-Allow-Headers: ${headers}\r\n`) +
    `Access-Control-Max-Age: ${plan.maxAgeS}\r\n`
  );
}

function originTest(origins: readonly string[]): (origin: string) => boolean {
  const exact = new Set(origins);
  if (exact.has("*")) return () => true;
  const wildcards = origins.flatMap((origin) => {
    const [scheme = "", rest] = origin.split("://*.");
    return rest === undefined ? [] : [{ start: `${scheme}://`, end: `.${rest}` }];
  });
  return (origin) =>
    exact.has(origin) ||
    wildcards.some(
      ({ end, start }) =>
        origin.length > start.length + end.length &&
        origin.startsWith(start) &&
        origin.endsWith(end) &&
        // Only a name may stand for the star: no port, no user and no other host.
        /^[a-z0-9.-]+$/.test(origin.slice(start.length, origin.length - end.length)),
    );
}

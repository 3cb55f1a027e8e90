import type { CompressionPlan } from "../../config/content-plan.ts";
import type { RequestView } from "../request-view.ts";
import { chooseCoding, type ChosenCoding } from "./accept-encoding.ts";
import { EncodedBodies } from "./encoded-bodies.ts";

/** What a request says of how its answer may be encoded, kept beyond the turn in which it was read. */
export interface EncodingWishes extends ChosenCoding {
  readonly isHead: boolean;
  /** Whether it asks for a part: parts are of the answer as it is (RFC 9110 §14.2). */
  readonly isPart: boolean;
  /** Value of If-None-Match. */
  readonly noneMatch: string | null;
}

/** `compression` of a route, made ready. */
export interface Encoding {
  readonly plan: CompressionPlan;
  readonly bodies: EncodedBodies;
  readonly wishesOf: (view: RequestView) => EncodingWishes;
}

/** What clients write is one of a few short texts; more than this many, or longer, and it is somebody's play. */
const mostKnown = 256;
const mostLength = 64;
/** One for all routes: their pages are the same. */
const bodies = new EncodedBodies();

/** Makes it ready. */
export function compileEncoding(plan: CompressionPlan): Encoding {
  const known = new Map<string | null, ChosenCoding>();
  const chosenFor = (accepted: string | null): ChosenCoding => {
    const before = known.get(accepted);
    if (before !== undefined) return before;
    const chosen = chooseCoding(accepted, plan.codings);
    if (known.size < mostKnown && (accepted?.length ?? 0) <= mostLength) known.set(accepted, chosen);
    return chosen;
  };
  return {
    plan,
    bodies,
    wishesOf: (view) => ({
      ...chosenFor(view.value("accept-encoding")),
      isHead: view.head.method === "HEAD",
      isPart: view.value("range") !== null,
      noneMatch: view.value("if-none-match"),
    }),
  };
}

/** Gives the rule that holds for what a client gets: nobody who refuses what is not encoded is left to a least length. */
export function limitsFor(
  { minBytes, types }: CompressionPlan,
  { refusesIdentity }: EncodingWishes,
): Pick<CompressionPlan, "minBytes" | "types"> {
  return { types, minBytes: refusesIdentity ? 0 : minBytes };
}

/** Tells caches that answers differ by what the client takes (RFC 9110 §12.5.5). */
export const varyLine = "Vary: Accept-Encoding\r\n";

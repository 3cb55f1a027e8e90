import type { Answer } from "./answer.ts";
import { paged, type ErrorPages } from "./content/error-pages.ts";
import type { ResponseSink } from "./exchange-client.ts";
import type { HeaderRules } from "./headers.ts";
import { withLines } from "./policy/fields.ts";
import type { RequestView } from "./request-view.ts";
import { filtered } from "./response-change.ts";
import type { ResponseFilter } from "./snapshot.ts";

/** Of a route, or of a site where none of its routes takes a request: what is done with answers. */
export interface Finishing {
  /** In place of the usual texts for errors; null leaves those. */
  readonly errorPages: ErrorPages | null;
  readonly rules: HeaderRules;
  /** The first is next to the server. */
  readonly filters: readonly ResponseFilter[];
}

const nobody: ResponseSink = { sendResponse: () => true, sendBody: () => true };

/** Does with an answer of the proxy's own what is done with those of servers; `sink` is what these would go through. */
export function ownAnswer(
  { errorPages, rules }: Pick<Finishing, "errorPages" | "rules">,
  sink: ResponseSink,
  answer: Answer,
): Answer {
  const shown = paged(errorPages, answer);
  return withLines(sink.changed?.(shown) ?? shown, rules.added);
}

/** The same in the turn in which the request was read. */
export function ownAnswerTo(view: RequestView, of: Finishing, answer: Answer): Answer {
  return ownAnswer(of, filtered(view, of.filters, nobody), answer);
}

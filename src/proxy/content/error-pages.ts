import type { ErrorPagesPlan } from "../../config/content-plan.ts";
import type { Pages } from "../../ipc/pages.ts";
import { plainAnswer, type Answer } from "../answer.ts";
import { mediaType } from "./media-type.ts";

/** A page with the field line of its type. */
export interface ShownPage {
  readonly fields: string;
  readonly body: Buffer;
}

/** Gives a page of a plan as it is shown; throws if the plan came without it. */
export function shownPage(path: string, pages: Pages): ShownPage {
  const page = pages[path];
  if (page === undefined) throw new Error(`${path} did not come with the plan`);
  return { fields: `Content-Type: ${mediaType(path)}\r\n`, body: Buffer.from(page.content, "base64") };
}

/** Pages in place of errors, by status. */
export class ErrorPages {
  /** Whether errors of the servers are replaced, too. */
  readonly intercepts: boolean;
  private readonly byStatus: ReadonlyMap<string, ShownPage>;

  constructor(plan: ErrorPagesPlan, pages: Pages) {
    this.intercepts = plan.intercepts;
    this.byStatus = new Map(plan.pages.map(([status, path]) => [status, shownPage(path, pages)]));
  }

  /** Gives the page of a status, else of its class; null if there is none. */
  of(status: number): ShownPage | null {
    if (status < 400) return null;
    return this.byStatus.get(String(status)) ?? this.byStatus.get(`${Math.trunc(status / 100)}xx`) ?? null;
  }
}

/** Gives an answer its page if its body is but the usual text: one that somebody wrote stays as it is. */
export function paged(pages: ErrorPages | null, answer: Answer): Answer {
  if (pages === null) return answer;
  const page = pages.of(answer.status);
  const usual = plainAnswer(answer.status);
  if (page === null || answer.body !== usual.body) return answer;
  const others = answer.fields.replace(/^content-type:[^\r\n]*\r\n/gim, "");
  return { status: answer.status, fields: page.fields + others, body: page.body };
}

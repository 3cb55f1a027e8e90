import type { HeaderRulesPlan, RequestIdsPlan } from "../../config/http-plan.ts";
import type { ListenerPolicyPlan } from "../../config/routing-plan.ts";
import { buildRequestHead, compileHeaderRules, writeRequestHead, type Outgoing } from "../headers.ts";
import type { RequestHead } from "../http1/request-head.ts";
import type { RequestView } from "../request-view.ts";
import type { SentHead } from "../sent-head.ts";
import type { Route } from "../snapshot.ts";
import { compileTelling } from "./client.ts";
import { variableLines } from "./fields.ts";
import { compileTemplate, type Template } from "./variables.ts";

/** What is different in a request on its way to the server. */
export interface OutgoingRules {
  /** Host, if it is not the client's. */
  readonly host: Template | null;
  readonly removed: ReadonlySet<string> | null;
  /** Lines that are the same for all requests, and those that are not. */
  readonly added: string;
  readonly varying: Template | null;
  /** Fields that tell of the client, if they are not the usual ones. */
  readonly telling: Template | null;
  /** Whether X-Request-ID is written with the head; else names are stamped into it afterwards. */
  readonly writesId: boolean;
}

const idField = "x-request-id";

/** Makes it ready; null where requests go on as they came. */
export function compileOutgoing(
  plan: HeaderRulesPlan,
  listener: ListenerPolicyPlan,
  ids: RequestIdsPlan | null = null,
): OutgoingRules | null {
  const host = plan.set.find(isHost)?.[1] ?? null;
  const rest = { ...plan, set: plan.set.filter((pair) => !isHost(pair)) };
  const { added, removed } = compileHeaderRules(rest);
  const varying = variableLines(rest);
  const telling = compileTelling(listener);
  const isNamed = [...rest.set, ...rest.add].some(([name]) => name.toLowerCase() === idField);
  const writesId = ids?.requestId === true && !ids.trace && !isNamed;
  const isSame = removed === null && added === "" && varying === null && !writesId;
  if (isSame && host === null && telling === null) return null;
  return {
    host: host === null ? null : compileTemplate(host),
    removed: writesId ? new Set([...(removed ?? []), idField]) : removed,
    added,
    varying,
    telling,
    writesId,
  };
}

function isHost([name]: readonly [string, string]): boolean {
  return name.toLowerCase() === "host";
}

/** Gives the head that goes to the server for a request of a route as text. */
export function requestHeadOf(route: Pick<Route, "outgoing">, view: RequestView): string {
  return buildRequestHead(headOf(view), view.fields, view.by, changesOf(route, view));
}

/** Writes the head that goes to the server for a request of a route. */
export function sentHeadOf(route: Pick<Route, "outgoing">, view: RequestView): SentHead {
  return writeRequestHead(headOf(view), view.fields, view.by, changesOf(route, view));
}

function headOf({ head, target }: RequestView): RequestHead {
  return target === head.target ? head : { ...head, target, isPlain: false };
}

function changesOf({ outgoing }: Pick<Route, "outgoing">, view: RequestView): Outgoing | null {
  if (outgoing === null) return null;
  const host = outgoing.host?.(view) ?? null;
  return {
    // What makes no authority is none: a field must not end its line, and a server must not get an empty Host.
    host: host === null || !/^[!-~]+$/.test(host) ? null : host,
    removed: outgoing.removed,
    added: outgoing.added,
    own: outgoing.varying?.(view) ?? "",
    telling: outgoing.telling?.(view) ?? null,
    id: outgoing.writesId ? view.requestId : "",
  };
}

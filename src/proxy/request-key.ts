import { unreachable } from "../base/assert.ts";
import type { HashSource, UpstreamPolicy } from "../config/upstream-policy.ts";
import { cookieValue } from "./cookies.ts";
import type { RequestView } from "./request-view.ts";
import type { Caller } from "./selection/scheduler.ts";

/** What of a request decides which server it goes to; kept for its further tries, when the request itself is read no more. */
export interface RequestKey {
  /** What is hashed stands for the address of the client; empty if the request does not have it. */
  readonly caller: Caller;
  /** The cookie that keeps the client with its server; null if it did not send one. */
  readonly cookie: string | null;
}

/** Of requests that may go to any server. */
export const anyKey: RequestKey = {
  caller: { clientAddress: "", clientPort: 0, localAddress: "" },
  cookie: null,
};

/** Makes what reads the keys of requests, as far as an upstream goes by them. */
export function keyReader({
  balance,
  hash,
  sticky,
}: Pick<UpstreamPolicy, "balance" | "hash" | "sticky">): (view: RequestView) => RequestKey {
  const isHashed = balance === "source-hash" || hash !== null;
  if (!isHashed && sticky === null) return () => anyKey;
  return (view) => ({
    caller: isHashed ? { ...anyKey.caller, clientAddress: hashedText(view, hash) } : anyKey.caller,
    cookie: sticky === null ? null : cookieValue(view.value("cookie") ?? "", sticky.cookie),
  });
}

function hashedText(view: RequestView, hash: HashSource | null): string {
  return hash === null ? view.client : (partOf(view, hash) ?? "");
}

/** Gives what a source names of a request; null if the request does not have it. */
export function partOf(view: RequestView, source: HashSource): string | null {
  switch (source.kind) {
    case "header":
      return view.value(source.name);
    case "cookie":
      return cookieValue(view.value("cookie") ?? "", source.name);
    case "query":
      return new URLSearchParams(view.query).get(source.name);
    case "path":
      return view.path;
    case "uri":
      return view.head.target;
    default:
      return unreachable(source);
  }
}

import type { z } from "zod";
import type { Prefix } from "../../base/address.ts";
import type { ForwardedWord } from "../routing-plan.ts";
import { access, type AccessEntry } from "./access.ts";
import { networks } from "./conditions.ts";
import { choice, orElse } from "./fields.ts";
import { headerRules, requestHeaderRules, type HeaderRulesEntry } from "./header-rules.ts";

/** What a listener says about everything that comes through it. */
export interface ListenerPolicyEntry extends AccessEntry {
  readonly trusted_proxies: readonly Prefix[];
  readonly forwarded: ForwardedWord;
  readonly request_headers: HeaderRulesEntry;
  readonly response_headers: HeaderRulesEntry;
}

/** The keys. */
export const listenerPolicy: {
  readonly [Key in keyof ListenerPolicyEntry]: z.ZodType<ListenerPolicyEntry[Key]>;
} = {
  ...access,
  trusted_proxies: orElse(networks('trusted_proxies = ["10.0.0.0/8"]'), []),
  forwarded: orElse(choice(["x-forwarded", "rfc7239", "both"]), "x-forwarded"),
  request_headers: requestHeaderRules,
  response_headers: headerRules,
};

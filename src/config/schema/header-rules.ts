import { z } from "zod";
import { templateProblem } from "../template.ts";
import { complaint, orElse, table, wants } from "./fields.ts";

/** `request_headers` and `response_headers`: what happens to the fields of a message. */
export interface HeaderRulesEntry {
  readonly add: Readonly<Record<string, readonly string[]>>;
  readonly set: Readonly<Record<string, readonly string[]>>;
  readonly remove: readonly string[];
}

/** RFC 9110 §7.8, §7.6.1, §8.6: the proxy writes these itself, for they are about one connection or frame the body. */
const ownFields: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Fields that tell the server of the client, with what decides about them. */
const tellingFields: Readonly<Record<string, string>> = {
  expect: "remove it",
  forwarded: 'write forwarded = "rfc7239" in the [[listener]]',
  "max-forwards": "remove it",
  via: "remove it",
  "x-forwarded-for": "write trusted_proxies in the [[listener]]",
  "x-forwarded-host": "write trusted_proxies in the [[listener]]",
  "x-forwarded-proto": "write trusted_proxies in the [[listener]]",
  "x-real-ip": "write trusted_proxies in the [[listener]]",
  "x-ssl-client-fingerprint": "write client_certificates in the [[listener]]",
  "x-ssl-client-s-dn": "write client_certificates in the [[listener]]",
  "x-ssl-client-serial": "write client_certificates in the [[listener]]",
  "x-ssl-client-verify": "write client_certificates in the [[listener]]",
};

const fieldName = z
  .string({ error: wants("a field name in quotes", 'remove = ["Server"]') })
  .superRefine((value, context) => {
    // RFC 9110 §5.6.2: a field name is a token.
    if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(value)) {
      const what = `${JSON.stringify(value)} cannot be a field name`;
      context.addIssue(complaint(what, "write letters, digits and hyphens"));
    } else if (ownFields.has(value.toLowerCase())) {
      const what = `${value} belongs to the connection and is written by edge-ha itself`;
      context.addIssue(complaint(what, "remove it"));
    }
  });

const requestFieldName = fieldName.superRefine((value, context) => {
  const remedy = tellingFields[value.toLowerCase()];
  if (remedy !== undefined) context.addIssue(complaint(`${value} is written by edge-ha itself`, remedy));
});

const fieldValue = z
  .string({ error: wants("a text in quotes", 'X-Served-By = "edge"') })
  .superRefine((value, context) => {
    // RFC 9110 §5.5: no control characters, above all no line end.
    if (!/^[\t\u0020-\u007e\u0080-\uffff]*$/.test(value)) {
      context.addIssue(complaint("contains a control character", "leave it out"));
    } else {
      const problem = templateProblem(value);
      if (problem !== null) context.addIssue(complaint(problem.what, problem.remedy));
    }
  });

const rulesExample = 'add = { X-Served-By = "edge" }';

/** Reads fields by name, each with a value or a list of them. */
function fieldRules(name: z.ZodType<string, string>): z.ZodType<HeaderRulesEntry["add"]> {
  return z.record(
    name,
    z.preprocess(
      (value) => (typeof value === "string" ? [value] : value),
      z.array(fieldValue, { error: wants("a text or a list of texts", rulesExample) }),
    ),
    { error: wants("a table of field names and values", rulesExample) },
  );
}

function rulesFor(key: string, name: z.ZodType<string, string>): z.ZodType<HeaderRulesEntry> {
  const rules = orElse(fieldRules(name), {});
  const removed = z.array(name, { error: wants("a list of field names", 'remove = ["Server"]') });
  return orElse(
    table(
      { add: rules, set: rules, remove: orElse(removed, []) },
      `${key} = { add = {}, set = {}, remove = [] }`,
    ),
    { add: {}, set: {}, remove: [] },
  );
}

/** Fields of an answer: names with one value or several. */
export const answerFields: z.ZodType<HeaderRulesEntry["add"]> = orElse(fieldRules(fieldName), {});

/** Reads what happens to the fields of a response; nothing where it is not said. */
export const headerRules: z.ZodType<HeaderRulesEntry> = rulesFor("response_headers", fieldName);

function isHost(name: string): boolean {
  return name.toLowerCase() === "host";
}

/** Reads what happens to the fields of a request on its way to the server; nothing where it is not said. */
export const requestHeaderRules: z.ZodType<HeaderRulesEntry> = rulesFor(
  "request_headers",
  requestFieldName,
).superRefine(({ add, remove, set }, context) => {
  const hosts = Object.entries(set).filter(([name]) => isHost(name));
  const isOne = hosts.flatMap(([, values]) => values).length <= 1;
  if (isOne && !remove.some(isHost) && !Object.keys(add).some(isHost)) return;
  const what = "every request has a Host (RFC 9112 §3.2), and only one";
  context.addIssue(complaint(what, 'write set = { Host = "inside.example" }, or leave it out'));
});

/** Gives the fields of a table in their order. */
export function fieldPairs(
  fields: HeaderRulesEntry["add"],
): readonly (readonly [name: string, value: string])[] {
  return Object.entries(fields).flatMap(([name, values]) => values.map((value) => [name, value] as const));
}

import { z } from "zod";
import { complaint, orElse, table, wants } from "./fields.ts";

/** `response_headers`: what happens to the fields of a response. */
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

const fieldValue = z
  .string({ error: wants("a text in quotes", 'X-Served-By = "edge"') })
  .superRefine((value, context) => {
    // RFC 9110 §5.5: no control characters, above all no line end.
    if (/^[\t\u0020-\u007e\u0080-\uffff]*$/.test(value)) return;
    context.addIssue(complaint("contains a control character", "leave it out"));
  });

const rulesExample = 'add = { X-Served-By = "edge" }';

const fieldRules = z.record(
  fieldName,
  z.preprocess(
    (value) => (typeof value === "string" ? [value] : value),
    z.array(fieldValue, { error: wants("a text or a list of texts", rulesExample) }),
  ),
  { error: wants("a table of field names and values", rulesExample) },
);

const removedFields = z.array(fieldName, { error: wants("a list of field names", 'remove = ["Server"]') });

/** Reads what happens to the fields of a message; nothing where it is not said. */
export const headerRules: z.ZodType<HeaderRulesEntry> = orElse(
  table(
    { add: orElse(fieldRules, {}), set: orElse(fieldRules, {}), remove: orElse(removedFields, []) },
    "response_headers = { add = {}, set = {}, remove = [] }",
  ),
  { add: {}, set: {}, remove: [] },
);

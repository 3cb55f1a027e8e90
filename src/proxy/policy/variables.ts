import { certificateField } from "../certificate-fields.ts";
import { parseTemplate, type Variable } from "../../config/template.ts";
import { hostNameOf } from "../http1/host.ts";
import type { RequestView } from "../request-view.ts";
import { plainPath } from "./path.ts";

/** A text with what a request puts into it. */
export type Template = (view: RequestView) => string;

/** Makes a text with variables ready. */
export function compileTemplate(text: string): Template {
  const parts = parseTemplate(text).map((part): string | Template =>
    "text" in part ? part.text : values[part.variable],
  );
  return (view) => parts.map((part) => (typeof part === "string" ? part : part(view))).join("");
}

/** Gives the text as it is if it has no variables, else null. */
export function fixedText(text: string): string | null {
  const parts = parseTemplate(text);
  return parts.every((part) => "text" in part) ? parts.map((part) => part.text).join("") : null;
}

const values: Readonly<Record<Variable, Template>> = {
  args: (view) => view.query,
  host: (view) => view.head.hostName || (hostNameOf(view.by.localAuthority) ?? ""),
  remote_addr: (view) => view.client,
  request_id: (view) => view.requestId,
  request_method: (view) => view.head.method,
  request_uri: (view) => view.head.target,
  scheme: (view) => view.scheme,
  ssl_client_fingerprint: ({ by }) => certificateField(by.certificateFields, "Fingerprint"),
  ssl_client_s_dn: ({ by }) => certificateField(by.certificateFields, "S-DN"),
  ssl_client_serial: ({ by }) => certificateField(by.certificateFields, "Serial"),
  ssl_client_verify: ({ by }) => certificateField(by.certificateFields, "Verify"),
  // Never decoded: a line end in a path would be one in whatever it is written into.
  uri: (view) => plainPath(view.head.target) ?? "/",
};

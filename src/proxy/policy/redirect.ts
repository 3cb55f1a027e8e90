import { isIP } from "node:net";
import type { RedirectPlan } from "../../config/routing-plan.ts";
import { reasonOf } from "../answer.ts";
import { hostNameOf } from "../http1/host.ts";
import type { RequestView } from "../request-view.ts";
import type { PromptGate } from "../admission/gate.ts";
import { compileTemplate } from "./variables.ts";

/** Makes a gate that sends clients elsewhere. */
export function compileRedirect(plan: RedirectPlan): PromptGate {
  const { status } = plan;
  const place = plan.to === null ? (view: RequestView) => changedPlace(plan, view) : compileTemplate(plan.to);
  const body = Buffer.from(`${status} ${reasonOf(status)}\n`, "latin1");
  return (view) => {
    const location = place(view);
    if (location === null) return null;
    return { status, fields: `Location: ${asUrl(location)}\r\nContent-Type: text/plain\r\n`, body };
  };
}

/** Encodes what cannot stand in a URL, so that no line end gets into the field. */
function asUrl(text: string): string {
  return text.replace(/[^!-~]/g, (character) => {
    const hex = character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0");
    return `%${hex}`;
  });
}

/** Gives where the client should be instead, or null if it is there. */
function changedPlace(plan: RedirectPlan, view: RequestView): string | null {
  const { target } = view.head;
  if (target === "*") return null;
  const { authority } = view;
  const name = hostNameOf(authority) ?? "";
  const isToHttps = plan.https && view.scheme === "http";
  const wanted = withWww(name, plan.www);
  const at = target.indexOf("?");
  const path = at < 0 ? target : target.slice(0, at);
  const ended = withSlash(path, plan.trailingSlash);
  if (!isToHttps && wanted === name && ended === path) return null;
  // The port of clear text is none of TLS's.
  const port = isToHttps ? "" : (/:\d+$/.exec(authority)?.[0] ?? "");
  return `${isToHttps ? "https" : view.scheme}://${wanted}${port}${ended}${at < 0 ? "" : target.slice(at)}`;
}

function withWww(name: string, www: RedirectPlan["www"]): string {
  if (www === "remove") return name.startsWith("www.") ? name.slice(4) : name;
  const isName = isIP(name) === 0 && !name.startsWith("[") && name.includes(".");
  return www === "add" && isName && !name.startsWith("www.") ? `www.${name}` : name;
}

function withSlash(path: string, rule: RedirectPlan["trailingSlash"]): string {
  if (rule === "remove") return path.replace(/(?<=[^/])\/+$/, "");
  // What has a dot in its last part is a file.
  return rule === "add" && /\/[^/.]*$/.test(path) && !path.endsWith("/") ? `${path}/` : path;
}

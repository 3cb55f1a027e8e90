import { canonicalAddress, plainAddress } from "../../base/address.ts";
import { PrefixTable } from "../../base/prefix-table.ts";
import type { ForwardedWord, ListenerPolicyPlan } from "../../config/routing-plan.ts";
import { fieldNumber, type KnownField } from "../http1/field-names.ts";
import type { FieldTable } from "../http1/field-table.ts";
import { hostNameOf } from "../http1/host.ts";
import type { RequestView } from "../request-view.ts";
import type { Template } from "./variables.ts";

/**
 * Who the client is, and how the server is told. What a request says of that is believed only where the connection comes from a
 * trusted proxy, and thrown away else: anybody can write it.
 */

/** Finds out who sent a request, and writes it into the view. */
export type FindClient = (view: RequestView) => void;

/** Makes it ready; null if nobody is trusted. */
export function compileClient({ forwarded, trustedProxies }: ListenerPolicyPlan): FindClient | null {
  if (trustedProxies.length === 0) return null;
  const trusted = new PrefixTable(trustedProxies);
  return (view) => {
    if (!trusted.has(view.by.remoteAddress)) return;
    view.isRelayed = true;
    const hops = forwarded === "rfc7239" ? forwardedHops(view.fields) : listedHops(view.fields);
    // The right-most that is no proxy of ours: what is left of it is hearsay.
    for (const { address } of hops.toReversed()) {
      if (address === null) break;
      view.client = address;
      if (!trusted.has(address)) break;
    }
    const scheme =
      forwarded === "rfc7239" ? hops.at(-1)?.scheme : lastOf(view.fields, "x-forwarded-proto").toLowerCase();
    if (scheme === "http" || scheme === "https") view.scheme = scheme;
  };
}

interface Hop {
  /** Null where it is hidden or unknown. */
  readonly address: string | null;
  readonly scheme: string;
}

function listedHops(fields: FieldTable): readonly Hop[] {
  const text = joined(fields, "x-forwarded-for");
  return text === ""
    ? []
    : text.split(",").map((node) => ({ address: nodeAddress(node.trim()), scheme: "" }));
}

/** RFC 7239 §4: elements with commas between them, each of pairs with semicolons between them. */
function forwardedHops(fields: FieldTable): readonly Hop[] {
  const text = joined(fields, "forwarded");
  const elements = text.match(/(?:[^",]|"(?:[^"\\]|\\.)*")+/g) ?? [];
  return elements.map((element) => {
    const pairs = new Map(
      (element.match(/(?:[^";]|"(?:[^"\\]|\\.)*")+/g) ?? []).map((pair) => {
        const [name = "", value = ""] = pair.split(/=(.*)/s);
        return [
          name.trim().toLowerCase(),
          value
            .trim()
            .replace(/^"(.*)"$/s, "$1")
            .replace(/\\(.)/g, "$1"),
        ];
      }),
    );
    return { address: nodeAddress(pairs.get("for") ?? ""), scheme: (pairs.get("proto") ?? "").toLowerCase() };
  });
}

/** RFC 7239 §6: an address, perhaps with a port; IPv6 in brackets, which X-Forwarded-For leaves out. */
function nodeAddress(node: string): string | null {
  const bracketed = /^\[([^\]]+)\](?::\w+)?$/.exec(node)?.[1];
  const bare = bracketed ?? (/^[0-9.]+:\w+$/.test(node) ? node.slice(0, node.indexOf(":")) : node);
  const address = canonicalAddress(plainAddress(bare));
  return address;
}

function joined(fields: FieldTable, name: KnownField): string {
  const number = fieldNumber[name];
  const values: string[] = [];
  for (let at = fields.find(number); at >= 0; at = fields.find(number, at + 1)) {
    const value = fields.value(at);
    if (value !== "") values.push(value);
  }
  return values.join(", ");
}

function lastOf(fields: FieldTable, name: KnownField): string {
  return joined(fields, name).split(",").at(-1)?.trim() ?? "";
}

/** Writes the fields that tell the server of the client; null where nothing but the connection counts. */
export function compileTelling({ forwarded, trustedProxies }: ListenerPolicyPlan): Template | null {
  if (trustedProxies.length === 0 && forwarded === "x-forwarded") return null;
  const writers = telling[forwarded];
  return (view) =>
    `X-Real-IP: ${view.client}\r\n${writers.map((write) => write(view)).join("")}${view.by.certificateFields}`;
}

function xForwarded(view: RequestView): string {
  const { authority, by, fields, isRelayed, scheme } = view;
  const before = isRelayed ? joined(fields, "x-forwarded-for") : "";
  const sent = isRelayed ? lastOf(fields, "x-forwarded-host") : "";
  const host = sent !== "" && hostNameOf(sent) !== null ? sent : authority;
  const list = before === "" ? by.remoteAddress : `${before}, ${by.remoteAddress}`;
  return `X-Forwarded-For: ${list}\r\nX-Forwarded-Proto: ${scheme}\r\nX-Forwarded-Host: ${host}\r\n`;
}

function rfc7239(view: RequestView): string {
  const { authority, by, fields, isRelayed } = view;
  const before = isRelayed ? joined(fields, "forwarded") : "";
  const { remoteAddress } = by;
  const node = remoteAddress.includes(":") ? `"[${remoteAddress}]"` : remoteAddress;
  // This hop's own: what came before stands before it.
  const own = `for=${node};proto=${by.scheme};host="${authority}"`;
  return `Forwarded: ${before === "" ? own : `${before}, ${own}`}\r\n`;
}

const telling: Readonly<Record<ForwardedWord, readonly Template[]>> = {
  "x-forwarded": [xForwarded],
  rfc7239: [rfc7239],
  both: [xForwarded, rfc7239],
};

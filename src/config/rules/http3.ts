import { errorAt, type Finding } from "../finding.ts";
import type { Model } from "../model.ts";
import type { ListenerEntry } from "../schema/listener.ts";
import type { Element } from "../sections.ts";

/** What listeners have to be that speak HTTP/3. */
export function http3Rules(model: Model): readonly Finding[] {
  return model.sections.listeners.flatMap((listener) =>
    listener.value.http3 ? withHttp3(listener) : withoutHttp3(listener),
  );
}

function withoutHttp3({ value, path }: Element<ListenerEntry>): readonly Finding[] {
  if (value.alt_svc === null) return [];
  return [
    errorAt([...path, "alt_svc"], "tells of HTTP/3 only", "write http3 = true beside it, or remove it"),
  ];
}

function withHttp3({ value, path }: Element<ListenerEntry>): readonly Finding[] {
  const at = [...path, "http3"];
  const findings: Finding[] = [];
  if (value.tls === null)
    findings.push(
      errorAt(at, "is always under TLS", 'write tls = [{ certificate = "…", key = "…" }] beside it'),
    );
  if (value.client_certificates !== null) {
    const what = "cannot ask for client certificates yet, and would be a way around them";
    findings.push(errorAt(at, what, "remove it, or let client_certificates go"));
  }
  if (value.proxy_protocol !== null) {
    const what =
      "is heard from clients themselves: a header of the PROXY protocol stands before connections of TCP";
    findings.push(errorAt(at, what, "remove one of them"));
  }
  if (value.address.address === null && value.vips.length === 0) {
    const what = "has to know its addresses: answers over UDP leave from the one that a socket is bound to";
    const remedy = 'write vips = ["…"] beside it, or an address of its own';
    findings.push(errorAt(at, what, remedy));
  }
  return findings;
}

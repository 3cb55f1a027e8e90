import { errorAt, type Finding } from "../finding.ts";
import type { Model } from "../model.ts";

/** What listeners can be told about the PROXY protocol. */
export function proxyProtocolRules(model: Model): readonly Finding[] {
  return model.sections.listeners.flatMap(({ value, path }) => {
    if (value.proxy_protocol === null || value.tls === null) return [];
    // The runtime begins TLS on an open socket, but takes no bytes that were read from it before: a header and what follows
    // it come in one packet as often as not.
    const what =
      "cannot be read before TLS: the runtime takes no handshake whose beginning came with the header";
    const remedy =
      "let the balancer before us end TLS and send to a listener in clear text, or remove one of them";
    return [errorAt([...path, "proxy_protocol"], what, remedy)];
  });
}

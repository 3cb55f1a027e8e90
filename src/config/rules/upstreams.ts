import { formatEndpoint } from "../../base/address.ts";
import { errorAt, warningAt, type Finding } from "../finding.ts";
import type { Model } from "../model.ts";
import { balanceFindings } from "./balance.ts";
import { namedServerFindings, placeText } from "./named-servers.ts";
import { upstreamLimitFindings } from "./upstream-limits.ts";

/** What the servers of upstreams can be. */
export function upstreamRules(model: Model): readonly Finding[] {
  return model.sections.upstreams.flatMap(({ value, path }) => {
    const findings: Finding[] = [
      ...balanceFindings({ value, path }),
      ...upstreamLimitFindings({ value, path }),
      ...namedServerFindings({ value, path }),
    ];
    if (value.http2 && value.proxy_protocol !== null) {
      const what = "tells the server one client for each connection, and over HTTP/2 clients share one";
      findings.push(errorAt([...path, "proxy_protocol"], what, "remove it, or http2 = true"));
    }
    const seen = new Set<string>();
    for (const [index, server] of value.servers.entries()) {
      const { address } = server;
      const text = "name" in address ? placeText(address) : formatEndpoint(address);
      if (seen.has(text)) {
        findings.push(
          errorAt(
            [...path, "servers", index, "address"],
            `${text} is already in the list`,
            "remove it here and give the other more weight",
          ),
        );
      }
      seen.add(text);
    }
    const regular = value.servers.filter(({ backup }) => !backup);
    if (regular.length === 0) {
      findings.push(
        errorAt([...path, "servers"], "every server is a backup", "remove backup = true from one of them"),
      );
    } else if (regular.every(({ drain, weight }) => weight === 0 || drain)) {
      findings.push(
        warningAt(
          [...path, "servers"],
          "every weight is 0 or every server drained, so none gets a request",
          "give one server a weight of 1 or more, and no drain = true",
        ),
      );
    }
    return findings;
  });
}

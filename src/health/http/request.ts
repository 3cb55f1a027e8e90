import { formatEndpoint, type Endpoint } from "../../base/address.ts";
import type { HttpCheck } from "../../config/check-plan.ts";

/** Writes the request of a check. PURE. */
export function requestText(check: HttpCheck, target: Endpoint): string {
  const given = new Set(check.headers.map(([name]) => name.toLowerCase()));
  const usual = [
    ["Host", check.host ?? hostOf(target, check.tls !== null)],
    ["User-Agent", "edge-ha"],
    ["Accept", "*/*"],
    ["Connection", "close"],
  ] as const;
  const fields = [...usual.filter(([name]) => !given.has(name.toLowerCase())), ...check.headers];
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
  return `${check.method} ${check.path} HTTP/${check.version}\r\n${lines.join("")}\r\n`;
}

/** RFC 9110 §7.2: the port of the scheme is left out. */
function hostOf(target: Endpoint, isTls: boolean): string {
  const authority = formatEndpoint(target);
  return target.port === (isTls ? 443 : 80) ? authority.replace(/:\d+$/, "") : authority;
}

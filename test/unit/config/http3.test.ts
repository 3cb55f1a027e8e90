import { describe, expect, test } from "bun:test";
import { readConfig } from "../../../src/config/read.ts";
import { base, vip } from "./expect-lines.ts";
import { site } from "./fixtures.ts";

const tls = 'tls = [{ certificate = "/a.pem", key = "/a.key" }]';

function listenerWith(lines: string, address = "192.0.2.1:443"): string {
  return base + vip + site.replace('":8080"', `"${address}"\n${lines}`);
}

function faults(lines: string, address?: string): readonly string[] {
  const { diagnostics } = readConfig(listenerWith(lines, address), "f");
  return diagnostics.map(({ key, remedy, severity, what }) => `${severity} ${key}: ${what}; ${remedy}`);
}

function http3(lines: string): unknown {
  return readConfig(listenerWith(lines), "f").config?.listeners[0]?.http3;
}

const service = `[[service]]
name = "dns"
addresses = ["192.0.2.1"]
port = 443
protocol = "udp"
forward = "proxy"
servers = [{ address = "192.0.2.9" }]
`;

describe("HTTP/3 of a listener", () => {
  test("is off, and remembered by clients for a day where it is on", () => {
    expect(http3(tls)).toBeNull();
    expect(http3(`${tls}\nhttp3 = true`)).toEqual({ rememberedS: 86_400 });
    expect(http3(`${tls}\nhttp3 = true\nalt_svc = "0s"`)).toEqual({ rememberedS: 0 });
  });

  test("is under TLS, without client certificates, and at addresses that are known", () => {
    expect(faults("http3 = true")).toEqual([
      'error listener "http".http3: is always under TLS; write tls = [{ certificate = "…", key = "…" }] beside it',
    ]);
    expect(faults(`${tls}\nhttp3 = true\nclient_certificates = { ca = "/ca.pem" }`)).toEqual([
      'error listener "http".http3: cannot ask for client certificates yet, and would be a way around them; remove it, or let client_certificates go',
    ]);
    expect(faults(`${tls}\nhttp3 = true`, ":443")).toEqual([
      'error listener "http".http3: has to know its addresses: answers over UDP leave from the one that a socket is bound to; write vips = ["…"] beside it, or an address of its own',
    ]);
    expect(faults(`${tls}\nalt_svc = "1h"`)).toEqual([
      'error listener "http".alt_svc: tells of HTTP/3 only; write http3 = true beside it, or remove it',
    ]);
  });

  test("does not share its UDP sockets with a service", () => {
    const { diagnostics } = readConfig(`${listenerWith(`${tls}\nhttp3 = true`)}\n${service}`, "f");
    expect(diagnostics.map(({ key, what }) => `${key}: ${what}`)).toEqual([
      'listener "http".address: [[service]] "dns" relays 192.0.2.1:443, which this listener would listen on too',
    ]);
  });
});

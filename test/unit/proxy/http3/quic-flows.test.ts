import { describe, expect, test } from "bun:test";
import type { Flow } from "../../../../src/proxy/flow.ts";
import { isQuic, QuicFlows } from "../../../../src/proxy/http3/quic-flows.ts";

const client = { clientAddress: "192.0.2.7", clientPort: 4433, localAddress: "192.0.2.1" };

function datagram(first: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes[0] = first;
  return bytes;
}

describe("isQuic()", () => {
  test("takes first packets of 1,200 bytes (RFC 9000 §14.1), and packets of connections that are long enough (§10.3)", () => {
    expect(isQuic(datagram(0xc3, 1200))).toBe(true);
    expect(isQuic(datagram(0xc3, 1199))).toBe(false);
    expect(isQuic(datagram(0x43, 21))).toBe(true);
    expect(isQuic(datagram(0x43, 20))).toBe(false);
    expect(isQuic(datagram(0x03, 1200))).toBe(false);
    expect(isQuic(Buffer.alloc(0))).toBe(false);
  });
});

describe("QuicFlows", () => {
  test("lead to the endpoint once that is open, and garbage to nowhere", () => {
    let at: { address: string; port: number } | null = null;
    const flows = new QuicFlows(() => at);
    expect(flows.target(client, null, datagram(0xc3, 1200))).toBeNull();
    at = { address: "127.0.0.1", port: 5 };
    expect(flows.target(client, null, datagram(0xc3, 1200))).toEqual({
      server: null,
      endpoint: at,
      isLocal: true,
    });
    expect(flows.target(client, null, datagram(0, 1200))).toBeNull();
  });

  test("are found by the ports that they leave from, until they end", () => {
    const flows = new QuicFlows(() => null);
    const [first, second, unopened] = [4001, 4002, null].map(
      (localPort) => ({ localPort }) as unknown as Flow,
    );
    if (first === undefined || second === undefined || unopened === undefined) throw new Error("no flows");
    flows.opened(first);
    flows.opened(second);
    flows.ended(first);
    flows.ended(unopened);
    expect(flows.find(4001)).toBeUndefined();
    expect(flows.find(4002)).toBe(second);
  });
});

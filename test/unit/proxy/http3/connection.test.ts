import { describe, expect, test } from "bun:test";
import { Http3Connection, type Http3ConnectionOptions } from "../../../../src/proxy/http3/connection.ts";
import type { RequestStream } from "../../../../src/proxy/http3/quic-stream.ts";
import { listener } from "../../../support/proxy-driver.ts";

/** A connection on a session that only tells how it was ended; `told` takes that, and when its client is held. */
function open(told: string[]): Http3Connection {
  const engine = {
    sweep: { after: (ms: number) => ms, add: () => undefined, remove: () => undefined },
    clients: new Set(),
    counters: { add: () => undefined },
    departing: new Set(),
    isDraining: false,
  };
  const session = {
    closed: new Promise(() => undefined),
    destroy: (_: unknown, { code }: { readonly code: bigint }) => told.push(`ended with ${code}`),
  };
  const options = {
    engine,
    session,
    listener: { plan: listener(443), hosts: null, alternative: null },
    by: { ends: { destination: { address: "192.0.2.1", port: 443 } } },
    handshake: {},
    onHeld: (isHeld: boolean) => told.push(isHeld ? "held" : "let go"),
    onClosed: () => told.push("closed"),
  };
  return new Http3Connection(options as unknown as Http3ConnectionOptions);
}

describe("a connection in HTTP/3", () => {
  test("ends with H3_EXCESSIVE_LOAD once its client has taken back too many requests", () => {
    const told: string[] = [];
    const connection = open(told);
    for (let count = 0; count < 1_000; count++) connection.spend();
    expect(told).toEqual([]);
    for (let count = 0; count < 1_000; count++) connection.spend();
    expect(told).toEqual(["ended with 263", "closed"]);
    expect(connection.standing).toBe("ended");
  });

  test("holds its client while more than 1 MiB waits for servers, until half of that is left, and ends at 8 MiB", () => {
    const told: string[] = [];
    const connection = open(told);
    const kib = 1024;
    connection.holds(1024 * kib);
    expect(told).toEqual([]);
    connection.holds(1);
    connection.holds(-400 * kib);
    expect(told).toEqual(["held"]);
    connection.holds(-200 * kib);
    expect(told).toEqual(["held", "let go"]);
    connection.holds(8 * 1024 * kib);
    expect(told.slice(2)).toEqual(["ended with 256", "closed"]);
  });

  test("is idle again behind a request that is refused as it begins", () => {
    const told: string[] = [];
    const connection = open(told);
    const never = new Promise<never>(() => undefined);
    const stream = {
      id: 0n,
      closed: never,
      resetStream: () => told.push("reset"),
      stopSending: () => told.push("stopped"),
      [Symbol.asyncIterator]: () => ({ next: () => never }),
    };
    connection.accept(stream as unknown as RequestStream, { ":method": "POST", "content-length": "5" });
    expect(told).toEqual(["reset", "stopped"]);
    expect(connection.standing).toBe("idle");
  });
});

import { expect, test } from "bun:test";
import type { Engine } from "../../../src/proxy/engine.ts";
import { RelayedClient } from "../../../src/proxy/relay.ts";
import type { Relay } from "../../../src/proxy/snapshot.ts";
import type { Wire } from "../../../src/proxy/sockets.ts";

test("RelayedClient goes by the address that its client had, also after that has reset the connection", () => {
  const asked: string[] = [];
  const left = new Set<unknown>();
  const register = { add: (one: unknown) => left.add(one), remove: (one: unknown) => left.delete(one) };
  const engine = {
    sweep: register,
    clients: { add: register.add, delete: register.remove },
    counters: { requests: 0 },
  } as unknown as Engine;
  const relay = {
    plan: { sorry: null, proxyProtocol: null },
    scheduler: {
      next: ({ clientAddress }: { clientAddress: string }) => {
        asked.push(clientAddress);
        return null;
      },
    },
  } as unknown as Relay;
  // As the runtime shows one that has been reset.
  const wire = { remoteAddress: undefined, pause: () => undefined, terminate: () => undefined };
  const client = new RelayedClient(engine, relay, {
    wire: wire as unknown as Wire,
    clientAddress: "192.0.2.1",
  });
  expect(asked).toEqual(["192.0.2.1"]);
  expect(client.standing).toBe("ended");
  expect(left.size).toBe(0);
});

import { expect, spyOn, test } from "bun:test";
import { DatagramRelay, type FlowContext } from "../../../src/proxy/datagram-relay.ts";
import { FlowLimit } from "../../../src/proxy/flow-limit.ts";
import type { Flow } from "../../../src/proxy/flow.ts";
import type { FlowRoute } from "../../../src/proxy/flow-route.ts";

const here = { address: "127.0.0.1", port: 9 };

test("a flow for which no socket is left makes room at once, and the next datagram begins another", async () => {
  const limit = new FlowLimit<Flow>({ now: () => 0, tell: () => undefined });
  limit.setMost(10);
  const failures: unknown[] = [];
  const sweep = { add: () => undefined, remove: () => undefined, after: (ms: number) => ms };
  const engine = { sweep, counters: { requests: 0 } };
  const context = { engine, limit, failedHere: (error: unknown) => failures.push(error) };
  const route = {
    isLocal: false,
    isOnePacket: false,
    idleTimeoutMs: () => 60_000,
    target: () => ({ server: null, endpoint: here }),
  };
  const relay = new DatagramRelay(context as unknown as FlowContext, here, route as unknown as FlowRoute);
  // The runtime throws at once.
  const opening = spyOn(Bun, "udpSocket").mockImplementation(() => {
    throw Object.assign(new Error("no descriptor"), { code: "EMFILE" });
  });
  try {
    for (let count = 1; count <= 2; count++) {
      relay["received"](Buffer.from("question"), "192.0.2.7", 4433);
      // oxlint-disable-next-line no-await-in-loop -- one datagram after another
      await Bun.sleep(0);
      expect([failures.length, relay.flowCount, limit.size]).toEqual([count, 0, 0]);
    }
  } finally {
    opening.mockRestore();
  }
});

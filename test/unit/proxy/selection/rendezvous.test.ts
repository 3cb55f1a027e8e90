import { expect, test } from "bun:test";
import { rendezvous } from "../../../../src/proxy/selection/rendezvous.ts";
import type { RelayCandidate } from "../../../../src/proxy/selection/scheduler.ts";

interface Server extends RelayCandidate {
  isUp: boolean;
  isFull: boolean;
}

function server(key: string, weight = 1): Server {
  return { key, weight, activeConnections: 0, isUp: true, isFull: false, isBackup: false };
}

const clients = Array.from({ length: 5_000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);

test("each server has its share of clients by weight", () => {
  const servers = [server("192.0.2.1:80", 6), server("192.0.2.2:80", 3), server("192.0.2.3:80", 1)];
  const chosen = clients.map((client) => rendezvous(servers, client, null));
  for (const [index, share] of [0.6, 0.3, 0.1].entries()) {
    const found = chosen.filter((one) => one === servers[index]).length / clients.length;
    expect(Math.abs(found - share)).toBeLessThan(0.03);
  }
});

test("when a server goes, only its clients move, and to all the others", () => {
  const servers = [server("a"), server("b"), server("c"), server("d")];
  const before = clients.map((client) => rendezvous(servers, client, null)?.key);
  const [gone] = servers;
  if (gone !== undefined) gone.isUp = false;
  const after = clients.map((client) => rendezvous(servers, client, null)?.key);
  expect(after.filter((key, index) => key !== before[index] && before[index] !== "a")).toEqual([]);
  expect(new Set(after.filter((_, index) => before[index] === "a"))).toEqual(new Set(["b", "c", "d"]));
});

test("a server that is full, has no weight or was tried gets none", () => {
  const [a, b, c] = [server("a"), server("b", 0), server("c")];
  a.isFull = true;
  expect(rendezvous([a, b, c], "x", null)).toBe(c);
  expect(rendezvous([a, b, c], "x", [c])).toBeNull();
});

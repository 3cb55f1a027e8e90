import { expect, test } from "bun:test";
import { OpenCounts } from "../../../src/proxy/open-counts.ts";
import { OpenElsewhere } from "../../../src/proxy/open-elsewhere.ts";
import { OpenServers } from "../../../src/proxy/open-servers.ts";
import type { Snapshot } from "../../../src/proxy/snapshot.ts";

interface Server {
  readonly id: string;
  readonly elsewhere: OpenElsewhere;
  readonly pool: { readonly inUse: number };
}

function server(id: string, inUse: number): Server {
  return { id, elsewhere: new OpenElsewhere(), pool: { inUse } };
}

function snapshotOf(...servers: readonly Server[]): Snapshot {
  const upstream = { plan: { balance: "least-connections" }, servers };
  const snapshot = { plan: { workers: 2 }, relays: new Map(), upstreams: new Map([["apps", upstream]]) };
  return snapshot as unknown as Snapshot;
}

test("OpenServers tells what is open at the servers of the plan, takes what the others have, and takes back what has left", () => {
  const counts = new OpenCounts();
  const servers = new OpenServers(counts);
  const [first, second] = [server("apps/a:80", 3), server("apps/b:80", 1)];
  counts.heard({ from: 7, isWhole: false, notes: [{ name: "server apps/a:80", count: 5 }] }, 0);
  for (let turn = 0; turn < 2; turn++) servers.exchange(snapshotOf(first, second), turn);
  expect(first.elsewhere.with(3)).toBe(8);
  expect(counts.news(2)).toMatchObject({
    notes: [
      { name: "server apps/a:80", count: 3 },
      { name: "server apps/b:80", count: 1 },
    ],
  });
  servers.exchange(snapshotOf(first), 3);
  expect(counts.news(3)).toMatchObject({ notes: [{ name: "server apps/b:80", count: 0 }] });
  servers.exchange(snapshotOf(second), 4);
  expect(
    counts
      .news(4)
      ?.notes.map(({ name }) => name)
      .toSorted(),
  ).toEqual(["server apps/a:80", "server apps/b:80"]);
});

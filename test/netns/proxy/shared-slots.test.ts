import { expect, setDefaultTimeout, test } from "bun:test";
import type { ProxyPlan } from "../../../src/config/node-plan.ts";
import type { UpstreamPlan } from "../../../src/config/http-plan.ts";
import type { Verdict } from "../../../src/ipc/messages.ts";
import { waitFor } from "../../support/lab.ts";
import { freePort, ProxyDriver, simplePlan, upstream, upstreamServer } from "../../support/proxy-driver.ts";
import { ask, RawClient, RawServer, type ServerConnection } from "../../support/raw-tcp.ts";

/** Two processes in front of a server that may have four requests at a time: two would be each one's part. */

setDefaultTimeout(30_000);

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const kept = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const some = { length: 100, timeoutMs: 600_000 };

function planOn(port: number, server: number, queue: UpstreamPlan["queue"]): ProxyPlan {
  const servers = [upstreamServer(server, { mostConnections: 4 })];
  return simplePlan(port, [], { workers: 2, upstreams: [upstream("apps", servers, { queue })] });
}

/** Knows how many requests it has at a time; answers none by itself until it is told to. */
class Origin extends RawServer {
  readonly open: Set<ServerConnection> = new Set();
  most = 0;
  total = 0;
  answersInMs: number | null = null;

  constructor() {
    super((connection) => this.asked(connection));
  }

  answerAll(): void {
    for (const connection of this.open) this.answer(connection);
  }

  private asked(connection: ServerConnection): void {
    for (const one of this.open) if (one.isClosed || one.hasEnded) this.open.delete(one);
    this.open.add(connection);
    this.total += 1;
    this.most = Math.max(this.most, this.open.size);
    if (this.answersInMs !== null) setTimeout(() => this.answer(connection), this.answersInMs);
  }

  private answer(connection: ServerConnection): void {
    if (this.open.delete(connection)) connection.send(ok);
  }
}

/** Sends a request on each of so many connections. */
function send(port: number, count: number): Promise<readonly RawClient[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const client = await RawClient.connect(port);
      client.send(request);
      return client;
    }),
  );
}

test("one of two processes has a whole server while the other is idle, and never more than that", async () => {
  await using origin = new Origin();
  const [port, otherPort] = [freePort(), freePort()];
  await using one = await ProxyDriver.start(planOn(port, origin.port, some));
  await using _other = await one.beside(planOn(otherPort, origin.port, some));
  const busy = await send(port, 10);
  await waitFor("four requests at the server", () => origin.open.size === 4);
  const waiting = await send(otherPort, 2);
  origin.answersInMs = 3;
  origin.answerAll();
  for (const client of [...busy, ...waiting]) expect(await client.expectEnd()).toContain("200 OK");
  // Both at a time, each with more than there is for both.
  const both = [...(await send(port, 40)), ...(await send(otherPort, 40))];
  for (const client of both) expect(await client.expectEnd()).toContain("200 OK");
  expect([origin.most, origin.total]).toEqual([4, 92]);
});

test("what a process has that dies is free for the other, and its successor begins with what is left", async () => {
  await using origin = new Origin();
  const [port, otherPort] = [freePort(), freePort()];
  await using one = await ProxyDriver.start(planOn(port, origin.port, some));
  await using other = await one.beside(planOn(otherPort, origin.port, some));
  await send(port, 4);
  await waitFor("four requests at the server", () => origin.open.size === 4);
  const clients = await send(otherPort, 6);
  one.kill();
  await one.exited;
  await waitFor("four of the other's", () => origin.total === 8);
  await using _successor = await other.beside(planOn(freePort(), origin.port, some));
  origin.answersInMs = 1;
  origin.answerAll();
  for (const client of clients) expect(await client.expectEnd()).toContain("200 OK");
  expect(origin.total).toBe(10);
});

test("where nobody may wait, a process asks the other before it refuses, and refuses then", async () => {
  await using origin = new Origin();
  const [port, otherPort] = [freePort(), freePort()];
  await using one = await ProxyDriver.start(planOn(port, origin.port, null));
  await using _other = await one.beside(planOn(otherPort, origin.port, null));
  const clients = await send(port, 4);
  await waitFor("four requests at the server", () => origin.open.size === 4);
  expect([await ask(port, request), await ask(otherPort, request)]).toEqual([
    expect.stringContaining(" 503 "),
    expect.stringContaining(" 503 "),
  ]);
  origin.answersInMs = 1;
  origin.answerAll();
  for (const client of clients) expect(await client.expectEnd()).toContain("200 OK");
  await waitFor("the other has its turn", async () => (await ask(otherPort, request)).includes("200 OK"));
  expect(origin.most).toBe(4);
});

test("the places of a queue are shared like servers, and a lower limit holds once the rest has ended", async () => {
  await using origin = new Origin();
  const [port, otherPort] = [freePort(), freePort()];
  const plan = planOn(port, origin.port, { length: 4, timeoutMs: 600_000 });
  await using one = await ProxyDriver.start(plan);
  await using other = await one.beside({
    ...plan,
    ...planOn(otherPort, origin.port, plan.upstreams[0]?.queue ?? null),
  });
  const clients = await send(port, 20);
  // Four are with the server and four wait, all of them in one process.
  await waitFor("the rest is refused", () => clients.filter(({ hasEnded }) => hasEnded).length === 12);
  expect(clients.filter(({ received }) => received.includes(" 503 ")).length).toBe(12);
  expect(await ask(otherPort, request)).toContain(" 503 ");
  const [server] = [upstreamServer(origin.port, { mostConnections: 1 })];
  const lower = { upstreams: [upstream("apps", [server], { queue: plan.upstreams[0]?.queue ?? null })] };
  await Promise.all([
    one.configure(simplePlan(port, [], { workers: 2, ...lower })),
    other.configure(simplePlan(otherPort, [], { workers: 2, ...lower })),
  ]);
  origin.answersInMs = 2;
  origin.answerAll();
  const served = clients.filter(({ received }) => received === "");
  for (const client of served) expect(await client.expectEnd()).toContain("200 OK");
  expect([served.length, origin.total]).toEqual([8, 8]);
  origin.most = 0;
  // A process that was refused a place asks no more for a moment.
  await waitFor("the other has its turn", async () => (await ask(otherPort, request)).includes("200 OK"));
  const more = [...(await send(port, 2)), ...(await send(otherPort, 2))];
  for (const client of more) expect(await client.expectEnd()).toContain("200 OK");
  expect(origin.most).toBe(1);
});

for (const queue of [null, some])
  test(`idle clients of a process whose program was replaced have their last request served, ${queue === null ? "without" : "with"} a queue`, async () => {
    await using origin = new Origin();
    origin.answersInMs = 1;
    const port = freePort();
    await using driver = await ProxyDriver.start(planOn(port, origin.port, queue));
    const clients = await Promise.all(Array.from({ length: 5 }, () => RawClient.connect(port)));
    for (const client of clients) {
      client.send(kept);
      await client.expect("\r\n\r\nok");
    }
    // Another supervisor comes, which knows nothing of this process.
    driver.isUnheard = true;
    driver.send({ kind: "outlive", drainMs: 20_000 });
    driver.send({ kind: "drain", deadlineMs: 20_000 });
    await waitFor("it leaves what it has to others", () => driver.leavesSlots);
    for (const client of clients) client.send(kept);
    for (const client of clients) {
      expect((await client.expectEnd()).match(/200 OK/g)).toHaveLength(2);
      client.cut();
    }
    expect(await driver.exited).toBe(0);
  });

function verdict(isUp: boolean): readonly Verdict[] {
  return [{ probe: "back", isUp, weight: null }];
}

test("who waits gets a slot of a server that comes back, where this process had none of it", async () => {
  const port = freePort();
  await using full = new Origin();
  await using back = new Origin();
  // One for two processes: none is anybody's part.
  const servers = [
    upstreamServer(full.port, { mostConnections: 1 }),
    upstreamServer(back.port, { mostConnections: 1, probe: "back" }),
  ];
  const queue = { length: 1, timeoutMs: 600_000 };
  const plan = simplePlan(port, [], { workers: 2, upstreams: [upstream("apps", servers, { queue })] });
  await using driver = await ProxyDriver.start(plan, verdict(false));
  const [first] = await send(port, 1);
  await waitFor("the request that fills the server", () => full.total === 1);
  const [second] = await send(port, 1);
  await waitFor("a full queue", async () => (await ask(port, request)).includes(" 503 "));
  driver.sendVerdicts(verdict(true));
  await waitFor("the request that waited", () => back.total === 1);
  back.answerAll();
  await second?.expect(/ok$/);
  full.answerAll();
  await first?.expect(/ok$/);
});

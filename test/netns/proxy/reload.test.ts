import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { UpstreamServerPlan } from "../../../src/config/http-plan.ts";
import type { ProxyPlan } from "../../../src/config/node-plan.ts";
import { errorText } from "../../../src/base/system-error.ts";
import { waitFor } from "../../support/lab.ts";
import { spawnCommand } from "../../support/lab-command.ts";
import { endLoad } from "../../support/load.ts";
import { LocalNginx } from "../../support/local-nginx.ts";
import {
  freePort,
  listener,
  ProxyDriver,
  route,
  simplePlan,
  site,
  upstream,
  upstreamServer,
} from "../../support/proxy-driver.ts";
import { answering, ask, RawClient, RawServer, type ServerConnection } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

const kept = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

describe("a new plan", () => {
  test("holds for new requests on the same connection, and leaves running ones to the old", async () => {
    const port = freePort();
    let waiting: ServerConnection | null = null;
    await using slow = new RawServer((connection) => void (waiting = connection));
    await using fast = new RawServer(answering("fast!"));
    await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(slow.port)]));
    await using client = await RawClient.connect(port);
    client.send(kept);
    await waitFor("the request at the old server", () => waiting !== null);
    await driver.configure(simplePlan(port, [upstreamServer(fast.port)]));
    expect(await ask(port, get)).toEndWith("fast!");
    (waiting as ServerConnection | null)?.send(ok);
    await client.expect("hello");
    client.send(kept);
    await client.expect("fast!");
    await waitFor("no connection to the old server", () =>
      slow.connections.every(({ isClosed, hasEnded }) => isClosed || hasEnded),
    );
  });

  test("has servers for those who waited before it, and tells them which are up from then on", async () => {
    const port = freePort();
    await using full = new RawServer(() => undefined);
    await using gone = new RawServer(answering("gone!"));
    await using back = new RawServer(answering("back!"));
    await using more = new RawServer(answering("more!"));
    const planWith = (...servers: readonly UpstreamServerPlan[]): ProxyPlan => {
      const queue = { length: 1, timeoutMs: 600_000 };
      return simplePlan(port, [], { upstreams: [upstream("apps", servers, { queue })] });
    };
    const busy = upstreamServer(full.port, { mostConnections: 1 });
    const leaving = upstreamServer(gone.port, { probe: "gone" });
    const coming = upstreamServer(back.port, { probe: "back" });
    const down = ["gone", "back"].map((probe) => ({ probe, isUp: false, weight: null }));
    await using driver = await ProxyDriver.start(planWith(busy, leaving, coming), down);
    await using first = await RawClient.connect(port);
    first.send(kept);
    await waitFor("the request that fills the server", () => full.received() !== "");

    await using second = await RawClient.connect(port);
    second.send(kept);
    await waitFor("a full queue", async () => (await ask(port, get)).includes(" 503 "));
    await driver.configure(planWith(busy, coming), down);
    driver.sendVerdicts([{ probe: "back", isUp: true, weight: null }]);
    await second.expect("back!");

    driver.sendVerdicts(down);
    await driver.traffic();
    second.send(kept);
    await waitFor("a full queue", async () => (await ask(port, get)).includes(" 503 "));
    await driver.configure(planWith(busy, upstreamServer(more.port)));
    await second.expect("more!");
    expect(gone.received()).toBe("");
  });

  test("that cannot be carried out is refused, and the old one goes on", async () => {
    const port = freePort();
    await using origin = new RawServer(answering("hello"));
    const plan = simplePlan(port, [upstreamServer(origin.port)]);
    await using driver = await ProxyDriver.start(plan);
    const refusal = await driver.configure(simplePlan(freePort(), [])).catch(errorText);
    expect(refusal).toStartWith("no listening socket for 127.0.0.1:");
    const broken = { ...plan, sites: [site(["*"], [route("/", "nobody")])] };
    expect(await driver.configure(broken).catch(errorText)).toContain("unknown upstream nobody");
    expect(await ask(port, get)).toEndWith("hello");
  });
});

describe("draining", () => {
  test("loses no request of a client under load", async () => {
    const [port, origin] = [freePort(), freePort()];
    await using _nginx = await LocalNginx.start(origin, 'location / { return 200 "hello"; }');
    await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin)]));
    const load = spawnCommand(["nice", "wrk", "-t1", "-c32", "-d60s", `http://127.0.0.1:${port}/`]);
    await waitFor("load", async () => (await driver.nextStatus()).requests > 100);
    // The next worker stands on the same socket, as after an upgrade.
    await using next = await driver.successor();
    driver.send({ kind: "drain", deadlineMs: 10_000 });
    expect(await driver.exited).toBe(0);
    await waitFor("the next has its share", async () => (await next.nextStatus()).requests > 0);
    const { badStatuses, errors, text } = await endLoad(load);
    expect([badStatuses, errors], text).toEqual([0, 0]);
  });

  test("closes idle connections, lets open requests finish and tells their clients", async () => {
    const port = freePort();
    let waiting: ServerConnection | null = null;
    await using origin = new RawServer((connection) => void (waiting = connection));
    await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)]));
    await using idle = await RawClient.connect(port);
    await using busy = await RawClient.connect(port);
    busy.send(kept);
    await waitFor("the request", () => waiting !== null);
    driver.send({ kind: "drain", deadlineMs: 10_000 });
    expect(await idle.expectEnd()).toBe("");
    idle.cut();
    (waiting as ServerConnection | null)?.send(ok);
    expect(await busy.expectEnd()).toContain("Connection: close\r\n\r\nhello");
    busy.cut();
    expect(await driver.exited).toBe(0);
  });

  test("does not wait for those who have not said yet what they speak, or for whom", async () => {
    const [port, told] = [freePort(), freePort()];
    const from = [{ address: "127.0.0.1", length: 32 }];
    const behind = {
      ...listener(told, { proxyProtocol: { from, timeoutMs: 60_000 } }),
      name: "behind",
    };
    const plan = { ...simplePlan(port, []), listeners: [listener(port, { http2: true }), behind] };
    await using driver = await ProxyDriver.start(plan);
    await using silent = await RawClient.connect(port);
    await using unnamed = await RawClient.connect(told);
    await using begun = await RawClient.connect(told);
    begun.send("PROXY TCP4 ");
    await waitFor("the proxy's own", async () => (await driver.nextStatus()).connections === 3);
    driver.send({ kind: "drain", deadlineMs: 60_000 });
    expect(await driver.exited).toBe(0);
    for (const client of [silent, unnamed, begun]) expect(await client.expectEnd()).toBe("");
  });

  test("cuts what is still open at the deadline", async () => {
    const port = freePort();
    await using origin = new RawServer(() => undefined);
    await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)]));
    await using busy = await RawClient.connect(port);
    busy.send(kept);
    await waitFor("the request", () => origin.received() !== "");
    driver.send({ kind: "drain", deadlineMs: 100 });
    expect(await driver.exited).toBe(0);
    expect(await busy.expectEnd()).toBe("");
  });
});

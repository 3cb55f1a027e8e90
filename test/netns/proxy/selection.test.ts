import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { WeightWord } from "../../../src/config/weight-word.ts";
import { waitFor } from "../../support/lab.ts";
import {
  freePort,
  ProxyDriver,
  route,
  simplePlan,
  site,
  upstreamServer,
} from "../../support/proxy-driver.ts";
import { answering, ask, RawServer } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

const get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const post = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody";

async function bodies(port: number, count: number): Promise<string> {
  let all = "";
  for (let request = 0; request < count; request++) all += (await ask(port, get)).slice(-1);
  return all;
}

describe("the servers of an upstream", () => {
  test("take requests by their weights, and a backup none", async () => {
    const port = freePort();
    await using a = new RawServer(answering("a"));
    await using b = new RawServer(answering("b"));
    await using c = new RawServer(answering("c"));
    const servers = [
      upstreamServer(a.port, { weight: 2 }),
      upstreamServer(b.port),
      upstreamServer(c.port, { isBackup: true }),
    ];
    await using _driver = await ProxyDriver.start(simplePlan(port, servers));
    expect(await bodies(port, 6)).toBe("abaaba");
  });

  test("take requests by the weights that their checks ask for", async () => {
    const port = freePort();
    await using a = new RawServer(answering("a"));
    await using b = new RawServer(answering("b"));
    const servers = [
      upstreamServer(a.port, { probe: "pa", weight: 4 }),
      upstreamServer(b.port, { probe: "pb" }),
    ];
    await using driver = await ProxyDriver.start(simplePlan(port, servers), [
      { probe: "pa", isUp: true, weight: { kind: "share", percent: 50 } },
    ]);
    expect(await bodies(port, 6)).toBe("abaaba");
    const asks = (probe: string, weight: WeightWord | null): void =>
      driver.sendVerdicts([{ probe, isUp: true, weight }]);
    asks("pa", { kind: "fixed", weight: 0 });
    await waitFor("the first is drained", async () => (await bodies(port, 3)) === "bbb");
    asks("pb", { kind: "share", percent: 0 });
    await waitFor("503", async () => (await ask(port, get)).startsWith("HTTP/1.1 503"));
    asks("pa", null);
    await waitFor("the first has its weight again", async () => (await bodies(port, 3)) === "aaa");
  });

  test("leave and come back by verdict; with none left the answer is 503", async () => {
    const port = freePort();
    await using a = new RawServer(answering("a"));
    await using b = new RawServer(answering("b"));
    const servers = [
      upstreamServer(a.port, { probe: "pa" }),
      upstreamServer(b.port, { probe: "pb", isBackup: true }),
    ];
    await using driver = await ProxyDriver.start(simplePlan(port, servers), [
      { probe: "pa", isUp: false, weight: null },
    ]);
    expect(await bodies(port, 3)).toBe("bbb");
    const verdicts = (isUp: boolean): void => driver.sendVerdicts([{ probe: "pa", isUp, weight: null }]);
    verdicts(true);
    await waitFor("the return of the first server", async () => (await bodies(port, 1)) === "a");
    verdicts(false);
    driver.sendVerdicts([{ probe: "pb", isUp: false, weight: null }]);
    await waitFor("503", async () => (await ask(port, get)).startsWith("HTTP/1.1 503"));
    expect((await driver.nextStatus()).responses["5xx"]).toBe(1);
  });

  test("that refuse a connection are passed over for any method; with none left the answer is 502", async () => {
    const port = freePort();
    await using a = new RawServer(answering("a"));
    const dead = [upstreamServer(freePort()), upstreamServer(freePort())];
    await using driver = await ProxyDriver.start(simplePlan(port, [...dead, upstreamServer(a.port)]));
    for (let request = 0; request < 3; request++) expect(await ask(port, post)).toStartWith("HTTP/1.1 200");
    expect(a.received().match(/\r\n\r\nbody/g)).toHaveLength(3);
    await driver.configure(simplePlan(port, dead));
    expect(await ask(port, post)).toStartWith("HTTP/1.1 502");
  });

  test("that do not take a connection in time are passed over; with none left the answer is 504", async () => {
    const port = freePort();
    await using a = new RawServer(answering("a"));
    // Its queue of one is filled up: the kernel drops what comes next.
    const full = Bun.spawn(["python3", "-c", fullServer], { stdout: "pipe" });
    const reader = full.stdout.getReader();
    const fullPort = Number(new TextDecoder().decode((await reader.read()).value));
    const sites = [site(["*"], [route("/", "apps", { connectTimeoutMs: 300 })])];
    const servers = [upstreamServer(fullPort)];
    await using driver = await ProxyDriver.start(simplePlan(port, servers, { sites }));
    expect(await ask(port, get)).toStartWith("HTTP/1.1 504");
    await driver.configure(simplePlan(port, [...servers, upstreamServer(a.port)], { sites }));
    expect(await ask(port, post)).toStartWith("HTTP/1.1 200");
    full.kill();
    await full.exited;
  });

  test("that are killed in the middle of a request give way for a GET, and a POST gets 502", async () => {
    const port = freePort();
    await using a = new RawServer(answering("a"));
    await using silent = new RawServer(() => undefined);
    const kill = async (request: string): Promise<string> => {
      const before = silent.connections.length;
      const answer = ask(port, request);
      await waitFor(
        "the request",
        () => silent.connections.length > before && silent.received().includes("\r\n\r\n"),
      );
      silent.connections.at(-1)?.socket.terminate();
      return answer;
    };
    const servers = [upstreamServer(silent.port), upstreamServer(a.port, { isBackup: true })];
    await using _driver = await ProxyDriver.start(simplePlan(port, servers));
    expect(await kill(get)).toEndWith("\r\n\r\na");
    expect(await kill(post)).toStartWith("HTTP/1.1 502");
    expect(a.received()).not.toContain("POST");
  });
});

const fullServer = `
import socket, time
server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen(0)
clients = []
for _ in range(4):
    client = socket.socket(); client.setblocking(False)
    try: client.connect(server.getsockname())
    except BlockingIOError: pass
    clients.append(client)
print(server.getsockname()[1], flush=True)
time.sleep(60)
`;

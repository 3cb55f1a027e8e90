import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { RoutePlan, UpstreamPlan } from "../../../src/config/http-plan.ts";
import type { EjectionPlan } from "../../../src/config/upstream-policy.ts";
import { waitFor } from "../../support/lab.ts";
import {
  freePort,
  ProxyDriver,
  route,
  simplePlan,
  site,
  upstream,
  upstreamServer,
} from "../../support/proxy-driver.ts";
import { answering, ask, RawClient, RawServer, type Script } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

function get(path: string, fields = ""): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}Connection: close\r\n\r\n`;
}

function cookieOf(answer: string): string {
  return /Set-Cookie: (EDGE_HA=[\w-]+); Path/.exec(answer)?.[1] ?? "none";
}

/** Starts a proxy in front of these servers, with one upstream. */
async function start(
  port: number,
  servers: readonly RawServer[],
  more: Partial<UpstreamPlan> = {},
  { mostConnections = 0, ...timeouts }: Partial<RoutePlan> & { readonly mostConnections?: number } = {},
): Promise<ProxyDriver> {
  const plans = servers.map((server) => upstreamServer(server.port, { mostConnections }));
  const sites = [site(["*"], [route("/", "apps", timeouts)])];
  return ProxyDriver.start(simplePlan(port, [], { sites, upstreams: [upstream("apps", plans, more)] }));
}

async function bodies(port: number, count: number): Promise<string> {
  let all = "";
  for (let request = 0; request < count; request++) all += (await ask(port, get("/"))).slice(-1);
  return all;
}

const retries = {
  tries: 2,
  timeoutMs: 10_000,
  on: ["connect", "closed"],
  budget: 0.2,
  hedgeMs: null,
} as const;
const sticky = {
  cookie: "EDGE_HA",
  secret: "0123456789abcdef",
  ttlMs: null,
  path: "/",
  isSecure: false,
  isHttpOnly: true,
  sameSite: null,
};
const post = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody";
const unavailable: Script = (connection) =>
  connection.send("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 1\r\n\r\nx");
const silent: Script = () => undefined;
const dying: Script = ({ socket }) => socket.terminate();

describe("the servers of an upstream", () => {
  test("take requests by the hash of a field or of the URI", async () => {
    const port = freePort();
    await using a = new RawServer(answering("a"));
    await using b = new RawServer(answering("b"));
    await using c = new RawServer(answering("c"));
    const servers = [a, b, c];
    await using driver = await start(port, servers, {
      balance: "consistent-hash",
      hash: { kind: "header", name: "x-tenant" },
    });
    const by = async (text: string): Promise<string> => (await ask(port, text)).slice(-1);
    const tenants = ["one", "two", "three", "four", "five", "six", "seven", "eight"];
    const first = [];
    for (const tenant of tenants) first.push(await by(get("/", `X-Tenant: ${tenant}\r\n`)));
    const second = [];
    for (const tenant of tenants) second.push(await by(get("/other", `x-tenant: ${tenant}\r\n`)));
    expect(second).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(1);
    const plans = servers.map((server) => upstreamServer(server.port));
    const more = { balance: "consistent-hash", hash: { kind: "uri" } } as const;
    await driver.configure(simplePlan(port, [], { upstreams: [upstream("apps", plans, more)] }));
    expect(await by(get("/x?y"))).toBe(await by(get("/x?y", "X-Tenant: two\r\n")));
  });

  test("keep a client that brings the cookie, and give another when its server is gone", async () => {
    const port = freePort();
    await using a = new RawServer(answering("a"));
    await using b = new RawServer(answering("b"));
    await using _driver = await start(port, [a, b], { sticky });
    const first = await ask(port, get("/"));
    expect(first.slice(-1)).toBe("a");
    const cookie = `Cookie: other=1; ${cookieOf(first)}\r\n`;
    for (let request = 0; request < 4; request++) {
      const answer = await ask(port, get("/", cookie));
      expect(answer.slice(-1)).toBe("a");
      expect(cookieOf(answer)).toBe("none");
    }
    const forged = await ask(port, get("/", "Cookie: EDGE_HA=AAAAAAAAAAAAAAAAAAAAAA\r\n"));
    expect(cookieOf(forged)).not.toBe("none");
    await a[Symbol.asyncDispose]();
    const after = await ask(port, get("/", cookie));
    expect(after.slice(-1)).toBe("b");
    expect(cookieOf(after)).not.toBe("none");
    expect(cookieOf(after)).not.toBe(cookieOf(first));
  });
});

/** What the processes call a server among themselves. */
function nameOf({ port }: RawServer): string {
  return `server upstream apps 127.0.0.1:${port}`;
}

describe("servers that are chosen by what they have open", () => {
  test("are chosen by what other processes have open there, too, and these are told", async () => {
    const port = freePort();
    await using a = new RawServer(silent);
    await using b = new RawServer(silent);
    const plans = [a, b].map((server) => upstreamServer(server.port));
    const upstreams = [upstream("apps", plans, { balance: "least-connections" })];
    await using proxy = await ProxyDriver.start(simplePlan(port, [], { upstreams, workers: 2 }));
    const notes = [{ name: nameOf(a), count: 50 }];
    const saying = setInterval(
      () => proxy.send({ kind: "open", news: { from: 1, isWhole: true, notes } }),
      200,
    );
    await using _stop = { [Symbol.asyncDispose]: async () => clearInterval(saying) };
    const clients: RawClient[] = [];
    // Until it has heard of them both get requests by turns.
    await waitFor("four in a row went to the other", async () => {
      const before = a.connections.length;
      for (let turn = 0; turn < 4; turn++) {
        const client = await RawClient.connect(port);
        clients.push(client);
        const asked = a.connections.length + b.connections.length;
        client.send(get("/"));
        await waitFor("it is asked", () => a.connections.length + b.connections.length > asked);
      }
      return a.connections.length === before;
    });
    await waitFor("the others are told", () => {
      const told = proxy.open.flatMap((news) => news.notes).filter(({ name }) => name === nameOf(b));
      return told.at(-1)?.count === b.connections.length;
    });
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
    await waitFor(
      "and of what has ended",
      () => proxy.open.at(-1)?.notes.some(({ count }) => count === 0) === true,
    );
  });
});

describe("a request that a server is silent about", () => {
  const hedged = { retries: { ...retries, hedgeMs: 50 } };
  const inOrder = { ...hedged, balance: "first" } as const;

  test("is sent to a second one beside it, and whoever answers first is heard", async () => {
    const port = freePort();
    await using a = new RawServer(silent);
    await using b = new RawServer(answering("b"));
    await using driver = await start(port, [a, b], hedged, { readTimeoutMs: 20_000 });
    expect(await bodies(port, 4)).toBe("bbbb");
    await waitFor("an end for who was not heard", () => a.connections.every(({ isClosed }) => isClosed));
    expect(a.received()).toContain("GET / HTTP/1.1");
    expect(driver.log()).toBe("");
  });

  test("gets the first one's answer if that comes before the second's, or if the second fails", async () => {
    const port = freePort();
    await using b = new RawServer(silent);
    const late: Script = (connection) => {
      void waitFor("the other to be asked", () => b.received() !== "").then(() =>
        answering("a")(connection, ""),
      );
    };
    await using a = new RawServer(late);
    await using driver = await start(port, [a, b], inOrder, { readTimeoutMs: 20_000 });
    expect(await bodies(port, 1)).toBe("a");
    await waitFor("the end of the second", () => b.connections.every(({ isClosed }) => isClosed));
    for (const failing of [unavailable, dying]) {
      b.script = failing;
      expect(await bodies(port, 1)).toBe("a");
    }
    expect(driver.log()).toBe("");
  });

  test("goes on with the second one when the first one fails, whose answer may come later", async () => {
    const port = freePort();
    let asked = 0;
    const later: Script = (connection) => {
      asked += 1;
      setTimeout(() => answering("b")(connection, ""), 200);
    };
    await using b = new RawServer(later);
    const failing: Script = ({ socket }) => {
      const asks = asked;
      void waitFor("the other to be asked", () => asked > asks).then(() => socket.terminate());
    };
    await using a = new RawServer(failing);
    await using _driver = await start(port, [a, b], inOrder, { readTimeoutMs: 20_000 });
    expect(await bodies(port, 2)).toBe("bb");
    expect(asked).toBe(2);
  });

  test("is left to the server that the client's cookie names", async () => {
    const port = freePort();
    await using a = new RawServer(answering("a"));
    // It is asked for the cookie too if the first one takes its time, but does not answer yet.
    await using b = new RawServer(silent);
    const how = { ...inOrder, sticky } as const;
    await using _driver = await start(port, [a, b], how, { readTimeoutMs: 1_000 });
    const cookie = cookieOf(await ask(port, get("/")));
    expect(cookie).not.toBe("none");
    a.script = silent;
    b.script = answering("b");
    expect(await ask(port, get("/named", `Cookie: ${cookie}\r\n`))).toStartWith("HTTP/1.1 504");
    expect(a.received()).toContain("GET /named ");
    expect(b.received()).not.toContain("GET /named ");
    expect(await ask(port, get("/"))).toEndWith("b");
  });

  test("is not sent twice if it does something, brings a body, or if nothing pays for that", async () => {
    const port = freePort();
    await using a = new RawServer(silent);
    await using b = new RawServer(answering("b"));
    const most = { balance: "first", retries: { ...hedged.retries, budget: 0 } } as const;
    await using driver = await start(port, [a, b], inOrder, { readTimeoutMs: 400 });
    for (const method of ["POST", "DELETE", "PUT"])
      expect(await ask(port, post.replace("POST", method))).toStartWith("HTTP/1.1 504");
    expect(await ask(port, get("/").replace("GET", "DELETE"))).toStartWith("HTTP/1.1 504");
    const sites = [site(["*"], [route("/", "apps", { readTimeoutMs: 400 })])];
    const upstreams = [upstream("apps", [upstreamServer(a.port), upstreamServer(b.port)], most)];
    await driver.configure(simplePlan(port, [], { sites, upstreams }));
    expect(await ask(port, get("/"))).toStartWith("HTTP/1.1 504");
    expect(b.received()).toBe("");
  });
});

describe("a request that a server fails", () => {
  test("with a status goes to another if it may be sent again, and if that is paid for", async () => {
    const port = freePort();
    await using a = new RawServer(unavailable);
    await using b = new RawServer(answering("b"));
    const on = ["connect", "closed", 503] as const;
    await using driver = await start(port, [a, b], { retries: { ...retries, on } });
    expect(await bodies(port, 6)).toBe("bbbbbb");
    expect(a.connections.length).toBeGreaterThan(0);
    const posted = [await ask(port, post), await ask(port, post)].map((answer) => answer.slice(9, 12));
    expect(posted.sort()).toEqual(["200", "503"]);
    const poor = upstream("apps", [upstreamServer(a.port), upstreamServer(b.port)], {
      retries: { ...retries, on, budget: 0 },
    });
    await driver.configure(simplePlan(port, [], { upstreams: [poor] }));
    expect((await bodies(port, 4)).split("").sort().join("")).toBe("bbxx");
  });

  test("goes to another with the end of its body, though that was seen to be empty before", async () => {
    const port = freePort();
    await using a = new RawServer(unavailable);
    await using b = new RawServer((connection) => {
      if (connection.received.endsWith("\r\n\r\n0\r\n\r\n"))
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb");
    });
    await using _driver = await start(port, [a, b], { retries: { ...retries, on: [503] } });
    const put = `${get("/", "Transfer-Encoding: chunked\r\n").replace("GET", "PUT")}0\r\n\r\n`;
    for (let round = 0; round < 2; round++) expect(await ask(port, put)).toEndWith("\r\n\r\nb");
    expect(a.received()).toContain("PUT ");
  });

  test("goes to another as its route says, where that says something", async () => {
    const port = freePort();
    await using a = new RawServer(unavailable);
    await using b = new RawServer(answering("b"));
    const { budget: _, ...rules } = { ...retries, on: [503] as const };
    const apps = upstream("apps", [upstreamServer(a.port), upstreamServer(b.port)], { retries });
    const routes = [route("/", "apps"), route("/again", "apps", { retries: rules })];
    await using _driver = await ProxyDriver.start(
      simplePlan(port, [], { upstreams: [apps], sites: [site(["*"], routes)] }),
    );
    const last = async (path: string): Promise<string> => (await ask(port, get(path))).slice(-1);
    const plain = [await last("/"), await last("/"), await last("/"), await last("/")];
    expect(plain.toSorted((one, other) => one.localeCompare(other)).join("")).toBe("bbxx");
    const again = [await last("/again"), await last("/again"), await last("/again")];
    expect(again.join("")).toBe("bbb");
  });

  test("with a status is answered with that where no other server is left", async () => {
    const port = freePort();
    await using a = new RawServer(unavailable);
    await using _driver = await start(port, [a], { retries: { ...retries, on: [503] } });
    expect(await ask(port, get("/"))).toMatch(/^HTTP\/1.1 503 [^]*x$/);
    expect(a.received().split("GET ").length - 1).toBe(1);
  });

  test("by silence goes to another, with 504 for one that may not be sent again", async () => {
    const port = freePort();
    await using a = new RawServer(silent);
    await using b = new RawServer(answering("b"));
    const on = ["timeout"] as const;
    await using _driver = await start(
      port,
      [a, b],
      { retries: { ...retries, on } },
      { readTimeoutMs: 1_000 },
    );
    expect(await bodies(port, 2)).toBe("bb");
    const posted = [await ask(port, post), await ask(port, post)].map((answer) => answer.slice(9, 12));
    expect(posted.sort()).toEqual(["200", "504"]);
  });
});

describe("a server that fails requests", () => {
  const ejection: EjectionPlan = {
    failures: 2,
    windowMs: 10_000,
    timeMs: 1_000,
    mostTimeMs: 60_000,
    mostPercent: 50,
    on: ["connect", "closed", "timeout", 503],
  };

  test("is left alone for a while and comes back, and the others are told", async () => {
    const port = freePort();
    await using a = new RawServer(dying);
    await using b = new RawServer(answering("b"));
    await using driver = await start(port, [a, b], { ejection });
    const told = driver.nextEjections();
    expect(await bodies(port, 4)).toBe("bbbb");
    expect(await told).toEqual([
      {
        server: `upstream apps 127.0.0.1:${a.port}`,
        forMs: 1_000,
        reason: "2 failures in a row, the last: closed without an answer",
      },
    ]);
    await waitFor("the log", () => driver.log().includes("gets no requests for 1s: 2 failures in a row"));
    a.script = answering("a");
    await waitFor("the return of the server", async () => (await bodies(port, 2)).includes("a"));
  });

  test("is left alone when another process has found that, but not as the last one", async () => {
    const port = freePort();
    await using a = new RawServer(answering("a"));
    await using b = new RawServer(answering("b"));
    await using driver = await start(port, [a, b], { ejection });
    const eject = (server: RawServer): void => {
      const id = `upstream apps 127.0.0.1:${server.port}`;
      driver.send({ kind: "ejections", ejections: [{ server: id, forMs: 600_000, reason: "2 failures" }] });
    };
    eject(a);
    await waitFor("only the other answers", async () => (await bodies(port, 3)) === "bbb");
    eject(b);
    b.script = unavailable;
    expect(await bodies(port, 6)).toBe("xxxxxx");
    await b[Symbol.asyncDispose]();
    expect((await ask(port, get("/"))).slice(9, 12)).toBe("502");
  });
});

describe("a server that is full", () => {
  const queue = { length: 1, timeoutMs: 600_000 };
  const ok = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na";

  test("lets requests wait in order, and those who leave make room; too many get 503", async () => {
    const port = freePort();
    await using a = new RawServer(silent);
    await using _driver = await start(port, [a], { queue: { ...queue, length: 2 } }, { mostConnections: 1 });
    const clients = await Promise.all(["1", "2", "3", "4"].map(() => RawClient.connect(port)));
    const [first, second, third, fourth] = clients;
    if (first === undefined || second === undefined || third === undefined || fourth === undefined)
      throw new Error("no client");
    first.send(get("/1"));
    await waitFor("the first request", () => a.received().includes("GET /1"));
    second.send(get("/2"));
    third.send(get("/3"));
    await waitFor("503 for one too many", async () => (await ask(port, get("/5"))).includes(" 503 "));
    second.cut();
    fourth.send(get("/4"));
    a.connections[0]?.send(ok);
    await first.expect(/200 OK[^]*a$/);
    await waitFor("the third request", () => a.received().includes("GET /3"));
    a.connections[0]?.send(ok);
    await third.expect(/200 OK[^]*a$/);
    await waitFor("the fourth request", () => a.received().includes("GET /4"));
    a.connections[0]?.send(ok);
    await fourth.expect(/200 OK[^]*a$/);
    expect(a.received()).not.toContain("GET /2");
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  });

  test("gives 503 in time", async () => {
    const port = freePort();
    await using a = new RawServer(silent);
    await using _driver = await start(
      port,
      [a],
      { queue: { length: 5, timeoutMs: 300 } },
      { mostConnections: 1 },
    );
    await using first = await RawClient.connect(port);
    first.send(get("/1"));
    await waitFor("the first request", () => a.received().includes("GET /1"));
    expect(await ask(port, get("/2"))).toContain(" 503 ");
    expect(a.received()).not.toContain("GET /2");
  });

  test("hands its requests to the others, and refuses where nobody may wait", async () => {
    const port = freePort();
    await using a = new RawServer(silent);
    await using b = new RawServer(answering("b"));
    await using _driver = await start(port, [a, b], {}, { mostConnections: 1 });
    await using first = await RawClient.connect(port);
    first.send(get("/1"));
    await waitFor("the first request", () => a.received().includes("GET /1"));
    expect(await bodies(port, 3)).toBe("bbb");
    b.script = silent;
    await using second = await RawClient.connect(port);
    second.send(get("/2"));
    await waitFor("the second request", () => b.received().includes("GET /2"));
    expect(await ask(port, get("/3"))).toContain(" 503 ");
  });
});

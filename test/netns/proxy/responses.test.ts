import { describe, expect, setDefaultTimeout, test } from "bun:test";
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

const get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const kept = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/** Longer than a server of a test takes on a busy machine. */
const patient = 20_000;

async function behind(
  script: Script,
  run: (port: number, origin: RawServer) => Promise<void>,
  timeoutMs = patient,
): Promise<void> {
  const port = freePort();
  await using origin = new RawServer(script);
  const timeouts = { readTimeoutMs: timeoutMs, sendTimeoutMs: timeoutMs, connectTimeoutMs: timeoutMs };
  const routes = [route("/", "apps", timeouts)];
  const plan = simplePlan(port, [upstreamServer(origin.port)], { sites: [site(["*"], routes)] });
  await using driver = await ProxyDriver.start(plan);
  await run(port, origin);
  expect(driver.log()).toBe("");
}

/** What a client gets for one request if the server says this and, if told so, ends the connection. */
async function answerTo(said: string, ends = false, request = get, timeoutMs = patient): Promise<string> {
  let answer = "";
  await behind(
    (connection) => {
      connection.send(said);
      if (ends) connection.socket.shutdown();
    },
    async (port) => {
      answer = await ask(port, request);
    },
    timeoutMs,
  );
  return answer;
}

const withoutBodies: Script = (connection, bytes) => {
  const method = bytes.split(" ")[0];
  if (method === "HEAD") connection.send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n");
  else if (method === "DELETE") connection.send("HTTP/1.1 204 Gone\r\nTransfer-Encoding: chunked\r\n\r\n");
  else if (method === "OPTIONS") connection.send("HTTP/1.1 304 Same\r\nContent-Length: 99\r\n\r\n");
  else connection.send(ok);
};

describe("a response", () => {
  test("until the end of the connection goes on in chunks, or to HTTP/1.0 as it is", async () => {
    const said = "HTTP/1.0 200 OK\r\nServer: old\r\n\r\nhello";
    const closed = "Connection: close\r\n\r\n";
    expect(await answerTo(said, true)).toMatch(
      /^HTTP\/1\.1 200 OK\r\nServer: old\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/,
    );
    const answer = await answerTo(said, true, "GET / HTTP/1.0\r\n\r\n");
    expect(answer).toBe(`HTTP/1.1 200 OK\r\nServer: old\r\n${closed}hello`);
  });

  test("in chunks goes on in chunks without extensions and trailer fields", async () => {
    const said =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n";
    // Old servers fill the line of a size up with blanks.
    for (const one of [said, said.replace("2\r\nde\r\n0", "2  \r\nde\r\n0   ")])
      expect(await answerTo(one)).toEndWith("\r\n\r\n5\r\nabcde\r\n0\r\n\r\n");
  });

  test("in chunks brings trailer fields to a client that takes them, but none that come too late (RFC 9110 §6.5.1)", async () => {
    const head = "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n";
    const trailers = "X-Sum: 1\r\nContent-Length: 9\r\nSet-Cookie: a=b\r\nSet_Cookie: c\r\ny:\r\n";
    const taking = get.replace("Connection", "TE: trailers\r\nConnection");
    expect(await answerTo(`${head}2\r\nde\r\n0\r\n${trailers}\r\n`, false, taking)).toBe(
      "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\ny:\r\n\r\n",
    );
    const old = taking.replace("HTTP/1.1", "HTTP/1.0");
    expect(await answerTo(`${head}0\r\n${trailers}\r\n`, false, old)).toEndWith("close\r\n\r\n");
    expect(await answerTo(`${head}0\r\nbad trailer\r\n\r\n`, false, taking)).toStartWith("HTTP/1.1 502");
    // They come in pieces, and the connection serves the next request.
    const late: Script = (connection) => {
      connection.send(`${head}2\r\nde\r\n0\r\nX-S`);
      setTimeout(() => connection.send("um: 1\r\n\r\n"), 20);
    };
    await behind(late, async (port, origin) => {
      const twice = await ask(port, taking.replace("Connection: close\r\n", "") + taking);
      expect(twice.match(/0\r\nX-Sum: 1\r\n\r\n/g)).toHaveLength(2);
      expect(origin.connections).toHaveLength(1);
    });
  });

  test("without a body has none, and the connection serves the next request", async () => {
    await behind(withoutBodies, async (port, origin) => {
      const [head, del, options] = ["HEAD", "DELETE", "OPTIONS"].map((method) => kept.replace("GET", method));
      const answer = await ask(port, `${head}${del}${options}${get}`);
      expect(answer).toBe(
        "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nHTTP/1.1 204 Gone\r\n\r\nHTTP/1.1 304 Same\r\nContent-Length: 99\r\n\r\n" +
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
      );
      expect(origin.connections).toHaveLength(1);
    });
  });

  test("may have interim ones before it, but not for HTTP/1.0", async () => {
    const hints = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    const said = `HTTP/1.1 100 Continue\r\n\r\n${hints}${ok}`;
    expect(await answerTo(said)).toStartWith(`${hints}HTTP/1.1 200 OK\r\n`);
    expect(await answerTo(said, false, "GET / HTTP/1.0\r\n\r\n")).toStartWith("HTTP/1.1 200 OK\r\n");
  });

  test("may have interim ones before it for as long as it takes", async () => {
    const working = "HTTP/1.1 102 Processing\r\n\r\n";
    const late: Script = (connection) => {
      connection.send(working.repeat(16));
      setTimeout(() => connection.send(`${working.repeat(2)}${ok}`), 2_500);
    };
    await behind(late, async (port) => {
      expect(await ask(port, get)).toStartWith(`${working.repeat(18)}HTTP/1.1 200 OK\r\n`);
    });
  });

  const faults: readonly (readonly [what: string, said: string])[] = [
    [
      "a length and chunks",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"],
    ["a folded field", "HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\n\r\n"],
    ["no HTTP", "SSH-2.0-OpenSSH\r\n\r\n"],
    [
      "101 that nobody asked for",
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    ],
    ["bad chunks at once", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
    ["interim ones without end", "HTTP/1.1 103 X\r\n\r\n".repeat(20)],
  ];
  for (const [what, said] of faults) {
    test(`with ${what} becomes 502`, async () => {
      expect((await answerTo(said)).replace(/^(?:HTTP\/1\.1 103[^]*?\r\n\r\n)+/, "")).toStartWith(
        "HTTP/1.1 502",
      );
    });
  }

  test("that is cut short is seen to be so", async () => {
    expect(await answerTo("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", true, kept)).toEndWith(
      "\r\n\r\nhello",
    );
    const chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    expect(await answerTo(chunks, true, kept)).toEndWith("\r\n\r\n5\r\nhello\r\n");
    const late: Script = (connection) => {
      connection.send(chunks);
      setTimeout(() => connection.send("zz\r\n"), 50);
    };
    await behind(late, async (port) => expect(await ask(port, kept)).toEndWith("\r\n\r\n5\r\nhello\r\n"));
  });

  test("that does not come in time becomes 504, one that stops is cut", async () => {
    expect(await answerTo("", false, get, 400)).toStartWith("HTTP/1.1 504");
    const half = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello";
    expect(await answerTo(half, false, kept, 1_000)).toEndWith("\r\n\r\nhello");
  });

  test("before the request is complete closes both connections behind it (RFC 9112 §9.3)", async () => {
    await behind(
      (connection) => void (connection.received.endsWith("\r\n\r\n") && connection.send(ok)),
      async (port, origin) => {
        const answer = await ask(port, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
        expect(answer).toBe("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
        await waitFor("the end at the server", () => origin.connections[0]?.isClosed === true);
      },
    );
  });

  test("follows the rules of its route", async () => {
    const port = freePort();
    await using origin = new RawServer(answering("hello", "Server: x\r\nX-Old: y\r\n"));
    const responseHeaders = {
      remove: ["server"],
      set: [["X-Old", "new"]],
      add: [["Access-Control-Allow-Origin", "*"]],
    } as const;
    const sites = [site(["*"], [route("/", "apps", { responseHeaders })])];
    await using _driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)], { sites }));
    expect(await ask(port, get)).toBe(
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Old: new\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n\r\nhello",
    );
  });
});

describe("a connection to a server", () => {
  test("is used again, by other clients too", async () => {
    await behind(answering("hello"), async (port, origin) => {
      for (let client = 0; client < 5; client++) await ask(port, kept.repeat(3) + get);
      expect(origin.connections).toHaveLength(1);
      expect(origin.received().match(/GET \/ HTTP\/1\.1/g)).toHaveLength(20);
    });
  });

  test("is thrown away when something comes over it that was not asked for", async () => {
    const second = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    await behind(
      (connection) => connection.send(ok + second),
      async (port, origin) => {
        for (let request = 0; request < 3; request++) expect(await ask(port, get)).toEndWith("\r\n\r\nhello");
        expect(origin.connections).toHaveLength(3);
      },
    );
    const late: Script = (connection) => {
      connection.send(ok);
      setTimeout(() => connection.send(second), 20);
    };
    await behind(late, async (port, origin) => {
      expect(await ask(port, get)).toEndWith("\r\n\r\nhello");
      await waitFor("the end at the server", () => origin.connections[0]?.isClosed === true);
      expect(await ask(port, get)).toEndWith("\r\n\r\nhello");
    });
  });

  test("is closed when it has been idle too long", async () => {
    const port = freePort();
    await using origin = new RawServer(answering("hello"));
    const upstreams = [{ ...upstream("apps", [upstreamServer(origin.port)]), keepAliveIdleMs: 200 }];
    await using _driver = await ProxyDriver.start(simplePlan(port, [], { upstreams }));
    await ask(port, get);
    await waitFor("the end at the server", () => origin.connections[0]?.hasEnded === true);
    expect(origin.connections[0]?.received).toContain("GET / HTTP/1.1");
  });

  test("carries so many requests and no more", async () => {
    const port = freePort();
    await using origin = new RawServer(answering("hello"));
    const upstreams = [{ ...upstream("apps", [upstreamServer(origin.port)]), keepAliveRequests: 2 }];
    await using _driver = await ProxyDriver.start(simplePlan(port, [], { upstreams }));
    for (let request = 0; request < 5; request++) expect(await ask(port, get)).toEndWith("\r\n\r\nhello");
    const counts = origin.connections.map(({ received }) => received.split("GET ").length - 1);
    expect(counts).toEqual([2, 2, 1]);
    await waitFor("the ends at the server", () => origin.connections[1]?.hasEnded === true);
    expect(origin.connections[2]?.hasEnded).toBe(false);
  });

  test("is closed once it is too old, used or not, and a request on it is finished", async () => {
    const port = freePort();
    const held: { answer: () => void }[] = [];
    await using origin = new RawServer((connection) => {
      if (connection.received.includes("/held")) held.push({ answer: () => connection.send(ok) });
      else connection.send(ok);
    });
    const upstreams = [{ ...upstream("apps", [upstreamServer(origin.port)]), keepAliveAgeMs: 200 }];
    await using _driver = await ProxyDriver.start(simplePlan(port, [], { upstreams }));
    const slow = ask(port, get.replace("GET /", "GET /held"));
    await waitFor("the held request", () => held.length === 1);
    await ask(port, get);
    await waitFor("the end of the idle one", () => origin.connections[1]?.hasEnded === true);
    expect(origin.connections[0]?.hasEnded).toBe(false);
    held[0]?.answer();
    expect(await slow).toStartWith("HTTP/1.1 200");
    await waitFor("the end of the other", () => origin.connections[0]?.hasEnded === true);
  });

  test("is kept no longer than the limit of idle ones allows", async () => {
    const port = freePort();
    await using origin = new RawServer(answering("hello"));
    const upstreams = [{ ...upstream("apps", [upstreamServer(origin.port)]), keepAliveConnections: 0 }];
    await using _driver = await ProxyDriver.start(simplePlan(port, [], { upstreams }));
    for (let request = 0; request < 3; request++) await ask(port, get);
    expect(origin.connections).toHaveLength(3);
  });

  test("that the server closed in the meantime costs a GET nothing, and a POST is not sent twice", async () => {
    // The first request on a connection is answered, the second makes the server close it without a word.
    const counts = new Map<object, number>();
    const script: Script = (connection) => {
      const count = (counts.get(connection) ?? 0) + 1;
      counts.set(connection, count);
      if (count === 1) connection.send(ok);
      else connection.socket.end();
    };
    await behind(script, async (port, origin) => {
      expect(await ask(port, get)).toEndWith("hello");
      expect(await ask(port, get)).toEndWith("hello");
      expect(origin.connections).toHaveLength(2);
      const post = get.replace("GET", "POST");
      expect(await ask(port, post)).toStartWith("HTTP/1.1 502");
      expect(origin.received().match(/POST/g)).toHaveLength(1);
    });
  });

  test("is cut when the client goes away", async () => {
    await behind(
      () => undefined,
      async (port, origin) => {
        await using client = await RawClient.connect(port);
        client.send(kept);
        await waitFor("the request", () => origin.received().endsWith("\r\n\r\n"));
        client.cut();
        await waitFor("the end at the server", () => origin.connections[0]?.isClosed === true);
      },
    );
  });
});

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { waitFor } from "../../support/lab.ts";
import { freePort, ProxyDriver, simplePlan, upstreamServer } from "../../support/proxy-driver.ts";
import { answering, RawClient, RawServer, type ServerConnection } from "../../support/raw-tcp.ts";
import { closeWait, deafen, sentInto, tcpTable } from "../../support/tcp-table.ts";

setDefaultTimeout(60_000);

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

function withBody(method: string, body: string): string {
  return `${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

interface Lab {
  readonly client: RawClient;
  readonly origin: RawServer;
  readonly kept: ServerConnection;
  readonly driver: ProxyDriver;
}

/** Runs something with a proxy that keeps one connection to its server, over which a request was answered. */
async function keeping(run: (lab: Lab) => Promise<void>): Promise<void> {
  await using origin = new RawServer(answering("hello"));
  const port = freePort();
  await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)]));
  await using client = await RawClient.connect(port);
  client.send(get);
  await client.expect("hello");
  client.received = "";
  const [kept] = origin.connections;
  if (kept === undefined) throw new Error("nobody was asked");
  await run({ client, origin, kept, driver });
  expect(driver.log()).toBe("");
}

/** Has a process see nothing of what happens meanwhile until all of it is there. */
async function frozen(pid: number, act: () => Promise<void>): Promise<void> {
  process.kill(pid, "SIGSTOP");
  await waitFor("it stands still", () => readFileSync(`/proc/${pid}/stat`, "latin1").includes(") T "));
  try {
    await act();
  } finally {
    process.kill(pid, "SIGCONT");
  }
}

const posts = (origin: RawServer): number => origin.received().split("POST / ").length - 1;

describe("a request that may be sent once", () => {
  for (const how of ["ends its half of", "closes", "resets"] as const) {
    test(`goes over no connection that its server ${how} at the same moment`, async () => {
      await keeping(async ({ client, driver, kept, origin }) => {
        await frozen(driver.pid, async () => {
          // The proxy hears of the client first.
          client.send(withBody("POST", "once"));
          const { localPort, remotePort } = kept.socket;
          if (how === "ends its half of") kept.end();
          else if (how === "closes") kept.socket.end();
          else kept.socket.terminate();
          await waitFor("its end has come", () => {
            const own = tcpTable().find(({ local, remote }) => local === remotePort && remote === localPort);
            return how === "resets" ? own === undefined : own?.state === closeWait;
          });
        });
        expect(await client.expect("hello")).toStartWith("HTTP/1.1 200 ");
        expect([posts(origin), origin.connections.length]).toEqual([1, 2]);
        expect(kept.received).not.toContain("POST");
      });
    });
  }

  for (const body of ["once", ""]) {
    test(`goes to a fresh one where the server's end crosses it on the way, with ${body.length} bytes of body`, async () => {
      await keeping(async ({ client, kept, origin }) => {
        deafen(kept);
        client.send(withBody("POST", body));
        await sentInto(kept);
        kept.socket.end();
        expect(await client.expect("hello")).toStartWith("HTTP/1.1 200 ");
        expect([posts(origin), origin.connections.length]).toEqual([1, 2]);
        expect(origin.received()).toEndWith(`\r\n\r\n${body}`);
      });
    });
  }

  test("is not sent again after a reset, which tells nothing of what its server has done", async () => {
    await keeping(async ({ client, kept, origin }) => {
      deafen(kept);
      client.send(withBody("POST", "once"));
      await sentInto(kept);
      kept.socket.terminate();
      await client.expect("HTTP/1.1 502 ");
      expect(posts(origin)).toBe(0);
    });
  });

  test("is not sent again if its server had any of it", async () => {
    await keeping(async ({ client, origin }) => {
      origin.script = (connection): void => void connection.socket.end();
      client.send(withBody("POST", "once"));
      await client.expect("HTTP/1.1 502 ");
      expect(posts(origin)).toBe(1);
    });
  });

  test("is not sent again without the rest of a body that is too long to be kept", async () => {
    await keeping(async ({ client, kept, origin }) => {
      deafen(kept);
      client.send(withBody("POST", "long".repeat(5_000)));
      await sentInto(kept);
      kept.socket.end();
      await client.expect("HTTP/1.1 502 ");
      expect(posts(origin)).toBe(0);
    });
  });
});

test("a request that does no more when it is sent twice is sent again with its short body", async () => {
  await keeping(async ({ client, origin }) => {
    const answer = origin.script;
    origin.script = (connection, bytes): void => {
      if (origin.connections.length === 1) connection.socket.end();
      else answer(connection, bytes);
    };
    client.send(withBody("PUT", "twice"));
    expect(await client.expect("hello")).toStartWith("HTTP/1.1 200 ");
    expect(origin.received().split("twice")).toHaveLength(3);
  });
});

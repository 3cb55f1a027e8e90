import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  clientPreface,
  errorCode,
  frameType,
  numberFrame,
  settingsFrame,
} from "../../../src/proxy/http2/frames.ts";
import { waitFor } from "../../support/lab.ts";
import { freePort, listener, ProxyDriver, simplePlan, upstreamServer } from "../../support/proxy-driver.ts";
import { RawHttp2Client } from "../../support/raw-http2.ts";
import { RawClient, RawServer } from "../../support/raw-tcp.ts";

/** Clients that read an answer when the proxy has long been done with their connection. */

setDefaultTimeout(60_000);

/** The kernel has room for it though nobody reads, and a client's own buffer has not. */
const wanted = 1_000_000;
const request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

function answering(bytes: number): RawServer {
  const body = "w".repeat(bytes);
  return new RawServer((connection, text) => {
    if (text.endsWith("\r\n\r\n"))
      connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n${body}`);
  });
}

async function isLeft(driver: ProxyDriver): Promise<boolean> {
  return (await driver.nextStatus()).connections === 0;
}

/** A client that asks, takes as much as comes, and does not read it. */
async function ask(port: number): Promise<RawHttp2Client> {
  const client = await RawHttp2Client.connect(port, clientPreface);
  client.send(settingsFrame([[4, 2 ** 30]]));
  client.send(numberFrame(frameType.windowUpdate, 0, 2 ** 30));
  client.pause();
  client.request(1);
  return client;
}

describe("over HTTP/1.1", () => {
  test("get the whole of an answer that closes the connection", async () => {
    const port = freePort();
    await using origin = answering(wanted);
    await using driver = await ProxyDriver.start(simplePlan(port, [upstreamServer(origin.port)]));
    await using client = await RawClient.connect(port);
    client.pause();
    client.send(request);
    await waitFor("the request", () => origin.received() !== "");
    await waitFor("the proxy is done with the client", () => isLeft(driver));
    client.resume();
    const received = await client.expectEnd();
    expect(received.length - received.indexOf("\r\n\r\n") - 4).toBe(wanted);
  });
});

describe("over HTTP/2", () => {
  const manyBytes = 32 * 1024 ** 2;

  test("get the whole of an answer though they go on sending behind the end of the connection", async () => {
    const port = freePort();
    await using origin = answering(wanted);
    const listeners = [listener(port, { http2: true, idleTimeoutMs: 100 })];
    await using driver = await ProxyDriver.start(
      simplePlan(port, [upstreamServer(origin.port)], { listeners }),
    );
    await using client = await ask(port);
    await waitFor("the request", () => origin.received() !== "");
    for (let ping = 0; ping < 60; ping++) {
      client.frame(frameType.ping, 0, 0, Buffer.alloc(8));
      await Bun.sleep(50);
    }
    client.resume();
    expect(await client.goAwayCode()).toBe(errorCode.none);
    expect(client.bodyBytes(1)).toBe(wanted);
    await waitFor("the connection is over", () => isLeft(driver));
  });

  test("are not left while frames wait for them", async () => {
    const port = freePort();
    await using origin = answering(manyBytes);
    const listeners = [listener(port, { http2: true, idleTimeoutMs: 100 })];
    await using driver = await ProxyDriver.start(
      simplePlan(port, [upstreamServer(origin.port)], { listeners }),
    );
    await using client = await ask(port);
    await waitFor("the request", () => origin.received() !== "");
    await Bun.sleep(500); // what comes of the answer waits for the client
    client.frame(frameType.resetStream, 0, 1, Buffer.alloc(4));
    await waitFor("nobody wants the answer", () => origin.connections[0]?.isClosed === true);
    await Bun.sleep(1_500); // longer than a connection may be idle
    client.resume();
    expect(await client.goAwayCode()).toBe(errorCode.none);
    await waitFor("the connection is over", () => isLeft(driver));
  });
});

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { errorCode, flag, frameType, numberFrame, settingsFrame } from "../../../src/proxy/http2/frames.ts";
import { waitFor } from "../../support/lab.ts";
import { freePort, listener, ProxyDriver, simplePlan, upstreamServer } from "../../support/proxy-driver.ts";
import { RawHttp2Client } from "../../support/raw-http2.ts";
import { answering, RawServer } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

const wide = 0x4000_0000;

async function startProxy(port: number, origin: number): Promise<ProxyDriver> {
  const listeners = [listener(port, { http2: true })];
  return ProxyDriver.start(simplePlan(port, [upstreamServer(origin)], { listeners }));
}

describe("flow control of HTTP/2 (RFC 9113 §5.2)", () => {
  test("brings a large body whole to a client that reads with pauses, whatever its windows", async () => {
    const bytes = 24 * 1024 * 1024;
    using origin = Bun.serve({ port: 0, fetch: () => new Response(Buffer.alloc(bytes, "b")) });
    const port = freePort();
    await using _driver = await startProxy(port, origin.port ?? 0);
    await using client = await RawHttp2Client.connect(port);
    client.send(settingsFrame([[4, wide]]));
    client.send(numberFrame(frameType.windowUpdate, 0, wide));
    client.request(1);
    let came = 0;
    for (const part of [1, 4, 8, 12, 16]) {
      await waitFor(`${part} MiB`, () => (came = client.bodyBytes(1)) > part * 1024 * 1024);
      client.pause();
      await Bun.sleep(30);
      client.resume();
    }
    await waitFor("the whole body", () => (came = client.bodyBytes(1)) === bytes);
    expect(came).toBe(bytes);
  });

  test("counts what came of requests that were given up as used up", async () => {
    await using origin = new RawServer(answering("hello"));
    const port = freePort();
    await using _driver = await startProxy(port, origin.port);
    await using client = await RawHttp2Client.connect(port);
    for (let stream = 1; stream < 2 * 30; stream += 2) {
      client.request(stream, { ":method": "POST" }, false);
      for (let count = 0; count < 4; count++) client.frame(frameType.data, 0, stream, Buffer.alloc(16_000));
      client.send(numberFrame(frameType.resetStream, stream, errorCode.cancel));
    }
    client.request(99, { ":method": "POST", "content-length": "3" }, false);
    client.frame(frameType.data, flag.endStream, 99, Buffer.from("end"));
    expect(await client.status(99)).toBe("200");
  });
});

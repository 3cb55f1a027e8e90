import { expect, setDefaultTimeout, test } from "bun:test";
import { errorCode, flag, frameType, numberFrame, settingsFrame } from "../../../src/proxy/http2/frames.ts";
import { waitFor } from "../../support/lab.ts";
import { freePort, listener, ProxyDriver, simplePlan, upstreamServer } from "../../support/proxy-driver.ts";
import { RawHttp2Client } from "../../support/raw-http2.ts";
import { answering, RawServer } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

type Act = (client: RawHttp2Client) => void;

const usual = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "a"],
] as const;
const bytes = (length: number): Buffer => Buffer.alloc(length);

/** What ends the connection, with which code: clauses of RFC 9113 that http2.test.ts does not have. */
const ending: readonly (readonly [clause: string, code: number, act: Act])[] = [
  [
    "§5.1: RST_STREAM on an idle stream",
    errorCode.protocol,
    (c) => c.send(numberFrame(frameType.resetStream, 1, 8)),
  ],
  [
    "§5.1: WINDOW_UPDATE on an idle stream",
    errorCode.protocol,
    (c) => c.send(numberFrame(frameType.windowUpdate, 1, 8)),
  ],
  ["§5.1.1: a stream below the last", errorCode.streamClosed, (c) => [5, 3].map((id) => c.request(id))],
  [
    "§6.1: as much padding as payload",
    errorCode.protocol,
    (c) => {
      c.request(1, {}, false);
      c.frame(frameType.data, flag.padded, 1, Buffer.from([4, 0, 0, 0]));
    },
  ],
  [
    "§6.2: HEADERS on stream 0",
    errorCode.protocol,
    (c) => c.frame(frameType.headers, flag.endHeaders, 0, c.block(usual)),
  ],
  ["§6.3: PRIORITY on stream 0", errorCode.protocol, (c) => c.frame(frameType.priority, 0, 0, bytes(5))],
  [
    "§6.3: PRIORITY of a wrong length",
    errorCode.frameSize,
    (c) => c.frame(frameType.priority, 0, 1, bytes(4)),
  ],
  [
    "§6.4: RST_STREAM on stream 0",
    errorCode.protocol,
    (c) => c.send(numberFrame(frameType.resetStream, 0, 8)),
  ],
  [
    "§6.4: RST_STREAM of a wrong length",
    errorCode.frameSize,
    (c) => {
      c.request(1, {}, false);
      c.frame(frameType.resetStream, 0, 1, bytes(3));
    },
  ],
  ["§6.5: SETTINGS on a stream", errorCode.protocol, (c) => c.frame(frameType.settings, 0, 1)],
  [
    "§6.5: an acknowledgement with a payload",
    errorCode.frameSize,
    (c) => c.frame(frameType.settings, flag.ack, 0, bytes(6)),
  ],
  ["§6.5.2: SETTINGS_ENABLE_PUSH of 2", errorCode.protocol, (c) => c.send(settingsFrame([[2, 2]]))],
  [
    "§6.5.2: SETTINGS_INITIAL_WINDOW_SIZE too large",
    errorCode.flowControl,
    (c) => c.send(settingsFrame([[4, 0x8000_0000]])),
  ],
  [
    "§6.5.2: SETTINGS_MAX_FRAME_SIZE too small",
    errorCode.protocol,
    (c) => c.send(settingsFrame([[5, 16_383]])),
  ],
  [
    "§6.5.2: SETTINGS_MAX_FRAME_SIZE too large",
    errorCode.protocol,
    (c) => c.send(settingsFrame([[5, 16_777_216]])),
  ],
  [
    "RFC 8441 §3: SETTINGS_ENABLE_CONNECT_PROTOCOL of 2",
    errorCode.protocol,
    (c) => c.send(settingsFrame([[8, 2]])),
  ],
  ["§6.7: PING on a stream", errorCode.protocol, (c) => c.frame(frameType.ping, 0, 1, bytes(8))],
  ["§6.7: PING of a wrong length", errorCode.frameSize, (c) => c.frame(frameType.ping, 0, 0, bytes(7))],
  ["§6.8: GOAWAY on a stream", errorCode.protocol, (c) => c.frame(frameType.goAway, 0, 1, bytes(8))],
  [
    "§6.9: WINDOW_UPDATE of a wrong length",
    errorCode.frameSize,
    (c) => c.frame(frameType.windowUpdate, 0, 0, bytes(3)),
  ],
  [
    "§6.9.1: more than the window of a stream",
    errorCode.flowControl,
    (c) => {
      // Kept until the server answers, so none of it is given back.
      c.request(1, { ":method": "CONNECT", ":protocol": "websocket", ":path": "/silent" }, false);
      for (let count = 0; count < 17; count++) c.frame(frameType.data, 0, 1, bytes(16_384));
    },
  ],
  [
    "§6.9.2: settings that make a window too large",
    errorCode.flowControl,
    (c) => {
      c.request(1, {}, false);
      c.send(numberFrame(frameType.windowUpdate, 1, 0x7000_0000));
      c.send(settingsFrame([[4, 0x7fff_ffff]]));
    },
  ],
  [
    "§6.10: CONTINUATION without HEADERS",
    errorCode.protocol,
    (c) => c.frame(frameType.continuation, flag.endHeaders, 1, c.block(usual)),
  ],
  [
    "§6.10: CONTINUATION of another stream",
    errorCode.protocol,
    (c) => {
      c.frame(frameType.headers, 0, 1, c.block(usual));
      c.frame(frameType.continuation, flag.endHeaders, 3);
    },
  ],
];

/** What resets a stream, with which code; the connection goes on. */
const resetting: readonly (readonly [clause: string, code: number, act: Act])[] = [
  [
    "§5.1: HEADERS behind the end",
    errorCode.streamClosed,
    (c) => {
      c.request(1, { ":path": "/silent" });
      c.request(1, { ":path": "/silent" });
    },
  ],
  [
    "§5.1: DATA behind the end",
    errorCode.streamClosed,
    (c) => {
      c.request(1, { ":path": "/silent" });
      c.frame(frameType.data, 0, 1, bytes(1));
    },
  ],
  [
    "§6.9: WINDOW_UPDATE by nothing",
    errorCode.protocol,
    (c) => {
      c.request(1, { ":path": "/silent" });
      c.send(numberFrame(frameType.windowUpdate, 1, 0));
    },
  ],
  [
    "§6.9.1: a window of a stream that is too large",
    errorCode.flowControl,
    (c) => {
      c.request(1, { ":path": "/silent" });
      c.send(numberFrame(frameType.windowUpdate, 1, 0x7fff_ffff));
    },
  ],
  [
    "§8.1: trailers that do not end the stream",
    errorCode.protocol,
    (c) => {
      c.request(1, {}, false);
      c.frame(frameType.headers, flag.endHeaders, 1, c.block([["a", "b"]]));
    },
  ],
  [
    "§8.3: a pseudo-field in trailers",
    errorCode.protocol,
    (c) => {
      c.request(1, {}, false);
      c.frame(frameType.headers, flag.endHeaders | flag.endStream, 1, c.block([[":path", "/"]]));
    },
  ],
  ["§8.5: CONNECT with a path", errorCode.protocol, (c) => c.request(1, { ":method": "CONNECT" })],
  [
    "RFC 8441 §4: a WebSocket without a path",
    errorCode.protocol,
    (c) => c.request(1, { ":method": "CONNECT", ":protocol": "websocket", ":path": "" }, false),
  ],
  [
    "RFC 8441 §4: a protocol without CONNECT",
    errorCode.protocol,
    (c) => c.request(1, { ":protocol": "websocket" }),
  ],
];

test("every clause of RFC 9113 that a client breaks has its error, and the process serves the next one", async () => {
  await using origin = new RawServer((connection, text) => {
    if (!text.includes("/silent")) answering("hello")(connection, text);
  });
  const port = freePort();
  const listeners = [listener(port, { http2: true })];
  await using driver = await ProxyDriver.start(
    simplePlan(port, [upstreamServer(origin.port)], { listeners }),
  );
  for (const [clause, code, act] of ending) {
    await using client = await RawHttp2Client.connect(port);
    act(client);
    expect([clause, await client.goAwayCode()]).toEqual([clause, code]);
    await waitFor(`the end after ${clause}`, () => client.isClosed);
  }
  for (const [clause, code, act] of resetting) {
    await using client = await RawHttp2Client.connect(port);
    act(client);
    expect([clause, await client.resetCode(1)]).toEqual([clause, code]);
    client.request(9);
    expect([clause, await client.status(9)]).toEqual([clause, "200"]);
  }
  await using client = await RawHttp2Client.connect(port);
  // §5.5: what is not known is ignored; §8.5: a plain CONNECT is refused; RFC 9220 §3: so is an unknown protocol.
  client.frame(0x42, 0xff, 0, bytes(20));
  client.send(settingsFrame([[0x4242, 1]]));
  client.frame(
    frameType.headers,
    flag.endHeaders,
    1,
    client.block([
      [":method", "CONNECT"],
      [":authority", "a"],
    ]),
  );
  expect(await client.status(1)).toBe("405");
  client.request(3, { ":method": "CONNECT", ":protocol": "connect-udp" }, false);
  expect(await client.status(3)).toBe("501");
  client.frame(frameType.ping, 0, 0, Buffer.from("12345678"));
  const pong = await client.expect("the answer to PING", ({ type }) => type === frameType.ping);
  expect([pong.flags, pong.payload.toString()]).toEqual([flag.ack, "12345678"]);
  expect(driver.log()).toBe("");
});

// Both ends of a WebSocket by the `ws` library, run by Node: an implementation that shares nothing with the proxy.
// usage: websocket-peer.mjs serve 1|2            prints the port of a server that speaks HTTP/1.1 or HTTP/2 (RFC 8441)
//        websocket-peer.mjs talk 1|2 HOST:PORT   plays all cases, over HTTP/1.1 or HTTP/2, and prints what came of them as JSON
import { once } from "node:events";
import { connect, createServer } from "node:http2";
import { extension, PerMessageDeflate, WebSocket, WebSocketServer } from "ws";

const [, , what, version, address] = process.argv;
const maxPayload = 64 * 1024 * 1024;

/** Makes a WebSocket of a stream on which one was agreed: the library itself does that over HTTP/1.1 only. */
function adopt(stream, isServer, deflate) {
  const socket = new WebSocket(null, undefined, { autoPong: true, closeTimeout: 10_000 });
  socket._isServer = isServer;
  if (deflate !== null) socket._extensions[PerMessageDeflate.extensionName] = deflate;
  socket.setSocket(stream, Buffer.alloc(0), { maxPayload, allowSynchronousEvents: true });
  return socket;
}

function behave(socket, path) {
  socket.on("error", () => undefined);
  if (path === "/close") socket.close(4002, "closing time");
  else if (path === "/ping") socket.on("pong", (data) => socket.send(`pong ${data}`)).ping("hello");
  else if (path === "/abort") socket.on("message", () => socket.terminate());
  else socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
}

async function serve1() {
  const server = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    maxPayload,
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (protocols) => [...protocols].at(-1),
  });
  server.on("connection", (socket, request) => behave(socket, request.url));
  await once(server, "listening");
  console.log(server.address().port);
}

async function serve2() {
  const server = createServer({ settings: { enableConnectProtocol: true } });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    if (headers[":protocol"] !== "websocket" || headers[":method"] !== "CONNECT") {
      stream.respond({ ":status": 400 }, { endStream: true });
      return;
    }
    const offers = extension.parse(headers["sec-websocket-extensions"] ?? "");
    const deflate = new PerMessageDeflate({ threshold: 0, isServer: true, maxPayload });
    const accepted = deflate.accept(offers["permessage-deflate"]);
    stream.respond({
      ":status": 200,
      "sec-websocket-extensions": extension.format({ "permessage-deflate": [accepted] }),
      "sec-websocket-protocol": String(headers["sec-websocket-protocol"]).split(/, */).at(-1),
    });
    behave(adopt(stream, true, deflate), headers[":path"]);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  console.log(server.address().port);
}

const protocols = ["chat.v1", "chat.v2"];

async function open1(path) {
  const socket = new WebSocket(`ws://${address}${path}`, protocols, {
    maxPayload,
    perMessageDeflate: { threshold: 0 },
  });
  // What comes with the answer must find its listeners.
  const opened = once(socket, "open");
  return { socket, opened, agreed: () => [socket.extensions.split(";")[0], socket.protocol] };
}

let session = null;

async function open2(path) {
  if (session === null) {
    session = connect(`http://${address}`);
    const [settings] = await once(session, "remoteSettings");
    if (!settings.enableConnectProtocol) throw new Error("no SETTINGS_ENABLE_CONNECT_PROTOCOL");
  }
  const deflate = new PerMessageDeflate({ threshold: 0, maxPayload });
  const stream = session.request({
    ":method": "CONNECT",
    ":protocol": "websocket",
    ":path": path,
    "sec-websocket-version": "13",
    "sec-websocket-protocol": protocols.join(", "),
    "sec-websocket-extensions": extension.format({ "permessage-deflate": [deflate.offer()] }),
  });
  stream.on("error", () => undefined);
  const [headers] = await once(stream, "response");
  if (headers[":status"] !== 200) throw new Error(`status ${headers[":status"]}`);
  const named = headers["sec-websocket-extensions"] ?? "";
  deflate.accept(extension.parse(named)["permessage-deflate"]);
  const socket = adopt(stream, false, deflate);
  return {
    socket,
    opened: Promise.resolve(),
    agreed: () => [named.split(";")[0], headers["sec-websocket-protocol"]],
  };
}

const open = version === "2" ? open2 : open1;

async function closeOf(path, act) {
  const { opened, socket } = await open(path);
  socket.on("error", () => undefined);
  const closed = once(socket, "close");
  await opened;
  act(socket);
  const [code, reason] = await closed;
  return reason.length === 0 ? code : `${code} ${reason}`;
}

async function echoOf(socket, data, options) {
  const came = once(socket, "message");
  socket.send(data, options);
  return (await came)[0];
}

async function talk() {
  const { agreed, opened, socket } = await open("/chat");
  await opened;
  let echoes = 0;
  for (let number = 0; number < 300; number++) {
    const said = `message ${number}`;
    if ((await echoOf(socket, said)).toString() === said) echoes++;
  }
  const sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 3 * 1024 * 1024];
  const wrongSizes = [];
  for (const compress of [true, false]) {
    for (const size of sizes) {
      const sent = Buffer.alloc(size);
      for (let at = 0; at < size; at++) sent[at] = (at * 31) % 251;
      if (!sent.equals(await echoOf(socket, sent, { compress }))) wrongSizes.push(size);
    }
  }
  const whole = once(socket, "message");
  const pong = once(socket, "pong");
  socket.send("in ", { fin: false });
  socket.ping("between");
  socket.send("three ", { fin: false });
  socket.send("parts", { fin: true });
  const result = {
    agreed: agreed(),
    echoes,
    wrongSizes,
    fragments: (await whole)[0].toString(),
    pong: (await pong)[0].toString(),
  };
  const pinged = await open("/ping");
  const answered = once(pinged.socket, "message");
  await pinged.opened;
  result.pinged = (await answered)[0].toString();
  pinged.socket.close(1000);
  socket.close(4001, "enough");
  const [code, reason] = await once(socket, "close");
  result.closes = {
    "by the client": `${code} ${reason}`,
    "by the server": await closeOf("/close", () => undefined),
    "without a code": await closeOf("/chat", (one) => one.close()),
    "broken off by the server": await closeOf("/abort", (one) => one.send("x")),
  };
  session?.close();
  console.log(JSON.stringify(result));
  process.exit(0);
}

await (what === "talk" ? talk() : version === "2" ? serve2() : serve1());

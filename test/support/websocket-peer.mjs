// Both ends of a WebSocket by the `ws` library, run by Node: an implementation that shares nothing with the proxy.
// usage: websocket-peer.mjs serve            prints the port of an echo server
//        websocket-peer.mjs talk ws://…      talks to an echo server and prints what came of it as JSON
import { once } from "node:events";
import { WebSocket, WebSocketServer } from "ws";

const [, , what, address] = process.argv;

async function serve() {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await once(server, "listening");
  console.log(server.address().port);
}

async function talk() {
  const socket = new WebSocket(address);
  await once(socket, "open");
  let echoes = 0;
  for (let number = 0; number < 1000; number++) {
    socket.send(`message ${number}`);
    const [data] = await once(socket, "message");
    if (data.toString() === `message ${number}`) echoes++;
  }
  const large = Buffer.alloc(16 * 1024 * 1024);
  for (let at = 0; at < large.length; at++) large[at] = at % 251;
  socket.send(large);
  const [back] = await once(socket, "message");
  socket.close(4001, "enough");
  const [closeCode, closeReason] = await once(socket, "close");
  const isLargeSame = large.equals(back);
  console.log(
    JSON.stringify({
      echoes,
      largeBytes: back.length,
      isLargeSame,
      closeCode,
      closeReason: closeReason.toString(),
    }),
  );
}

await (what === "serve" ? serve() : talk());

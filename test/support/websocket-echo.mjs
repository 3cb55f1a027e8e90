/** A WebSocket server on port 80 that sends every message back, and 200 to any other request; runs under Node. */
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const server = createServer((_request, response) => response.end("fine\n"));
new WebSocketServer({ server }).on("connection", (socket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});
server.listen(80, "0.0.0.0", () => console.log("ready"));

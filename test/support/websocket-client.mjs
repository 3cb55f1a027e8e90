/** A WebSocket client that sends a message ten times a second: `node websocket-client.mjs URL`; runs under Node. */
import { WebSocket } from "ws";

let count = 0;
const socket = new WebSocket(process.argv[2]);
socket.on("open", () => {
  setInterval(() => {
    count += 1;
    socket.send(`message ${count}`);
  }, 100);
});
socket.on("message", (data) =>
  console.log(data.toString() === `message ${count}` ? "echo" : `stray ${data}`),
);
socket.on("error", (error) => console.log(`error ${error.message}`));
socket.on("close", (code) => {
  console.log(`closed ${code}`);
  process.exit(1);
});

/** A web server on port 80, or the one that is given, under Node: `/slow/MS` is answered with 20 pieces of 1000 bytes over MS milliseconds, the rest at once. */
import { createServer } from "node:http";

const pieces = 20;
const piece = "x".repeat(1000);

createServer((request, response) => {
  const slow = /^\/slow\/(\d+)$/.exec(request.url ?? "");
  if (slow === null) {
    response.end("page\n");
    return;
  }
  response.writeHead(200, { "Content-Length": String(pieces * piece.length) });
  let sent = 0;
  const send = () => {
    response.write(piece);
    sent += 1;
    if (sent < pieces) return;
    clearInterval(timer);
    response.end();
  };
  const timer = setInterval(send, Number(slow[1]) / pieces);
  response.on("close", () => clearInterval(timer));
  send();
}).listen(Number(process.argv[2] ?? 80), () => console.log("listening"));

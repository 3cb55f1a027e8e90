/** A web server on port 80, or the one that is given, under Node: `/slow/MS` is answered with 20 pieces of 1000 bytes over MS milliseconds, `/most` with how many such answers there were at a time, the rest at once. */
import { createServer } from "node:http";

const pieces = 20;
const piece = "x".repeat(1000);
let open = 0;
let most = 0;

createServer((request, response) => {
  const slow = /^\/slow\/(\d+)$/.exec(request.url ?? "");
  if (slow === null) {
    response.end(request.url === "/most" ? String(most) : "page\n");
    return;
  }
  response.writeHead(200, { "Content-Length": String(pieces * piece.length) });
  open += 1;
  most = Math.max(most, open);
  let sent = 0;
  const send = () => {
    response.write(piece);
    sent += 1;
    if (sent < pieces) return;
    clearInterval(timer);
    open -= 1;
    response.end();
  };
  const timer = setInterval(send, Number(slow[1]) / pieces);
  response.on("close", () => {
    clearInterval(timer);
    if (sent < pieces) open -= 1;
  });
  send();
}).listen(Number(process.argv[2] ?? 80), () => console.log("listening"));

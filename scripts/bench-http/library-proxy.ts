import http from "node:http";
import { createProxyServer } from "http-proxy-3";

/**
 * The baseline of the L7 benchmark: what the same job costs with http-proxy-3 on the runtime's own `node:http`.
 * usage: bun scripts/bench-http/library-proxy.ts PORT ORIGIN-PORT
 */
const [port, originPort] = process.argv.slice(2).map(Number);
const proxy = createProxyServer({
  target: `http://127.0.0.1:${originPort}`,
  agent: new http.Agent({ keepAlive: true, maxSockets: 256 }),
  xfwd: true,
});
proxy.on("error", (_error, _request, response) => response.destroy());
http.createServer((request, response) => proxy.web(request, response)).listen(port, "127.0.0.1");

import { expect, setDefaultTimeout, test } from "bun:test";
import { freePort, ProxyDriver, simplePlan, upstream, upstreamServer } from "../../support/proxy-driver.ts";
import { ask, RawServer, type ServerConnection } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

/**
 * The rules of RFC 9110 and RFC 9112 for an intermediary that show on its two connections only; those of a head or a chunk alone are
 * tables in `test/unit/proxy`.
 */
interface Rule {
  readonly clause: string;
  readonly sent: string;
  /** What the server answers to a complete head. */
  readonly said?: string;
  /** What the client gets. */
  readonly got: RegExp;
  /** What the server got, and what it did not. */
  readonly forwarded?: RegExp;
  readonly withheld?: RegExp;
}

const close = "Connection: close\r\n";
const get = `GET / HTTP/1.1\r\nHost: a\r\n${close}\r\n`;
const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const served = /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/;
const chunkedHead = `POST / HTTP/1.1\r\nHost: a\r\n${close}Transfer-Encoding: chunked\r\n\r\n`;

const requests: readonly Rule[] = [
  {
    clause: "RFC 9110 §6.5.1: trailer fields of a request are not merged into its head, nor sent on",
    sent: `${chunkedHead}1\r\nx\r\n0\r\nHost: evil\r\nX-Trailer: 1\r\n\r\n`,
    got: served,
    forwarded: /\r\n\r\n1\r\nx\r\n0\r\n\r\n$/,
    withheld: /evil|X-Trailer/,
  },
  {
    clause: "RFC 9112 §7.1.1: chunk extensions end here",
    sent: `${chunkedHead}1;a="b;c"\r\nx\r\n0;last\r\n\r\n`,
    got: served,
    forwarded: /\r\n\r\n1\r\nx\r\n0\r\n\r\n$/,
    withheld: /last|;/,
  },
  {
    clause: "RFC 9112 §7.1: an empty chunked body stays one",
    sent: `${chunkedHead}0\r\n\r\n`,
    got: served,
    forwarded: /Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n$/,
  },
  {
    clause: "RFC 9110 §7.6.1: what Connection lists is dropped, what we add is not",
    sent: `GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Hop, X-Forwarded-For, Host, Via\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n\r\n`,
    got: served,
    forwarded:
      /^GET \/ HTTP\/1\.1\r\nHost: a\r\n[^]*X-Forwarded-For: 127\.0\.0\.1\r\n[^]*Via: 1\.1 edge-ha\r\n/,
    withheld: /X-Hop|Keep-Alive|Connection/,
  },
  {
    clause: "RFC 9110 §7.6.3: Via names the version the request came in",
    sent: `GET / HTTP/1.0\r\nHost: a\r\nVia: 1.0 fred\r\n\r\n`,
    got: served,
    forwarded: /^GET \/ HTTP\/1\.1\r\n[^]*Via: 1\.0 fred\r\n[^]*Via: 1\.0 edge-ha\r\n/,
  },
  {
    clause: "RFC 9110 §7.6.2: Max-Forwards of OPTIONS goes down by one",
    sent: `OPTIONS * HTTP/1.1\r\nHost: a\r\n${close}Max-Forwards: 1\r\n\r\n`,
    got: served,
    forwarded: /^OPTIONS \* HTTP\/1\.1\r\n[^]*Max-Forwards: 0\r\n/,
  },
  {
    clause: "RFC 9110 §7.6.2: Max-Forwards means nothing for other methods, and is never made up",
    sent: `GET / HTTP/1.1\r\nHost: a\r\n${close}Max-Forwards: 0\r\n\r\n`,
    got: served,
    withheld: /Max-Forwards/,
  },
  {
    clause: "RFC 9110 §7.7: path and query go on octet for octet",
    sent: `GET /a//b/./%2e%2E;p=1/%7Eu?x=%20&y=/../ HTTP/1.1\r\nHost: a\r\n${close}\r\n`,
    got: served,
    forwarded: /^GET \/a\/\/b\/\.\/%2e%2E;p=1\/%7Eu\?x=%20&y=\/\.\.\/ HTTP\/1\.1\r\n/,
  },
  {
    clause: "RFC 9112 §3.2.2: the authority of an absolute-form replaces Host",
    sent: `GET http://b.example:81/x HTTP/1.1\r\nHost: a\r\n${close}\r\n`,
    got: served,
    forwarded: /^GET \/x HTTP\/1\.1\r\nHost: b\.example:81\r\n/,
    withheld: /Host: a\r\n/,
  },
  {
    clause: "RFC 9112 §3.2.4: OPTIONS of an absolute-form without a path is an asterisk",
    sent: `OPTIONS http://b HTTP/1.1\r\nHost: b\r\n${close}\r\n`,
    got: served,
    forwarded: /^OPTIONS \* HTTP\/1\.1\r\nHost: b\r\n/,
  },
  {
    clause: "RFC 9110 §9.1: a method nobody knows goes on",
    sent: `brew-IT /pot HTTP/1.1\r\nHost: a\r\n${close}\r\n`,
    got: served,
    forwarded: /^brew-IT \/pot HTTP\/1\.1\r\n/,
  },
  {
    clause: "RFC 9110 §10.1.1: an expectation that nobody knows gets 417",
    sent: `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: y 100-continue\r\n\r\nx`,
    got: /^HTTP\/1\.1 417 /,
    forwarded: /^$/,
  },
  {
    clause: "RFC 9110 §10.1.1: Expect of HTTP/1.0 is ignored, and 1xx never goes to HTTP/1.0",
    sent: `POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx`,
    said: `HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n${ok}`,
    got: served,
    withheld: /Expect/,
  },
  {
    clause: "RFC 9110 §10.1.1: no 100 for a body that has come already",
    sent: `POST / HTTP/1.1\r\nHost: a\r\n${close}Content-Length: 1\r\nExpect: 100-continue\r\n\r\nx`,
    got: served,
    withheld: /Expect/,
  },
  {
    clause: "RFC 9112 §9.3: a connection of HTTP/1.0 does not persist through a proxy",
    sent: "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\nGET /again HTTP/1.0\r\n\r\n",
    got: /^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n\r\nok$/,
    withheld: /again/,
  },
  {
    clause: "RFC 9112 §9.6: nothing behind Connection: close is read",
    sent: `${get}GET /again HTTP/1.1\r\nHost: a\r\n\r\n`,
    got: served,
    withheld: /again/,
  },
  {
    clause: "RFC 9110 §7.8: an Upgrade other than websocket ends here",
    sent: `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c, TLS/1.0\r\nHTTP2-Settings: AA\r\n\r\n`,
    got: served,
    withheld: /upgrade|h2c|settings/i,
  },
  {
    clause: "RFC 9110 §5.3: fields of one name keep their order",
    sent: `GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nY: 2\r\nx: 3\r\n${close}\r\n`,
    got: served,
    forwarded: /X: 1\r\nY: 2\r\nx: 3\r\n/,
  },
  {
    clause: "RFC 9110 §11.7.2: Proxy-Authorization is for us and goes no further, Authorization does",
    sent: `GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic eA==\r\nProxy-Authorization: Basic eQ==\r\n${close}\r\n`,
    got: served,
    forwarded: /\r\nAuthorization: Basic eA==\r\n/,
    withheld: /Proxy-Authorization/,
  },
];

const responses: readonly Rule[] = [
  {
    clause: "RFC 9112 §6.3: what a server sends behind an answer to HEAD is no part of it",
    sent: `HEAD / HTTP/1.1\r\nHost: a\r\n${close}\r\n`,
    said: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    got: /^HTTP\/1\.1 200 OK\r\n(?:[^\r]+\r\n)*\r\n$/,
  },
  {
    clause: "RFC 9110 §15.4.5: a 304 may tell a length and has no body",
    sent: get,
    said: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: x\r\n\r\nbody!",
    got: /^HTTP\/1\.1 304 Not Modified\r\nContent-Length: 5\r\nETag: x\r\nConnection: close\r\n\r\n$/,
  },
  {
    clause: "RFC 9110 §8.6: a 204 has neither length nor body",
    sent: get,
    said: "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
    got: /^HTTP\/1\.1 204 No Content\r\nConnection: close\r\n\r\n$/,
  },
  {
    clause: "RFC 9112 §6.1: no coding in a 1xx, and none of its fields that belong to the connection",
    sent: get,
    said: `HTTP/1.1 103 Early Hints\r\nLink: <x>\r\nTransfer-Encoding: chunked\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n${ok}`,
    got: /^HTTP\/1\.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
  },
  {
    clause: "RFC 9110 §15.2: interim responses that nobody knows go on",
    sent: get,
    said: `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 What\r\n\r\n${ok}`,
    got: /^HTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 199 What\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
  },
  {
    clause: "RFC 9110 §15: a status that nobody knows goes on with its reason",
    sent: get,
    said: "HTTP/1.1 299 Fine, then\r\nContent-Length: 0\r\n\r\n",
    got: /^HTTP\/1\.1 299 Fine, then\r\n/,
  },
  {
    clause: "RFC 9110 §2.5: we answer in our own version",
    sent: get,
    said: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    got: served,
  },
  {
    clause: "RFC 9110 §7.6.1: what belongs to the server's connection ends here",
    sent: get,
    said: "HTTP/1.1 200 OK\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nUpgrade: h2\r\nContent-Length: 2\r\n\r\nok",
    got: /^HTTP\/1\.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok$/,
  },
  {
    clause: "RFC 9110 §11: challenges and cookies go on as they are, one line each",
    sent: get,
    said: "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nWWW-Authenticate: Digest\r\nSet-Cookie: a=1, b\r\nSet-Cookie: c\r\nContent-Length: 0\r\n\r\n",
    got: /WWW-Authenticate: Basic\r\nWWW-Authenticate: Digest\r\nSet-Cookie: a=1, b\r\nSet-Cookie: c\r\n/,
  },
  {
    clause: "RFC 9112 §5.1: white space before a colon of the server's is taken away",
    sent: get,
    said: "HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length : 2\r\n\r\nok",
    got: /^HTTP\/1\.1 200 OK\r\nX-A: 1\r\nContent-Length: 2\r\n/,
  },
  {
    clause:
      "RFC 9112 §7.1: chunk extensions of the server's end here, trailer fields go to those who take them",
    sent: get,
    said: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n",
    got: /\r\n\r\n2\r\nok\r\n0\r\n\r\n$/,
  },
  {
    clause: "RFC 9112 §4: a status of two digits is none",
    sent: get,
    said: "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    got: /^HTTP\/1\.1 502 /,
  },
  {
    clause: "RFC 9112 §6.3: lengths that differ make 502",
    sent: get,
    said: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
    got: /^HTTP\/1\.1 502 /,
  },
  {
    clause: "RFC 9112 §7.1: a chunk size that is none makes 502",
    sent: get,
    said: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n 2\r\nok\r\n0\r\n\r\n",
    got: /^HTTP\/1\.1 502 /,
  },
];

/** What is wrong with how a rule is kept, if anything. */
async function broken(rule: Rule, port: number, origin: RawServer): Promise<readonly string[]> {
  const answered = new WeakSet<ServerConnection>();
  origin.connections.length = 0;
  origin.script = (connection) => {
    const head = connection.received.indexOf("\r\n\r\n");
    const isChunked = connection.received.includes("Transfer-Encoding: chunked");
    const isWhole = isChunked ? connection.received.endsWith("0\r\n\r\n") : head >= 0;
    if (!isWhole || answered.has(connection)) return;
    answered.add(connection);
    connection.send(rule.said ?? ok);
  };
  const got = await ask(port, rule.sent);
  const received = origin.received();
  const found: string[] = [];
  if (!rule.got.test(got)) found.push(`${rule.clause}: the client got ${JSON.stringify(got)}`);
  if (!(rule.forwarded ?? /^[A-Z]/).test(received) || rule.withheld?.test(received) === true)
    found.push(`${rule.clause}: the server got ${JSON.stringify(received)}`);
  return found;
}

test("the rules for an intermediary are kept", async () => {
  const port = freePort();
  await using origin = new RawServer(() => undefined);
  const upstreams = [{ ...upstream("apps", [upstreamServer(origin.port)]), keepAliveConnections: 0 }];
  await using driver = await ProxyDriver.start(simplePlan(port, [], { upstreams }));
  const found: string[] = [];
  for (const rule of [...requests, ...responses]) found.push(...(await broken(rule, port, origin)));
  expect(found).toEqual([]);
  expect(driver.log()).toBe("");
});

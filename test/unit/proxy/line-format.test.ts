import { describe, expect, test } from "bun:test";
import { hostname } from "node:os";
import { timeIso8601 } from "../../../src/proxy/access-log-line.ts";
import { compileLineFormat } from "../../../src/proxy/line-format.ts";
import type { LoggedRequest } from "../../../src/proxy/log-variables.ts";
import { craftResponse } from "../../../src/proxy/content/crafted-response.ts";
import type { BodyPiece } from "../../../src/proxy/body-piece.ts";
import { UpstreamTrace } from "../../../src/proxy/upstream-trace.ts";
import { requestView } from "../../support/request-view.ts";

const outcome: LoggedRequest = {
  remoteAddress: "192.0.2.1",
  remotePort: 4000,
  connectionAddress: "192.0.2.7",
  localAddress: "192.0.2.2",
  localPort: 443,
  scheme: "https",
  tlsVersion: "TLSv1.3",
  tlsCipher: "TLS_AES_128_GCM_SHA256",
  tlsServerName: "a.example",
  tlsProtocolName: "h2",
  isTlsResumed: false,
  certificateFields:
    "X-SSL-Client-Verify: SUCCESS\r\nX-SSL-Client-S-DN: CN=me\r\nX-SSL-Client-Serial: 0A\r\n",
  requestId: "abc",
  traceId: "def",
  siteName: "*.example",
  status: 200,
  bodyBytes: 5,
  sentBytes: 105,
  receivedBytes: 60,
  sentHead: "HTTP/1.1 200 OK\r\nX-Cache: HIT\r\nContent-Type: text/html \r\nVary: A\r\nvary: B\r\n\r\n",
  startedAt: 0,
  timeLocal: "10/Oct/2000:13:55:36 -0700",
  connectionNumber: 7,
  requestNumber: 2,
  trace: null,
};

const { fields } = requestView(
  "GET /a/b?x=1&Y=2",
  'X-Quote: say "hi"\r\nCookie: a=1; b=2\r\nX-A: 1\r\nX-A: 2\r\n',
);

function line(format: string, escape: "default" | "json" | "none" | null = null, more = {}): string {
  const compiled = compileLineFormat(format, escape);
  return compiled.write(compiled.note("GET /a/b?x=1&Y=2 HTTP/1.1", fields), { ...outcome, ...more });
}

function wants(format: string): readonly boolean[] {
  const { wantsHead, wantsIds, wantsNumbers, wantsTimes, wantsTrace, wantsUpstreamHead } = compileLineFormat(
    format,
    null,
  );
  return [wantsTimes, wantsTrace, wantsNumbers, wantsIds, wantsHead, wantsUpstreamHead];
}

describe("a line in a format of one's own", () => {
  test.each([
    [
      "$request_method $request_uri $uri $args $is_args$query_string $server_protocol",
      "GET /a/b?x=1&Y=2 /a/b x=1&Y=2 ?x=1&Y=2 HTTP/1.1",
    ],
    ["$host $http_x_a $arg_y $cookie_b $http_missing", "a 1, 2 2 2 -"],
    ["$sent_http_content_type|$sent_http_x_cache|$sent_http_server|$sent_http_vary", "text/html|HIT|-|A, B"],
    ["$document_uri $content_type $content_length $http2 $http3.", "/a/b - -  ."],
    [
      "$server_name $realip_remote_addr:$realip_remote_port $https $ssl_alpn_protocol",
      "*.example 192.0.2.7:4000 on h2",
    ],
    ["$ssl_session_reused $proxy_add_x_forwarded_for $pid", `. 192.0.2.1 ${process.pid}`],
    ["$hostname $proxy_host $upstream_cache_status $upstream_http_x", `${hostname()} - - -`],
    ["$upstream_bytes_sent $upstream_bytes_received $upstream_response_length $upstream_cookie_x", "- - - -"],
    [
      "$status $body_bytes_sent $bytes_sent $request_length $connection $connection_requests",
      "200 5 105 60 7 2",
    ],
    [
      "$remote_addr:$remote_port $server_addr:$server_port $scheme $ssl_protocol $ssl_cipher $ssl_server_name",
      "192.0.2.1:4000 192.0.2.2:443 https TLSv1.3 TLS_AES_128_GCM_SHA256 a.example",
    ],
    ["$ssl_client_verify $ssl_client_s_dn $ssl_client_serial $ssl_client_fingerprint", "SUCCESS CN=me 0A -"],
    ["$request_id $trace_id $upstream_addr $upstream_status $upstream_tries", "abc def - - 0"],
    ["${status}x $http_x_quote", "200x say \\x22hi\\x22"],
  ])("%s", (format, wanted) => {
    expect(line(format)).toBe(`${wanted}\n`);
  });

  test("is escaped as it is told", () => {
    expect(line("$http_x_quote $http_missing.", "json")).toBe('say \\"hi\\" .\n');
    expect(line("$http_x_quote $http_missing.", "none")).toBe('say "hi" .\n');
  });

  test("in JSON can be read as such, whatever a client sends", () => {
    const compiled = compileLineFormat("json", null);
    const text = compiled.write(compiled.note('GET /"\\\u0001 HTTP/1.1', fields), outcome);
    const read: unknown = JSON.parse(text);
    expect(read).toMatchObject({
      status: 200,
      request_uri: '/"\\\u0001',
      host: "a",
      http_referer: "",
    });
  });

  test("wants only what it says", () => {
    expect(wants("main")).toEqual([false, false, false, false, false, false]);
    expect(wants("combined")).toEqual([false, false, false, false, false, false]);
    expect(wants("$request_time $upstream_addr $connection $request_id $sent_http_x")).toEqual([
      true,
      true,
      true,
      true,
      true,
      false,
    ]);
    expect(wants("$upstream_cache_status")).toEqual([false, true, false, false, false, false]);
    expect(wants("$upstream_http_x_a")).toEqual([false, true, false, false, false, true]);
    expect(wants("$upstream_cookie_a")).toEqual([false, true, false, false, false, true]);
  });

  test("of a request that could not be read has dashes", () => {
    const compiled = compileLineFormat("combined", null);
    expect(compiled.write(compiled.note("", null), { ...outcome, status: 400 })).toBe(
      '192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] "-" 400 5 "-" "-"\n',
    );
  });
});

test("a line tells of HTTP/2 and HTTP/3, of proxies before this one, and cookies that came in several fields", () => {
  const forwarded = requestView(
    "GET /",
    "X-Forwarded-For: 203.0.113.9\r\nCookie: a=1\r\nCookie: b=2\r\n",
  ).fields;
  const compiled = compileLineFormat("$http2|$http3|$proxy_add_x_forwarded_for|$cookie_b|$http_cookie", null);
  const written = (version: string, scheme: string): string =>
    compiled.write(compiled.note(`GET / HTTP/${version}`, forwarded), { ...outcome, scheme });
  const rest = "203.0.113.9, 192.0.2.1|2|a=1; b=2\n";
  expect(written("2.0", "https")).toBe(`h2||${rest}`);
  expect(written("2.0", "http")).toBe(`h2c||${rest}`);
  expect(written("3.0", "https")).toBe(`|h3|${rest}`);
});

/** What a server has answered. */
const response = craftResponse(
  "HTTP/1.1 200 OK",
  "X-Powered-By: a\r\nx-powered-by: b\r\nSet-Cookie: one=1; Path=/\r\nSet-Cookie: Two=2\r\n",
);
const piece = (length: number): BodyPiece => ({ bytes: Buffer.alloc(length), start: 0, end: length });

test("UpstreamTrace lists servers, their statuses, bytes and times as nginx does", () => {
  let now = 1000;
  const trace = new UpstreamTrace(false, () => now);
  trace.began("apps", "192.0.2.8:80");
  trace.sent(40);
  now += 5;
  trace.began("apps", "192.0.2.9:80");
  now += 1;
  trace.connected();
  trace.sent(40);
  trace.sent(7);
  now += 20;
  trace.answered(200, response.fields, piece(3));
  trace.received(piece(4));
  now += 300;
  trace.ended(200);
  trace.ended(502);
  expect([trace.addresses, trace.statuses, trace.count]).toEqual([
    "192.0.2.8:80, 192.0.2.9:80",
    "502, 200",
    2,
  ]);
  expect([trace.connectTimes, trace.headerTimes, trace.responseTimes]).toEqual([
    "-, 0.001",
    "-, 0.021",
    "0.005, 0.321",
  ]);
  expect([trace.bytesSent, trace.bytesReceived, trace.responseLengths]).toEqual([
    "40, 47",
    `0, ${response.fields.length + 7}`,
    "0, 7",
  ]);
  expect([trace.upstream, trace.head, trace.queueTime(990)]).toEqual(["apps", "", "0.010"]);
});

test("UpstreamTrace keeps what a server said in its head where a format wants that", () => {
  const trace = new UpstreamTrace(true);
  trace.began("apps", "192.0.2.8:80");
  trace.answered(200, response.fields, null);
  expect(
    line(
      "$upstream_http_x_powered_by|$upstream_cookie_two|$upstream_cookie_one|$upstream_http_x|$proxy_host",
      null,
      { trace },
    ),
  ).toBe("a, b|2|1|-|apps\n");
});

test("UpstreamTrace counts what went to a server that was asked beside another, and knows what was stored", () => {
  const trace = new UpstreamTrace(true, () => 100);
  trace.asked("EXPIRED");
  trace.began("apps", "192.0.2.8:80");
  trace.sent(40);
  trace.overtaken();
  trace.joined("192.0.2.9:80", { startedAt: 50, connectedAt: 60, sentBytes: 40 });
  trace.answered(304, craftResponse("HTTP/1.1 304 Not Modified", "").fields, null);
  trace.stored("apps", "REVALIDATED", response.fields);
  expect([trace.bytesSent, trace.connectTimes, trace.statuses]).toEqual(["40, 40", "-, 0.010", "-, 304"]);
  expect(line("$upstream_cache_status $upstream_http_x_powered_by", null, { trace })).toBe(
    "REVALIDATED a, b\n",
  );
});

test("timeIso8601() tells the zone", () => {
  expect(timeIso8601(Date.UTC(2000, 9, 10, 20, 55, 36))).toMatch(/^2000-10-1[01]T\d\d:55:36[+-]\d\d:00$/);
});

import { describe, expect, test } from "bun:test";
import { timeIso8601 } from "../../../src/proxy/access-log-line.ts";
import { compileLineFormat, type LoggedRequest } from "../../../src/proxy/line-format.ts";
import { UpstreamTrace } from "../../../src/proxy/upstream-trace.ts";
import { requestView } from "../../support/request-view.ts";

const outcome: LoggedRequest = {
  remoteAddress: "192.0.2.1",
  remotePort: 4000,
  localAddress: "192.0.2.2",
  localPort: 443,
  scheme: "https",
  tlsVersion: "TLSv1.3",
  tlsCipher: "TLS_AES_128_GCM_SHA256",
  tlsServerName: "a.example",
  certificateFields:
    "X-SSL-Client-Verify: SUCCESS\r\nX-SSL-Client-S-DN: CN=me\r\nX-SSL-Client-Serial: 0A\r\n",
  requestId: "abc",
  traceId: "def",
  status: 200,
  bodyBytes: 5,
  sentBytes: 105,
  receivedBytes: 60,
  sentHead: "HTTP/1.1 200 OK\r\nX-Cache: HIT\r\nContent-Type: text/html \r\n\r\n",
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
  const { wantsHead, wantsIds, wantsNumbers, wantsTimes, wantsTrace } = compileLineFormat(format, null);
  return [wantsTimes, wantsTrace, wantsNumbers, wantsIds, wantsHead];
}

describe("a line in a format of one's own", () => {
  test.each([
    [
      "$request_method $request_uri $uri $args $is_args$query_string $server_protocol",
      "GET /a/b?x=1&Y=2 /a/b x=1&Y=2 ?x=1&Y=2 HTTP/1.1",
    ],
    ["$host $http_x_a $arg_y $cookie_b $http_missing", "a 1, 2 2 2 -"],
    ["$sent_http_content_type|$sent_http_x_cache|$sent_http_server", "text/html|HIT|-"],
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
    expect(wants("main")).toEqual([false, false, false, false, false]);
    expect(wants("combined")).toEqual([false, false, false, false, false]);
    expect(wants("$request_time $upstream_addr $connection $request_id $sent_http_x")).toEqual([
      true,
      true,
      true,
      true,
      true,
    ]);
  });

  test("of a request that could not be read has dashes", () => {
    const compiled = compileLineFormat("combined", null);
    expect(compiled.write(compiled.note("", null), { ...outcome, status: 400 })).toBe(
      '192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] "-" 400 5 "-" "-"\n',
    );
  });
});

test("UpstreamTrace lists servers, their statuses and times as nginx does", () => {
  let now = 1000;
  const trace = new UpstreamTrace(() => now);
  trace.began("192.0.2.8:80");
  now += 5;
  trace.began("192.0.2.9:80");
  now += 1;
  trace.connected();
  now += 20;
  trace.answered(200);
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
  expect(trace.queueTime(990)).toBe("0.010");
});

test("timeIso8601() tells the zone", () => {
  expect(timeIso8601(Date.UTC(2000, 9, 10, 20, 55, 36))).toMatch(/^2000-10-1[01]T\d\d:55:36[+-]\d\d:00$/);
});

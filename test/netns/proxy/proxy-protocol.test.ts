import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { ProxyPlan } from "../../../src/config/node-plan.ts";
import { runCommand } from "../../support/lab-command.ts";
import { haproxyFront } from "../../support/haproxy-front.ts";
import { LocalNginx } from "../../support/local-nginx.ts";
import {
  freePort,
  listener,
  ProxyDriver,
  simplePlan,
  upstream,
  upstreamServer,
} from "../../support/proxy-driver.ts";
import { answering, ask, RawClient, RawServer } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

const loopback = { from: [{ address: "127.0.0.0", length: 8 }], timeoutMs: 5_000 };
const elsewhere = { from: [{ address: "192.0.2.0", length: 24 }], timeoutMs: 5_000 };
const request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const header = "PROXY TCP4 192.0.2.31 192.0.2.11 40000 443\r\n";

function planOn(port: number, origin: number, proxyProtocol = loopback): ProxyPlan {
  return simplePlan(port, [upstreamServer(origin)], { listeners: [listener(port, { proxyProtocol })] });
}

describe("a listener with proxy_protocol", () => {
  test("takes the client's address from the header, however it is cut", async () => {
    await using origin = new RawServer(answering("ok"));
    const port = freePort();
    await using proxy = await ProxyDriver.start(planOn(port, origin.port));
    expect(await ask(port, header + request)).toContain("200 OK");
    expect(origin.received()).toContain("X-Real-IP: 192.0.2.31\r\nX-Forwarded-For: 192.0.2.31\r\n");
    await using client = await RawClient.connect(port);
    await client.sendSlowly(header.replace("TCP4 192.0.2.31 192.0.2.11", "TCP6 2001:db8::31 ::1") + request);
    await client.expectEnd();
    expect(client.received).toContain("200 OK");
    expect(origin.received()).toContain("X-Real-IP: 2001:db8::31\r\n");
    expect(proxy.log()).toBe("");
  });

  test("is fed by HAProxy in both versions", async () => {
    await using origin = new RawServer(answering("ok"));
    const port = freePort();
    await using _proxy = await ProxyDriver.start(planOn(port, origin.port));
    for (const [words, address] of [
      ["send-proxy", "127.0.0.5"],
      ["send-proxy-v2", "127.0.0.6"],
    ] as const) {
      const front = freePort();
      await using _haproxy = await haproxyFront(front, port, words);
      const { stdout } = await runCommand([
        "curl",
        "-s",
        "--interface",
        address,
        `http://127.0.0.1:${front}/`,
      ]);
      expect(stdout).toBe("ok");
      expect(origin.received()).toContain(`X-Real-IP: ${address}\r\n`);
    }
  });

  test("cuts a peer that sends no header, or none in time", async () => {
    await using origin = new RawServer(answering("ok"));
    const port = freePort();
    await using _proxy = await ProxyDriver.start(planOn(port, origin.port, { ...loopback, timeoutMs: 200 }));
    expect(await ask(port, request)).toBe("");
    expect(await ask(port, header.slice(0, 20))).toBe("");
    expect(origin.received()).toBe("");
  });

  test("takes a header from nobody else", async () => {
    await using origin = new RawServer(answering("ok"));
    const port = freePort();
    await using _proxy = await ProxyDriver.start(planOn(port, origin.port, elsewhere));
    expect(await ask(port, header + request)).toContain("400 Bad Request");
    expect(await ask(port, request)).toContain("200 OK");
    expect(origin.received()).toContain("X-Real-IP: 127.0.0.1\r\n");
  });
});

describe("an upstream with proxy_protocol", () => {
  test.each(["v1", "v2"] as const)("tells nginx in %s who each client is", async (proxyProtocol) => {
    const back = freePort();
    await using _nginx = await LocalNginx.start(
      freePort(),
      `listen 127.0.0.1:${back} proxy_protocol;
       location / { return 200 "from $proxy_protocol_addr:$proxy_protocol_port over $connection."; }`,
    );
    const port = freePort();
    const upstreams = [{ ...upstream("apps", [upstreamServer(back)]), proxyProtocol }];
    await using proxy = await ProxyDriver.start({ ...planOn(port, back), upstreams });
    const keepAlive = request.replace("Connection: close\r\n", "");
    await using first = await RawClient.connect(port);
    first.send(header + keepAlive);
    const [, own = ""] = /from 192\.0\.2\.31:40000 over (\d+)\./.exec(await first.expect("over ")) ?? [];
    expect(own).not.toBe("");
    await using second = await RawClient.connect(port);
    second.send(header.replaceAll("192.0.2.31", "192.0.2.32") + keepAlive);
    expect(await second.expect("over ")).toContain("from 192.0.2.32:40000 over ");
    expect(second.received).not.toContain(`over ${own}.`);
    first.received = "";
    first.send(keepAlive);
    expect(await first.expect("over ")).toContain(`from 192.0.2.31:40000 over ${own}.`);
    expect(proxy.log()).toBe("");
  });
});

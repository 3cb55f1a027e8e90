import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeCertificates } from "../../support/certificates.ts";
import { runCommand } from "../../support/lab-command.ts";
import {
  freePort,
  listener,
  ProxyDriver,
  simplePlan,
  upstream,
  upstreamServer,
} from "../../support/proxy-driver.ts";

setDefaultTimeout(60_000);

const peer = fileURLToPath(new URL("../../support/grpc-peer.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "edge-ha-grpc-"));
const at = (name: string): string => join(folder, name);

beforeAll(() => makeCertificates(folder, ["shop.example"]));
afterAll(() => rmSync(folder, { recursive: true }));

const told = {
  unary: "hello!",
  trailer: "behind",
  failure: "5 no such thing",
  serverStream: "1000 n999",
  clientStream: "2000000",
  duplex: "3 C",
};

describe("gRPC", () => {
  test.each(["clear text", "TLS"])(
    "passes with calls of every kind, statuses and trailers, under %s",
    async (way) => {
      const server = Bun.spawn(["node", peer, "serve"], { stdout: "pipe", stderr: "inherit" });
      const { value } = await server.stdout.getReader().read();
      const port = freePort();
      const certificates = [{ certificate: at("shop.example.pem"), key: at("shop.example.key") }];
      const tls =
        way === "TLS" ? ({ certificates, minVersion: "1.2", ciphers: null, clients: null } as const) : null;
      const plan = simplePlan(port, [], {
        listeners: [listener(port, { http2: true, tls })],
        upstreams: [
          { ...upstream("apps", [upstreamServer(Number(new TextDecoder().decode(value)))]), http2: true },
        ],
      });
      await using driver = await ProxyDriver.start(plan);
      const ca = tls === null ? [] : [at("ca.pem")];
      const { stderr, stdout } = await runCommand(["node", peer, "call", `127.0.0.1:${port}`, ...ca]);
      expect(stderr).toBe("");
      expect(JSON.parse(stdout)).toEqual(told);
      expect(driver.log()).toBe("");
      server.kill();
      await server.exited;
    },
  );
});

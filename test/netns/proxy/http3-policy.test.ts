import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { plainRouting } from "../../../src/config/routing-plan.ts";
import { makeCertificates } from "../../support/certificates.ts";
import { Http3Client } from "../../support/http3-client.ts";
import {
  freePort,
  listener,
  ProxyDriver,
  route,
  simplePlan,
  site,
  upstreamServer,
} from "../../support/proxy-driver.ts";
import { RawServer } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

const folder = mkdtempSync(join(tmpdir(), "edge-ha-http3-policy-"));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

test("a site over HTTP/3 asks for a password, and changes fields as over TCP", async () => {
  await makeCertificates(folder, ["shop.example"]);
  writeFileSync(at("users"), `ann:${await Bun.password.hash("sesame", { algorithm: "bcrypt", cost: 4 })}\n`);
  const heads: string[] = [];
  await using origin = new RawServer((connection, bytes) => {
    heads.push(bytes);
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: x\r\nX-Kept: 1\r\n\r\nok");
  });
  const port = freePort();
  const rules = { remove: ["Server"], set: [["X-Set", "$scheme"]], add: [["X-Added", "b"]] } as const;
  const office = route("/", "apps", {
    admission: {
      basicAuth: { users: at("users"), realm: "Office" },
      rateLimit: null,
      connectionLimit: null,
    },
    responseHeaders: rules,
    routing: { ...plainRouting, requestHeaders: { ...rules, remove: ["X-Secret"] } },
  });
  const sites = [site(["shop.example"], [office])];
  const certificate = { certificate: at("shop.example.pem"), key: at("shop.example.key") };
  const tls = { certificates: [certificate], minVersion: "1.2", ciphers: null, clients: null } as const;
  const listeners = [listener(port, { tls, http3: { rememberedS: 60 } })];
  await using _ = await ProxyDriver.start(
    simplePlan(port, [upstreamServer(origin.port)], { listeners, sites }),
  );
  await using client = await Http3Client.connect(port);
  const refused = await client.get("/", { authorization: `Basic ${btoa("ann:wrong")}` });
  expect(refused.fields).toMatchObject({
    ":status": "401",
    "www-authenticate": 'Basic realm="Office", charset="UTF-8"',
  });
  expect(heads).toEqual([]);
  const given = { authorization: `Basic ${btoa("ann:sesame")}`, "x-secret": "1", "x-set": "forged" };
  const { body, fields } = await client.get("/", given);
  expect([body, fields?.["x-set"], fields?.["x-added"], fields?.["x-kept"], fields?.["server"]]).toEqual([
    "ok",
    "https",
    "b",
    "1",
    undefined,
  ]);
  const [head = ""] = heads;
  expect(head).toContain("X-Set: https\r\n");
  expect(head).toContain("X-Added: b\r\n");
  expect(head).not.toMatch(/x-secret|forged/i);
});

import { expect, test } from "bun:test";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { Client } from "../../../src/health/undici.ts";

test("the HTTP probes use the real undici, not the runtime's stand-in", () => {
  const require = createRequire(import.meta.url);
  const real = require(`${dirname(require.resolve("undici/package.json"))}/index.js`) as { Client: unknown };
  expect(Client as unknown).toBe(real.Client);
  const client = new Client("http://192.0.2.1");
  // The stand-in's clients have neither.
  expect(client.stats).toBeDefined();
  expect("dispatch" in client).toBe(true);
});

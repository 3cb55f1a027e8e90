import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  AdmissionPlan,
  ConnectionLimitPlan,
  RateLimitPlan,
} from "../../../src/config/admission-plan.ts";
import type { ProxyPlan } from "../../../src/config/node-plan.ts";
import { waitFor } from "../../support/lab.ts";
import { runCommand } from "../../support/lab-command.ts";
import {
  freePort,
  listener,
  ProxyDriver,
  route,
  simplePlan,
  site,
  upstreamServer,
} from "../../support/proxy-driver.ts";
import { RawHttp2Client } from "../../support/raw-http2.ts";
import { answering, ask, RawClient, RawServer } from "../../support/raw-tcp.ts";

setDefaultTimeout(30_000);

const folder = mkdtempSync(join(tmpdir(), "edge-ha-users-"));
const users = join(folder, "users");
afterAll(() => rmSync(folder, { recursive: true }));

const [ann, bob] = await Promise.all([
  Bun.password.hash("sesame", { algorithm: "bcrypt", cost: 4 }),
  Bun.password.hash("käse", { algorithm: "argon2id", memoryCost: 1024, timeCost: 1 }),
]);
writeFileSync(users, `ann:${ann.replace("$2b$", "$2y$")}\nbob:${bob}\n`);

const basicAuth = { users, realm: "Office" };
const pace: RateLimitPlan = {
  id: "shop",
  intervalMs: 60_000,
  burst: 1,
  delays: false,
  key: { kind: "source" },
};
/** To the key in the example of RFC 6455 §1.3. */
const switching =
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

function planOn(port: number, origin: number, admission: Partial<AdmissionPlan>, workers = 1): ProxyPlan {
  const routes = [
    route("/", "apps", {
      admission: { basicAuth: null, rateLimit: null, connectionLimit: null, ...admission },
    }),
  ];
  return simplePlan(port, [upstreamServer(origin)], { workers, sites: [site(["*"], routes)] });
}

function post(password: string): string {
  const authorization = `Authorization: Basic ${btoa(`ann:${password}`)}`;
  return `POST / HTTP/1.1\r\nHost: a\r\n${authorization}\r\nContent-Length: 12\r\n\r\n`;
}

async function curl(port: number, ...words: readonly string[]): Promise<string> {
  const { stdout } = await runCommand([
    "curl",
    "-s",
    "--max-time",
    "10",
    "-w",
    "%{http_code}",
    ...words,
    `http://127.0.0.1:${port}/`,
  ]);
  return stdout;
}

describe("basic_auth", () => {
  test("lets users pass with their password, and nobody else", async () => {
    await using origin = new RawServer(answering("ok"));
    const port = freePort();
    await using proxy = await ProxyDriver.start(planOn(port, origin.port, { basicAuth }));
    expect(await curl(port, "-u", "ann:sesame")).toBe("ok200");
    expect(await curl(port, "-u", "bob:käse")).toBe("ok200");
    expect(await curl(port, "-u", "ann:käse")).toBe("401 Unauthorized\n401");
    expect(await curl(port, "-u", "eve:sesame")).toBe("401 Unauthorized\n401");
    expect(await ask(port, request)).toContain('WWW-Authenticate: Basic realm="Office", charset="UTF-8"\r\n');
    expect(origin.connections.flatMap(({ received }) => received.match(/^GET/gm) ?? []).length).toBe(2);
    expect(proxy.log()).toBe("");
  });

  test("lets the body wait for the password, and forgets a client that goes meanwhile", async () => {
    await using origin = new RawServer((connection) => {
      if (connection.received.endsWith("body 2")) connection.send("HTTP/1.1 204 No Content\r\n\r\n");
    });
    const port = freePort();
    await using proxy = await ProxyDriver.start(planOn(port, origin.port, { basicAuth }));
    await using client = await RawClient.connect(port);
    client.send(`${post("sesame")}body 1`);
    client.send("body 2");
    await client.expect("204 No Content");
    expect(origin.received()).toEndWith("\r\n\r\nbody 1body 2");
    // A response over the same connection, in order behind one that had to wait.
    client.received = "";
    client.send(`${post("wrong")}body 1body 2${post("sesame")}body 1body 2`);
    expect(await client.expectEnd()).toContain("401 Unauthorized");
    client.cut();
    for (let index = 0; index < 20; index++) {
      const gone = await RawClient.connect(port);
      gone.send(`${post(`guess ${index}`)}body`);
      gone.cut();
    }
    expect(await curl(port, "-u", "ann:sesame", "-d", "body 1body 2")).toBe("204");
    await waitFor("no connection is left", async () => (await proxy.nextStatus()).connections === 0);
    expect(proxy.log()).toBe("");
  });

  test("refuses a plan whose users it cannot read", async () => {
    await using origin = new RawServer(answering("ok"));
    const port = freePort();
    const plan = planOn(port, origin.port, { basicAuth });
    await using proxy = await ProxyDriver.start(plan);
    const broken = join(folder, "broken");
    writeFileSync(broken, "ann:sesame\n");
    const next = planOn(port, origin.port, { basicAuth: { ...basicAuth, users: broken } });
    expect(proxy.configure(next)).rejects.toThrow(
      `${broken}: line 1: ann has a password in clear text or of crypt(3)`,
    );
    expect(await curl(port, "-u", "ann:sesame")).toBe("ok200");
  });
});

describe("rate_limit", () => {
  test("answers 429 with Retry-After, to each source by itself", async () => {
    await using origin = new RawServer(answering("ok"));
    const port = freePort();
    await using _proxy = await ProxyDriver.start(planOn(port, origin.port, { rateLimit: pace }));
    const before = performance.now();
    const answers = [await curl(port), await curl(port), await curl(port)];
    expect(answers).toEqual(["ok200", "ok200", "429 Too Many Requests\n429"]);
    const refused = await ask(port, request);
    const leastS = 60 - (performance.now() - before) / 1000;
    // What is left of the minute that began with the first of them.
    expect(Number(/\r\nRetry-After: (\d+)\r\n/.exec(refused)?.[1])).toBeWithin(Math.ceil(leastS), 61);
    expect(await curl(port, "--interface", "127.0.0.5")).toBe("ok200");
  });

  test("lets a burst wait for its turn", async () => {
    await using origin = new RawServer(answering("ok"));
    const port = freePort();
    const rateLimit = { ...pace, burst: 100, delays: true };
    await using proxy = await ProxyDriver.start(planOn(port, origin.port, { rateLimit }));
    await using client = await RawClient.connect(port);
    const keepAlive = request.replace("Connection: close\r\n", "");
    client.send(keepAlive.repeat(2));
    await client.expect("200 OK");
    // Whoever comes later from elsewhere is served; the second request waits for a turn that comes in a minute.
    expect(await curl(port, "--interface", "127.0.0.5")).toBe("ok200");
    expect(origin.connections.flatMap(({ received }) => received.match(/^GET/gm) ?? []).length).toBe(2);
    const faster = { ...rateLimit, id: "faster", intervalMs: 20 };
    await proxy.configure(planOn(port, origin.port, { rateLimit: faster }));
    await using other = await RawClient.connect(port);
    other.send(keepAlive.repeat(9) + request);
    expect((await other.expectEnd()).match(/200 OK/g)?.length).toBe(10);
  });

  test("counts what other processes let pass, and tells them what it did", async () => {
    await using origin = new RawServer(answering("ok"));
    const port = freePort();
    const plan = planOn(port, origin.port, { rateLimit: pace }, 2);
    await using proxy = await ProxyDriver.start(plan);
    proxy.send({ kind: "spent", notes: [{ limit: "shop", key: "127.0.0.1", count: 1 }] });
    await proxy.configure(plan); // what was sent before it has arrived, and what was spent outlives a plan
    expect([await curl(port), await curl(port)]).toEqual(["ok200", "429 Too Many Requests\n429"]);
    await waitFor("it tells the others", () => proxy.spent.length > 0);
    expect(proxy.spent).toEqual([{ limit: "shop", key: "127.0.0.1", count: 1 }]);
  });
});

/** The status of a request that is answered at once. */
async function quickOn(port: number): Promise<string> {
  return (await ask(port, request.replace("/ ", "/quick "))).slice(9, 12);
}

describe("connection_limit", () => {
  const limit: ConnectionLimitPlan = { id: "shop", connections: 2, status: 503, key: { kind: "source" } };
  const keepAlive = request.replace("Connection: close\r\n", "");

  function holdingPlan(
    port: number,
    origin: number,
    more: Partial<ConnectionLimitPlan>,
    workers = 1,
  ): ProxyPlan {
    return {
      ...planOn(port, origin, { connectionLimit: { ...limit, ...more } }, workers),
      listeners: [listener(port, { http2: true })],
    };
  }

  test("counts what is open by HTTP/1.1, HTTP/2 and WebSocket, until it has ended", async () => {
    await using origin = new RawServer((connection) => {
      const asked = connection.received.split("\r\n\r\n").at(-2) ?? "";
      if (asked.includes("Upgrade: websocket")) connection.send(switching);
      else if (asked.includes("/quick")) connection.send("HTTP/1.1 204 No Content\r\n\r\n");
    });
    const port = freePort();
    await using proxy = await ProxyDriver.start(holdingPlan(port, origin.port, {}));
    const quick = (): Promise<string> => quickOn(port);
    await using first = await RawClient.connect(port);
    first.send(keepAlive);
    await waitFor("it is asked", () => origin.received().includes("GET / "));
    expect(await quick()).toBe("204");
    const http2 = await RawHttp2Client.connect(port);
    http2.request(1);
    http2.request(3);
    expect(await http2.status(3)).toBe("503");
    expect(await quick()).toBe("503");
    expect(await curl(port, "--interface", "127.0.0.5", "--request-target", "/quick")).toBe("204");
    await http2[Symbol.asyncDispose]();
    await waitFor("the stream is gone", async () => (await quick()) === "204");
    await using socket = await RawClient.connect(port);
    socket.send(
      request.replace(
        "Connection: close",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      ),
    );
    await socket.expect("101 Switching Protocols");
    expect(await quick()).toBe("503");
    socket.cut();
    await waitFor("the WebSocket is gone", async () => (await quick()) === "204");
    first.cut();
    await waitFor("no connection is left", async () => (await proxy.nextStatus()).connections === 0);
    expect([await quick(), await quick()]).toEqual(["204", "204"]);
    expect(proxy.log()).toBe("");
  });

  test("counts with the other processes, which know at once what is open and what has ended", async () => {
    await using origin = new RawServer((connection, bytes) => {
      if (bytes.includes("/quick")) connection.send("HTTP/1.1 204 No Content\r\n\r\n");
    });
    const [port, otherPort] = [freePort(), freePort()];
    const more = { status: 429, key: { kind: "host" } } as const;
    await using one = await ProxyDriver.start(holdingPlan(port, origin.port, more, 2));
    await using other = await one.beside(holdingPlan(otherPort, origin.port, more, 2));
    await using first = await RawClient.connect(port);
    first.send(keepAlive);
    await waitFor("the first is asked", () => origin.received().split("GET / ").length === 2);
    expect([await quickOn(port), await quickOn(otherPort)]).toEqual(["204", "204"]);
    await using second = await RawClient.connect(otherPort);
    second.send(keepAlive);
    await waitFor("the second is asked", () => origin.received().split("GET / ").length === 3);
    expect([await quickOn(port), await quickOn(otherPort)]).toEqual(["429", "429"]);
    first.cut();
    await waitFor("the first is gone", async () => (await quickOn(otherPort)) === "204");
    expect(await quickOn(port)).toBe("204");
    // What a process had goes with it.
    other.kill();
    await other.exited;
    await using third = await RawClient.connect(port);
    third.send(keepAlive);
    await waitFor("the third is asked", () => origin.received().split("GET / ").length === 4);
    expect(await quickOn(port)).toBe("204");
  });
});

import { describe, expect, test } from "bun:test";
import { headerWords, holdersAt, seatsAt, seatWords } from "../../../src/ipc/counts/layout.ts";
import { readBasicCredentials } from "../../../src/proxy/admission/credentials.ts";
import { isWait, type Gate } from "../../../src/proxy/admission/gate.ts";
import { basicAuthGate } from "../../../src/proxy/admission/basic-auth.ts";
import { PasswordChecks, type PasswordVerdict } from "../../../src/proxy/admission/password-checks.ts";
import { connectionLimitGate } from "../../../src/proxy/admission/connection-limit.ts";
import { cookieOf, sourceKey } from "../../../src/proxy/admission/limit-key.ts";
import { rateLimitGate } from "../../../src/proxy/admission/rate-limit.ts";
import { RateTable } from "../../../src/proxy/admission/rate-table.ts";
import type { Answer } from "../../../src/proxy/answer.ts";
import { CommonCounts } from "../../../src/proxy/common-counts.ts";
import { requestView } from "../../support/request-view.ts";

const hash = `$2y$05$${"a".repeat(53)}`;
const otherHash = `$2y$05$${"b".repeat(53)}`;
const users = `ann:${hash}\nbob:${otherHash}\n`;

/** Checks that end when they are told to. */
class Slow {
  now = 0;
  readonly asked: { password: string; hash: string; answer: (isRight: boolean) => void }[] = [];
  readonly checks: PasswordChecks = new PasswordChecks({
    now: () => this.now,
    verify: (password, of) => {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      this.asked.push({ password: password.toString("latin1"), hash: of, answer: resolve });
      return promise;
    },
  });

  async answer(index: number, isRight: boolean): Promise<void> {
    this.asked[index]?.answer(isRight);
    await Bun.sleep(0);
  }
}

function authorization(text: string): string {
  return `Authorization: Basic ${Buffer.from(text, "latin1").toString("base64")}\r\n`;
}

function read(text: string): unknown {
  return readBasicCredentials(`Basic ${btoa(text)}`);
}

/** Gives what a gate makes of a request: what it answers, null to let it pass, or a list that fills when it has waited. */
function ask(gate: Gate, lines: string): Answer | null | (Answer | null)[] {
  const verdict = gate(requestView("GET /", lines));
  if (verdict === null || !isWait(verdict)) return verdict;
  const settled: (Answer | null)[] = [];
  verdict.begin((answer) => settled.push(answer));
  return settled;
}

describe("readBasicCredentials()", () => {
  test("reads a name and a password, which may have a colon", () => {
    expect(read("ann:secret:more")).toEqual({ user: "ann", password: "secret:more" });
    expect(read(":")).toEqual({ user: "", password: "" });
    expect(read("ann")).toBeNull();
    expect(read("ann:a\0b")).toBeNull();
    expect(readBasicCredentials("bAsIc YTpi")).toEqual({ user: "a", password: "b" });
  });

  test.each([null, "", "Basic", "Basic !", "Bearer YTpi", "Basic YTpi, Basic YTpi"])(
    "refuses %j",
    (value) => {
      expect(readBasicCredentials(value)).toBeNull();
    },
  );
});

describe("PasswordChecks", () => {
  test("asks once for a password, and again when it has forgotten", async () => {
    const slow = new Slow();
    const verdicts: PasswordVerdict[] = [];
    const check = (): void => slow.checks.check("secret", hash, (verdict) => verdicts.push(verdict));
    check();
    check();
    expect(slow.asked.length).toBe(1);
    await slow.answer(0, true);
    expect(verdicts).toEqual(["right", "right"]);
    expect(slow.checks.isKnown("secret", hash)).toBe(true);
    expect(slow.checks.isKnown("secret", otherHash)).toBe(false);
    expect(slow.checks.isKnown("Secret", hash)).toBe(false);
    slow.now = 5 * 60_000;
    expect(slow.checks.isKnown("secret", hash)).toBe(false);
  });

  test("remembers no wrong one, and takes a broken hash for that", async () => {
    const slow = new Slow();
    const verdicts: PasswordVerdict[] = [];
    slow.checks.check("guess", hash, (verdict) => verdicts.push(verdict));
    await slow.answer(0, false);
    expect(slow.checks.isKnown("guess", hash)).toBe(false);
    const failing = new PasswordChecks({ now: () => 0, verify: () => Promise.reject(new Error("broken")) });
    failing.check("guess", hash, (verdict) => verdicts.push(verdict));
    await Bun.sleep(0);
    expect(verdicts).toEqual(["wrong", "wrong"]);
  });

  test("lets two run, 128 wait, and refuses the rest", async () => {
    const slow = new Slow();
    const verdicts: PasswordVerdict[] = [];
    for (let index = 0; index < 131; index++)
      slow.checks.check(`guess ${index}`, hash, (verdict) => verdicts.push(verdict));
    expect(slow.asked.length).toBe(2);
    expect(verdicts).toEqual(["busy"]);
    for (let index = 0; index < 130; index++) await slow.answer(index, false);
    expect(slow.asked.length).toBe(130);
    expect(verdicts.length).toBe(131);
  });

  test("gives bcrypt the 72 bytes it knows", () => {
    const slow = new Slow();
    slow.checks.check("x".repeat(80), hash, () => undefined);
    expect(slow.asked[0]?.password.length).toBe(72);
  });
});

describe("basicAuthGate()", () => {
  const plan = { users: "/users", realm: "Office" };

  test("asks for credentials where there are none", () => {
    const gate = basicAuthGate(plan, users, new Slow().checks);
    const answer = ask(gate, "");
    expect(answer).toMatchObject({ status: 401 });
    expect((answer as Answer).fields).toContain(
      'WWW-Authenticate: Basic realm="Office", charset="UTF-8"\r\n',
    );
  });

  test("lets a user pass with the right password, at once the next time", async () => {
    const slow = new Slow();
    const gate = basicAuthGate(plan, users, slow.checks);
    const first = ask(gate, authorization("bob:secret"));
    expect(slow.asked).toMatchObject([{ password: "secret", hash: otherHash }]);
    await slow.answer(0, true);
    expect(first).toEqual([null]);
    expect(ask(gate, authorization("bob:secret"))).toBeNull();
    expect(ask(gate, authorization("ann:secret"))).toEqual([]);
  });

  test("refuses a wrong password and a stranger after the same work", async () => {
    const slow = new Slow();
    const gate = basicAuthGate(plan, users, slow.checks);
    const wrong = ask(gate, authorization("ann:guess"));
    const stranger = ask(gate, authorization("eve:secret"));
    await slow.answer(0, false);
    await slow.answer(1, true); // a stranger with a user's password is one all the same
    expect(wrong).toMatchObject([{ status: 401 }]);
    expect(stranger).toMatchObject([{ status: 401 }]);
  });

  test("throws where the file is of no use", () => {
    expect(() => basicAuthGate(plan, "ann:{SHA}x", new Slow().checks)).toThrow(
      "/users: line 1: ann has a SHA-1 hash",
    );
  });
});

describe("RateTable", () => {
  test("refuses what is too early, and says when", () => {
    const table = new RateTable({ intervalMs: 100, burst: 0 });
    expect(table.take("a", 1000)).toEqual({ isRefused: false, delayMs: 0 });
    expect(table.take("a", 1040)).toEqual({ isRefused: true, retryMs: 60 });
    expect(table.take("b", 1040)).toEqual({ isRefused: false, delayMs: 0 });
    expect(table.take("a", 1100)).toEqual({ isRefused: false, delayMs: 0 });
  });

  test("lets a burst come early, each with its own turn", () => {
    const table = new RateTable({ intervalMs: 100, burst: 2 });
    const delays = [0, 0, 0].map(() => table.take("a", 1000));
    expect(delays).toEqual([0, 100, 200].map((delayMs) => ({ isRefused: false, delayMs })));
    expect(table.take("a", 1000)).toEqual({ isRefused: true, retryMs: 100 });
    expect(table.take("a", 1100)).toEqual({ isRefused: false, delayMs: 200 });
  });

  test("never lets more pass than the rate and one burst", () => {
    const table = new RateTable({ intervalMs: 1000 / 7, burst: 5 });
    let passed = 0;
    for (let now = 0; now < 10_000; now += 3) if (!table.take("a", now).isRefused) passed++;
    expect(passed).toBeGreaterThanOrEqual(75);
    expect(passed).toBeLessThanOrEqual(76);
  });

  test("counts what was spent elsewhere, but holds nobody to account for longer than by itself", () => {
    const table = new RateTable({ intervalMs: 100, burst: 2 });
    table.spend("a", 1, 1000);
    expect(table.take("a", 1000)).toEqual({ isRefused: false, delayMs: 100 });
    table.spend("a", 1000, 1000);
    expect(table.take("a", 1100)).toEqual({ isRefused: false, delayMs: 200 });
  });

  test("knows 100,000 keys, and forgets first those to which that makes no difference", () => {
    const table = new RateTable({ intervalMs: 1000, burst: 1 });
    for (let index = 0; index < 100_000; index++) table.take(String(index), index === 7 ? 0 : 5000);
    table.take("new", 5000);
    expect(table.size).toBe(100_000);
    expect(table.take("0", 5000)).toEqual({ isRefused: false, delayMs: 1000 });
    for (let index = 0; index < 150_000; index++) table.take(`later ${index}`, 7000);
    expect(table.size).toBe(100_000);
  });

  test("forgets those that were quiet for longest if all matter", () => {
    const table = new RateTable({ intervalMs: 1e9, burst: 0 });
    for (let index = 0; index < 100_001; index++) table.take(String(index), 0);
    expect(table.size).toBe(100_000);
    expect(table.take("0", 0).isRefused).toBe(false);
    expect(table.take("100000", 0).isRefused).toBe(true);
  });
});

describe("rateLimitGate()", () => {
  const spent: string[] = [];
  const later: (() => void)[] = [];
  const context = {
    now: () => 0,
    after: (then: () => void) => void later.push(then),
    spent: (limit: string, key: string) => void spent.push(`${limit} ${key}`),
  };
  const pace = { id: "shop", intervalMs: 10_000, burst: 1 };

  test("answers 429 with the time to wait", () => {
    const gate = rateLimitGate(
      { ...pace, delays: false, key: { kind: "source" } },
      new RateTable(pace),
      context,
    );
    expect(ask(gate, "")).toBeNull();
    expect(ask(gate, "")).toBeNull();
    expect(ask(gate, "")).toMatchObject({
      status: 429,
      fields: "Retry-After: 10\r\nContent-Type: text/plain\r\n",
    });
    expect(spent).toEqual(["shop 192.0.2.1", "shop 192.0.2.1"]);
  });

  test("lets the burst wait for its turn", () => {
    const gate = rateLimitGate(
      { ...pace, delays: true, key: { kind: "path" } },
      new RateTable(pace),
      context,
    );
    expect(ask(gate, "")).toBeNull();
    const second = ask(gate, "");
    expect(second).toEqual([]);
    later.at(-1)?.();
    expect(second).toEqual([null]);
  });

  test("counts by header or cookie, and what has none not at all", () => {
    const byHeader = rateLimitGate(
      { ...pace, delays: false, key: { kind: "header", name: "x-api-key" } },
      new RateTable({ ...pace, burst: 0 }),
      context,
    );
    expect(["", "", "X-Api-Key: a\r\n", "X-API-KEY: b\r\n"].map((lines) => ask(byHeader, lines))).toEqual(
      Array(4).fill(null),
    );
    expect(ask(byHeader, "x-api-key: a\r\n")).toMatchObject({ status: 429 });
    expect(cookieOf("a=1; sid=x=y; b", "sid")).toBe("x=y");
    expect(cookieOf("a=1, sid=z", "sid")).toBe("z");
    expect(cookieOf("xsid=1", "sid")).toBeNull();
  });

  test("takes the network of an IPv6 client for the client", () => {
    expect(sourceKey("192.0.2.1")).toBe("192.0.2.1");
    expect(sourceKey("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::");
  });
});

/** The counts of two processes that have seats in one memory. */
function twoProcesses(): readonly [CommonCounts, CommonCounts] {
  const seats = new Map<number, Int32Array>();
  const seat = (at: number): Int32Array => seats.getOrInsertComputed(at, () => new Int32Array(seatWords));
  const header = new Int32Array(headerWords);
  header.set([7, 8], holdersAt);
  header[seatsAt] = 2;
  const all = [new CommonCounts(), new CommonCounts()] as const;
  for (const [at, counts] of all.entries()) counts.join(() => ({ header, seat }), 7 + at);
  return all;
}

const ofA = (): ReturnType<typeof requestView> => requestView("GET /", "X-Api-Key: a\r\n");

describe("connectionLimitGate()", () => {
  const limit = { id: "shop", connections: 2, status: 429 };

  test("lets so many of each key pass at a time, by all processes together", () => {
    const plan = { ...limit, key: { kind: "header", name: "x-api-key" } } as const;
    const [counts, others] = twoProcesses();
    const [gate, otherGate] = [connectionLimitGate(plan, counts), connectionLimitGate(plan, others)];
    const asked = ["a", "a", "a", "b", ""].map((key) => {
      const view = requestView("GET /", key === "" ? "" : `X-Api-Key: ${key}\r\n`);
      return { view, answer: gate(view) };
    });
    expect(
      asked.map(({ answer }) => (answer !== null && "status" in answer ? answer.status : answer)),
    ).toEqual([null, null, 429, null, null]);
    expect(asked.map(({ view }) => view.hold === null)).toEqual([false, false, true, false, true]);
    // The other process knows at once: of both what is taken, and what has come free.
    expect(otherGate(ofA())).toMatchObject({ status: 429 });
    asked[0]?.view.hold?.release();
    asked[0]?.view.hold?.release();
    const elsewhere = ofA();
    expect(otherGate(elsewhere)).toBeNull();
    expect(otherGate(ofA())).toMatchObject({ status: 429 });
    asked[1]?.view.hold?.release();
    elsewhere.hold?.release();
    expect([otherGate(ofA()), otherGate(ofA())]).toEqual([null, null]);
    expect(gate(ofA())).toMatchObject({ status: 429 });
  });

  test("counts by host, by the client's address, by a parameter, or all together", () => {
    const keys = [
      { kind: "host" },
      { kind: "source" },
      { kind: "query", name: "id" },
      { kind: "all" },
    ] as const;
    for (const key of keys) {
      const gate = connectionLimitGate({ ...limit, id: key.kind, connections: 1, key }, new CommonCounts());
      expect(gate(requestView("GET /?id=1"))).toBeNull();
      expect(gate(requestView("GET /?id=1"))).toMatchObject({ status: 429 });
    }
  });
});

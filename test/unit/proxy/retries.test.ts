import { describe, expect, test } from "bun:test";
import { array, assert, nat, property } from "fast-check";
import type { RetriesPlan } from "../../../src/config/upstream-policy.ts";
import { allowsRetry, RetryBudget } from "../../../src/proxy/retries.ts";

describe("a budget of retries", () => {
  test("pays for a few at once, then for a share of all requests and one a second", () => {
    assert(
      property(array(nat(50), { maxLength: 400 }), (gaps) => {
        const budget = new RetryBudget();
        budget.setShare(0.2);
        let now = 0;
        let taken = 0;
        for (const [index, gap] of gaps.entries()) {
          now += gap;
          budget.pay();
          if (budget.take(now)) taken += 1;
          expect(taken).toBeLessThanOrEqual(10 + (index + 1) * 0.2 + now / 1_000 + 1e-6);
        }
      }),
    );
  });

  test("of nothing pays for nothing", () => {
    const budget = new RetryBudget();
    budget.setShare(0);
    budget.pay();
    expect(budget.take(0)).toBe(false);
    expect(budget.take(1e6)).toBe(false);
  });
});

describe("another try", () => {
  const plan: RetriesPlan = { tries: 2, timeoutMs: 1_000, on: ["connect", 503], budget: 0.2, hedgeMs: null };
  const first = { fault: "connect", made: 1, startedAt: 100, now: 200 } as const;

  test.each([
    [first, true],
    [{ ...first, fault: 503 }, true],
    [{ ...first, fault: 502 }, false],
    [{ ...first, fault: "timeout" }, false],
    [{ ...first, made: 2 }, false],
    [{ ...first, now: 1_100 }, false],
  ] as const)("after %j is allowed: %j", (attempts, isAllowed) => {
    expect(allowsRetry(plan, attempts)).toBe(isAllowed);
  });

  test("has no end where none is set", () => {
    expect(allowsRetry({ ...plan, tries: null, timeoutMs: null }, { ...first, made: 50, now: 1e9 })).toBe(
      true,
    );
  });
});

import { expect, test } from "bun:test";
import type { BodyTest } from "../../../../src/config/check-plan.ts";
import { bodyLimitBytes, bodyVerdict } from "../../../../src/health/http/body-verdict.ts";

/** What a verdict says of a body: "fits", or why not. */
function verdictOn(body: readonly string[], asked: BodyTest | null): string {
  const verdict = bodyVerdict(asked);
  for (const piece of body) verdict.take(Buffer.from(piece));
  try {
    verdict.judge();
    return "fits";
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
}

test("a body is asked for characters, a pattern or a digest", () => {
  expect(verdictOn(["rea", "dy"], { kind: "contains", text: "ready" })).toBe("fits");
  expect(verdictOn(["busy"], { kind: "contains", text: "ready" })).toBe('body does not contain "ready"');
  expect(verdictOn(["rea", "dy\n"], { kind: "matches", pattern: "^ready$" })).toBe("fits");
  expect(verdictOn(["not ready"], { kind: "matches", pattern: "^ready$" })).toBe(
    "body does not match /^ready$/",
  );
  const md5 = { kind: "digest", algorithm: "md5", hex: "5d41402abc4b2a76b9719d911017c592" } as const;
  expect(verdictOn(["hel", "lo"], md5)).toBe("fits");
  expect(verdictOn(["hell"], md5)).toStartWith(
    "MD5 of the body is 4229d691b07b13341da53f17ab9f2416, want 5d4",
  );
});

test("of a body without end its first 64 KiB are kept", () => {
  const verdict = bodyVerdict({ kind: "contains", text: "never" });
  expect(verdict.hasEnough).toBe(false);
  verdict.take(new Uint8Array(bodyLimitBytes));
  expect(verdict.hasEnough).toBe(true);
  verdict.take(Buffer.from("never"));
  expect(() => verdict.judge()).toThrow('body does not contain "never" in its first 64 KiB');
});

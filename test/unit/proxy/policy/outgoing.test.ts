import { expect, test } from "bun:test";
import type { HeaderRulesPlan } from "../../../../src/config/http-plan.ts";
import { plainListenerPolicy } from "../../../../src/config/routing-plan.ts";
import { compileOutgoing, requestHeadOf, sentHeadOf } from "../../../../src/proxy/policy/outgoing.ts";
import { requestView } from "../../../support/request-view.ts";

const ids = { requestId: true, trace: false };
const noRules: HeaderRulesPlan = { remove: [], set: [], add: [] };

function linesOf(plan: Partial<HeaderRulesPlan>, sent: string, wishes: typeof ids | null): readonly string[] {
  const view = requestView("GET /a", sent);
  view.id = "abc";
  const outgoing = compileOutgoing({ ...noRules, ...plan }, plainListenerPolicy, wishes);
  const text = requestHeadOf({ outgoing }, view);
  expect(sentHeadOf({ outgoing }, view).text).toBe(text);
  return text.split("\r\n");
}

test("nothing is done to requests where nothing is wanted", () => {
  expect(compileOutgoing(noRules, plainListenerPolicy, null)).toBeNull();
  expect(compileOutgoing(noRules, plainListenerPolicy, { requestId: false, trace: true })).toBeNull();
});

test("the name of a request stands in its head once, in place of what the client sent", () => {
  const lines = linesOf(
    { set: [["X-A", "1"]] },
    "x-request-id: old\r\nX-Request-Id: older\r\nX-B: 2\r\n",
    ids,
  );
  expect(lines.filter((line) => line.toLowerCase().startsWith("x-request-id"))).toEqual([
    "X-Request-ID: abc",
  ]);
  expect(lines).toContain("X-A: 1");
  expect(lines).toContain("X-B: 2");
  expect(lines.slice(-3)).toEqual(["X-Request-ID: abc", "", ""]);
});

test("names are stamped in afterwards where rules write them too, or a trace goes with them", () => {
  const set = [["X-Request-ID", "mine"]] as const;
  expect(compileOutgoing({ ...noRules, set }, plainListenerPolicy, ids)?.writesId).toBe(false);
  const traced = compileOutgoing({ ...noRules, remove: ["X-A"] }, plainListenerPolicy, {
    ...ids,
    trace: true,
  });
  expect(traced?.writesId).toBe(false);
});

test("lines of rules stand in every head of a connection, those that change and those that do not", () => {
  const outgoing = compileOutgoing(
    { ...noRules, set: [["X-A", "1"]], add: [["X-Path", "$uri"]] },
    plainListenerPolicy,
    null,
  );
  const view = requestView("GET /a", "");
  expect(requestHeadOf({ outgoing }, view)).toContain("X-Path: /a\r\n");
  const other = compileOutgoing({ ...noRules, set: [["X-A", "2"]] }, plainListenerPolicy, null);
  expect(requestHeadOf({ outgoing: other }, view)).toContain("X-A: 2\r\n");
  expect(requestHeadOf({ outgoing: null }, view)).not.toContain("X-A");
  expect(requestHeadOf({ outgoing }, view)).toContain("X-A: 1\r\n");
});

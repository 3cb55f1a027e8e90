import { expect, test } from "bun:test";
import { idsOf, randomHex, stampHead, traceIdOf } from "../../../src/proxy/request-ids.ts";
import { requestView } from "../../support/request-view.ts";

const both = { requestId: true, trace: true };
const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

function headWith(lines: string): string {
  return `GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
}

function ids(lines: string): ReturnType<typeof idsOf> {
  return idsOf(requestView("GET /", lines).fields, both);
}

test("idsOf() keeps good names and replaces bad ones", () => {
  expect(ids(`X-Request-ID: a-1\r\ntraceparent: ${parent}\r\n`)).toEqual({
    requestId: "a-1",
    traceparent: parent,
  });
  for (const bad of [
    "",
    "X-Request-ID: a b\r\n",
    "X-Request-ID: a\r\nX-Request-ID: b\r\n",
    `X-Request-ID: ${"a".repeat(129)}\r\n`,
  ])
    expect(ids(bad).requestId).toMatch(/^[0-9a-f]{32}$/);
  const zero = `00-${"0".repeat(32)}-00f067aa0ba902b7-01`;
  for (const bad of [
    "",
    `traceparent: ${zero}\r\n`,
    `traceparent: ff${parent.slice(2)}\r\n`,
    "traceparent: x\r\n",
  ]) {
    const { traceparent } = ids(bad);
    expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(traceparent).not.toBe(zero);
  }
  expect(traceIdOf({ requestId: "", traceparent: parent })).toBe("4bf92f3577b34da6a3ce929d0e0e4736");
  expect(idsOf(null, { requestId: true, trace: false }).traceparent).toBe("");
});

test("stampHead() writes each name once, and drops the state of a trace that is not gone on with", () => {
  const names = { requestId: "new", traceparent: parent };
  const head = headWith("x-request-id: old\r\ntracestate: a=1\r\nX-Request-Id: older\r\n");
  expect(stampHead(head, names, both)).toBe(headWith(`X-Request-ID: new\r\ntraceparent: ${parent}\r\n`));
  const kept = headWith(`traceparent: ${parent}\r\ntracestate: a=1\r\n`);
  expect(stampHead(kept, names, { requestId: false, trace: true })).toBe(
    headWith(`tracestate: a=1\r\ntraceparent: ${parent}\r\n`),
  );
});

test("randomHex() gives no name twice", () => {
  const names = new Set(Array.from({ length: 1000 }, randomHex));
  expect(names.size).toBe(1000);
  for (const name of names) expect(name).toMatch(/^[0-9a-f]{32}$/);
});

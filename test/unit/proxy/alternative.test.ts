import { describe, expect, test } from "bun:test";
import { plainAnswer } from "../../../src/proxy/answer.ts";
import { Alternative, alternativeOf } from "../../../src/proxy/alternative.ts";
import { listener } from "../../support/proxy-driver.ts";

describe("the way to HTTP/3", () => {
  test("is told in each answer of ours, and in responses in place of the server's word", () => {
    const alternative = new Alternative(443, 86_400);
    expect(alternative.answer(plainAnswer(404)).fields).toContain('Alt-Svc: h3=":443"; ma=86400\r\n');
    const rules = { removed: new Set(["server"]), added: "X-A: 1\r\n" };
    const start = { rules } as unknown as Parameters<Alternative["start"]>[0];
    const told = alternative.start(start).rules;
    expect(told.removed).toEqual(new Set(["server", "alt-svc"]));
    expect(told.added).toBe('X-A: 1\r\nAlt-Svc: h3=":443"; ma=86400\r\n');
    expect(alternative.start(start).rules).toBe(told);
  });

  test("is not told without HTTP/3, or where nobody is to remember it", () => {
    expect(alternativeOf(listener(443))).toBeNull();
    expect(alternativeOf(listener(443, { http3: { rememberedS: 0 } }))).toBeNull();
    expect(alternativeOf(listener(443, { http3: { rememberedS: 5 } }))).not.toBeNull();
  });
});

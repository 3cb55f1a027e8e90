import { describe, expect, test } from "bun:test";
import { answerHead, plainAnswer, reasonOf } from "../../../src/proxy/answer.ts";

const date = "Sun, 06 Nov 1994 08:49:37 GMT";

describe("an answer of the proxy's own", () => {
  test("is a small page with its length and date (RFC 9110 §6.6.1)", () => {
    const answer = plainAnswer(404);
    expect(answer.body.toString()).toBe("404 Not Found\n");
    expect(answerHead(answer, date, false)).toBe(
      `HTTP/1.1 404 Not Found\r\nDate: ${date}\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\n`,
    );
  });

  test("says when it is the last", () =>
    expect(answerHead(plainAnswer(400), date, true)).toEndWith("Connection: close\r\n\r\n"));

  test("names the methods with 405 (RFC 9110 §15.5.6)", () =>
    expect(answerHead(plainAnswer(405), date, false)).toContain("\r\nAllow: GET, HEAD,"));

  test("has no length with 204 (RFC 9110 §8.6)", () =>
    expect(answerHead(plainAnswer(204), date, false)).not.toContain("Content-Length"));

  test("has the reason of its class where its status is not known", () => {
    expect(reasonOf(499)).toBe("Bad Request");
    expect(reasonOf(799)).toBe("Error");
  });
});

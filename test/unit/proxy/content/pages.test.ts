import { describe, expect, test } from "bun:test";
import { plainAnswer } from "../../../../src/proxy/answer.ts";
import { httpDate } from "../../../../src/proxy/content/conditions.ts";
import { ErrorPages, paged } from "../../../../src/proxy/content/error-pages.ts";
import { maintenanceGate } from "../../../../src/proxy/content/maintenance.ts";
import { mediaType } from "../../../../src/proxy/content/media-type.ts";
import { requestView } from "../../../support/request-view.ts";

const files = {
  "/p/502.html": { content: Buffer.from("sorry").toString("base64"), changedMs: 0 },
  "/p/4xx.txt": { content: Buffer.from("wrong").toString("base64"), changedMs: 0 },
};
const plan = {
  pages: [
    ["502", "/p/502.html"],
    ["4xx", "/p/4xx.txt"],
  ] as const,
  intercepts: false,
};
const pages = new ErrorPages(plan, files);

describe("an error page", () => {
  test("is that of the status, else of its class", () => {
    expect(pages.of(502)?.body.toString()).toBe("sorry");
    expect(pages.of(404)?.body.toString()).toBe("wrong");
    expect(pages.of(503)).toBeNull();
    expect(pages.of(200)).toBeNull();
  });

  test("takes the place of the usual text and keeps what else is said", () => {
    const refusal = {
      ...plainAnswer(401),
      fields: 'Content-Type: text/plain\r\nWWW-Authenticate: Basic realm="x"\r\n',
    };
    expect(paged(pages, refusal)).toEqual({
      status: 401,
      fields: 'Content-Type: text/plain; charset=utf-8\r\nWWW-Authenticate: Basic realm="x"\r\n',
      body: Buffer.from("wrong"),
    });
  });

  test("leaves alone what somebody wrote, and what is no error", () => {
    const own = { ...plainAnswer(404), body: Buffer.from("mine") };
    expect(paged(pages, own)).toBe(own);
    expect(paged(null, plainAnswer(404))).toBe(plainAnswer(404));
    expect(paged(pages, plainAnswer(204))).toBe(plainAnswer(204));
  });

  test("that did not come with the plan is an error", () => {
    expect(() => new ErrorPages(plan, {})).toThrow("/p/502.html did not come with the plan");
  });
});

describe("maintenance", () => {
  test("answers 503 that is to be tried again later, but not to those who may pass", () => {
    const allow = [{ address: "192.0.2.1", length: 32 }];
    const gate = maintenanceGate({ page: "/p/502.html", retryAfterS: 60, allow: [] }, files);
    expect(gate(requestView("GET /"))).toEqual({
      status: 503,
      fields: "Content-Type: text/html; charset=utf-8\r\nRetry-After: 60\r\nCache-Control: no-store\r\n",
      body: Buffer.from("sorry"),
    });
    expect(maintenanceGate({ page: null, retryAfterS: null, allow }, files)(requestView("GET /"))).toBeNull();
    const usual = maintenanceGate({ page: null, retryAfterS: null, allow: [] }, files)(requestView("GET /"));
    expect(usual?.body).toBe(plainAnswer(503).body);
  });
});

test("a file's type is told by its suffix", () => {
  expect(mediaType("/a/b.PNG")).toBe("image/png");
  expect(mediaType("/a.html/b")).toBe("application/octet-stream");
  expect(mediaType("/a.constructor")).toBe("application/octet-stream");
});

test("a date is read in its three forms and no other (RFC 9110 §5.6.7)", () => {
  const ms = Date.UTC(1994, 10, 6, 8, 49, 37);
  expect(httpDate("Sun, 06 Nov 1994 08:49:37 GMT")).toBe(ms);
  expect(httpDate("Sunday, 06-Nov-94 08:49:37 GMT")).toBe(ms);
  expect(httpDate("Sun Nov  6 08:49:37 1994")).toBe(ms);
  expect(httpDate("0")).toBeNull();
  expect(httpDate("1994-11-06")).toBeNull();
});

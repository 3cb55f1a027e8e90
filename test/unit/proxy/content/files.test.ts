import { describe, expect, test } from "bun:test";
import type { Pages } from "../../../../src/ipc/pages.ts";
import { fileGate } from "../../../../src/proxy/content/files.ts";
import { requestView } from "../../../support/request-view.ts";

const changedMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const date = "Fri, 02 Jan 2026 03:04:05 GMT";

function page(text: string): Pages[string] {
  return { content: Buffer.from(text).toString("base64"), changedMs };
}

const pages: Pages = {
  "/p/index.html": page("<h1>"),
  "/p/a/style.css": page("b {}"),
  "/p/ä b.txt": page("umlaut"),
  "/p2/secret": page("no"),
};
const gate = fileGate({ root: "/p", path: "/pages/" }, pages);
const text = (line: string): string => gate(requestView(line))?.body.toString() ?? "passed";

describe("files of a folder", () => {
  test("are answered by their path with type and validators", () => {
    const answer = gate(requestView("GET /pages/a/style.css?v=1"));
    expect(answer?.status).toBe(200);
    expect(answer?.fields).toMatch(
      /^Content-Type: text\/css; charset=utf-8\r\nLast-Modified: Fri, 02 Jan 2026 03:04:05 GMT\r\nETag: "[\w-]{22}"\r\n$/,
    );
    expect(answer?.body.toString()).toBe("b {}");
    expect(text("GET /pages/")).toBe("<h1>");
    expect(text("GET /pages/%c3%a4%20b.txt")).toBe("umlaut");
  });

  test("are all that is below the path, and nothing out of the folder can be had", () => {
    expect(text("GET /other")).toBe("passed");
    for (const path of ["/pages/none", "/pages/..%2fp2/secret", "/pages/a/../../p2/secret", "/pages/a"]) {
      expect(text(`GET ${path}`), path).toBeOneOf(["404 Not Found\n", "passed"]);
    }
    expect(text("GET /pages/a/../index.html")).toBe("<h1>");
  });

  test("are only read", () => {
    const answer = gate(requestView("POST /pages/index.html"));
    expect(answer?.status).toBe(405);
    expect(answer?.fields).toContain("Allow: GET, HEAD\r\n");
  });

  test("are not sent to a client that has them (RFC 9110 §13.2.2)", () => {
    const etag = /ETag: (.*)\r/.exec(gate(requestView("GET /pages/"))?.fields ?? "")?.[1] ?? "";
    const status = (lines: string): number | undefined => gate(requestView("GET /pages/", lines))?.status;
    expect(status(`If-None-Match: "x", W/${etag}\r\n`)).toBe(304);
    expect(status("If-None-Match: *\r\n")).toBe(304);
    expect(status(`If-None-Match: "x"\r\nIf-Modified-Since: ${date}\r\n`)).toBe(200);
    expect(status(`If-Modified-Since: ${date}\r\n`)).toBe(304);
    expect(status("If-Modified-Since: Fri, 02 Jan 2026 03:04:04 GMT\r\n")).toBe(200);
    expect(status("If-Modified-Since: 1767323045\r\n")).toBe(200);
    expect(gate(requestView("GET /pages/", `If-None-Match: ${etag}\r\n`))?.body).toHaveLength(0);
  });
});

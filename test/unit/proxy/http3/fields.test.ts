import { describe, expect, test } from "bun:test";
import { addField, addLines, emptyBlock, fieldsOf, statusBlock } from "../../../../src/proxy/http3/fields.ts";

describe("fields of HTTP/3", () => {
  test("are read one by one, several of a name in their order", () => {
    expect(fieldsOf({ ":path": "/", cookie: ["a=1", "b=2"], "x-a": "1" })).toEqual([
      { name: ":path", value: "/" },
      { name: "cookie", value: "a=1" },
      { name: "cookie", value: "b=2" },
      { name: "x-a", value: "1" },
    ]);
  });

  test("are written with all of a name, but the first only of what there is one of, and none of the connection's", () => {
    const block = statusBlock(200);
    for (const value of ["a", "b", "c"]) addField(block, "set-cookie", value);
    addLines(
      block,
      "ETag: one\r\nETag: two\r\nHTTP2-Settings: x\r\nProxy-Connection: close\r\nRange: first\r\nRange: second\r\nX-Note:  blue \r\n",
    );
    expect({ ...block }).toEqual({
      ":status": "200",
      "set-cookie": ["a", "b", "c"],
      etag: "one",
      range: "first",
      "x-note": "blue",
    });
  });

  test("may have any name, and __proto__ is one", () => {
    const block = emptyBlock();
    addField(block, "__proto__", "a");
    addField(block, "__proto__", "b");
    expect(fieldsOf(block)).toEqual([
      { name: "__proto__", value: "a" },
      { name: "__proto__", value: "b" },
    ]);
  });
});

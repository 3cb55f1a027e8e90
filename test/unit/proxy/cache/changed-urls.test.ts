import { describe, expect, test } from "bun:test";
import { ChangedUrls } from "../../../../src/proxy/cache/changed-urls.ts";

describe("ChangedUrls", () => {
  test("knows each of any number, and has no more memory of them than so much", () => {
    const urls = new ChangedUrls();
    const count = 250_000;
    for (let at = 0; at < count; at++) urls.add(`http://a/${at}`, at / 10);
    const all = Array.from({ length: count }, (_, at) => at);
    expect(all.every((at) => urls.hasSince(`http://a/${at}`, at / 10))).toBeTrue();
    expect(all.some((at) => urls.hasSince(`http://a/${at}`, count))).toBeFalse();
    expect(urls.size).toBeLessThanOrEqual(2 * (100_000 + 65_536));
  });

  test("takes none for changed that has not, unless there are very many", () => {
    const urls = new ChangedUrls();
    for (let at = 0; at < 1000; at++) urls.add(`http://a/${at}`, 0);
    for (let at = 1000; at < 2000; at++) expect(urls.hasSince(`http://a/${at}`, 0)).toBeFalse();
  });
});

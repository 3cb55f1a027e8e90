import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noContent } from "../../../src/config/content-plan.ts";
import type { ProxyPlan } from "../../../src/config/node-plan.ts";
import { readPages } from "../../../src/supervisor/pages.ts";
import { route, simplePlan, site } from "../../support/proxy-driver.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-ha-pages-"));
const root = join(folder, "root");
afterAll(() => rmSync(folder, { recursive: true }));

function planOf(files: string, page: string | null = null): ProxyPlan {
  const content = { ...noContent, files: { root: files, path: "/" } };
  const errorPages = page === null ? null : { pages: [["502", page] as const], intercepts: false };
  return simplePlan(80, [], { sites: [site(["*"], [route("/", "apps", { content })], { errorPages })] });
}

test("pages and folders are read, without hidden files and links that lead out", () => {
  mkdirSync(join(root, "sub"), { recursive: true });
  for (const name of ["a.html", "sub/b", ".hidden"]) writeFileSync(join(root, name), name);
  writeFileSync(join(folder, "out"), "secret");
  symlinkSync(join(folder, "out"), join(root, "link"));
  symlinkSync("a.html", join(root, "inner"));
  const pages = readPages(planOf(root, join(folder, "out")));
  const text = (path: string): string => Buffer.from(pages[path]?.content ?? "", "base64").toString();
  const paths = ["a.html", "inner", "sub/b"].map((name) => join(root, name));
  expect(Object.keys(pages).sort()).toEqual([join(folder, "out"), ...paths].sort());
  expect(text(join(root, "sub/b"))).toBe("sub/b");
  expect(pages[join(root, "a.html")]?.changedMs).toBeGreaterThan(0);
});

test("what cannot be read, or is too much, refuses the plan with its place", () => {
  const missing = planOf(root, join(folder, "none"));
  expect(() => readPages(missing)).toThrow(/^site \*: .*none cannot be read: ENOENT/);
  expect(() => readPages(planOf(join(folder, "none")))).toThrow(/^site \*: .*none cannot be read: ENOENT/);
  expect(() => readPages(planOf(root, folder))).toThrow(/is no file$/);
  writeFileSync(join(folder, "large"), Buffer.alloc(17 * 1024 ** 2));
  expect(() => readPages(planOf(root, join(folder, "large")))).toThrow(
    "large is one too many: pages are kept in memory, at most 2000 files of 16 MiB in all",
  );
});

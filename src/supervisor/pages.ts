import { type Stats, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { errorText } from "../base/system-error.ts";
import type { ContentPlan } from "../config/content-plan.ts";
import type { ProxyPlan } from "../config/node-plan.ts";
import type { Page, Pages } from "../ipc/pages.ts";

/** Every proxy process keeps all of them in memory. */
const mostBytes = 16 * 1024 ** 2;
const mostFiles = 2000;

/** Reads every page and every folder of files that a plan names; throws, naming the site, if one is of no use. */
export function readPages(plan: ProxyPlan): Pages {
  const reading = new Reading();
  for (const { errorPages, hosts, routes } of plan.sites) {
    try {
      for (const [, path] of errorPages?.pages ?? []) reading.page(path);
      for (const { content } of routes) readContent(content, reading);
    } catch (error) {
      throw new Error(`site ${hosts.join(" ")}: ${errorText(error)}`, { cause: error });
    }
  }
  return reading.pages;
}

function readContent({ errorPages, files, maintenance }: ContentPlan, reading: Reading): void {
  for (const [, path] of errorPages?.pages ?? []) reading.page(path);
  if (maintenance !== null && maintenance.page !== null) reading.page(maintenance.page);
  if (files !== null) reading.folder(files.root);
}

/** What was read so far, within its bounds. */
class Reading {
  readonly pages: Record<string, Page> = {};
  readonly #folders = new Set<string>();
  #bytes = 0;
  #files = 0;

  /** Reads one file; throws if that cannot be done, or if it is too much. */
  page(path: string): void {
    if (this.pages[path] !== undefined) return;
    const stat = statOf(path);
    const { mtimeMs, size } = stat;
    if (!stat.isFile()) throw new Error(`${path} is no file`);
    this.#files += 1;
    this.#bytes += size;
    if (this.#files > mostFiles || this.#bytes > mostBytes) {
      const bounds = `${mostFiles} files of ${mostBytes / 1024 ** 2} MiB in all`;
      throw new Error(`${path} is one too many: pages are kept in memory, at most ${bounds}`);
    }
    const content = readFileSync(path).toString("base64");
    this.pages[path] = { content, changedMs: Math.trunc(mtimeMs) };
  }

  /** Reads all files below a folder, but none whose name begins with a dot and none that a link leads out to. */
  folder(root: string): void {
    if (this.#folders.has(root)) return;
    this.#folders.add(root);
    const names = readFolder(root);
    const real = `${realpathSync(root)}/`;
    for (const name of names) {
      const path = join(root, name);
      if (name.split("/").some((part) => part.startsWith("."))) continue;
      if (realpathSync(path).startsWith(real) && statOf(path).isFile()) this.page(path);
    }
  }
}

function readFolder(root: string): readonly string[] {
  try {
    return readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
  } catch (error) {
    throw new Error(`${root} cannot be read: ${errorText(error)}`, { cause: error });
  }
}

function statOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    throw new Error(`${path} cannot be read: ${errorText(error)}`, { cause: error });
  }
}

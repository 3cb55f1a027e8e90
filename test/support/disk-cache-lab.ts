import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noContent, type CachePlan, type ContentPlan } from "../../src/config/content-plan.ts";
import type { DiskStatus } from "../../src/ipc/disk-note.ts";
import { waitFor } from "./lab.ts";
import { freePort, listener, ProxyDriver, route, simplePlan, site, upstreamServer } from "./proxy-driver.ts";
import { RawServer, type Script } from "./raw-tcp.ts";

/** The cache of routes in these tests. */
export const usualDiskCache: Omit<CachePlan, "disk"> = {
  maxObjectBytes: 8 * 1024 ** 2,
  ttlMs: 0,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  lockTimeoutMs: 5000,
};

/** A proxy with a cache on disk, and what is behind it. */
export interface DiskSetting {
  readonly port: number;
  readonly path: string;
  readonly origin: RawServer;
  /** Kills the process and starts another. */
  readonly restart: () => Promise<void>;
  readonly driver: () => ProxyDriver;
}

/** Runs a proxy with a cache in a folder of its own before a server; `others` are more of its route's content. */
export async function behindDiskCache(
  script: Script,
  plan: Partial<CachePlan>,
  run: (setting: DiskSetting) => Promise<void>,
  others: Partial<ContentPlan> = {},
): Promise<void> {
  const port = freePort();
  const folder = mkdtempSync(join(tmpdir(), "edge-ha-disk-"));
  const path = join(folder, "answers");
  await using origin = new RawServer(script);
  const disk = { path, bytes: 100 * 1024 ** 2 };
  const content = { ...noContent, ...others, cache: { ...usualDiskCache, disk, ...plan } };
  const sites = [site(["*"], [route("/", "apps", { content })])];
  const upstream = simplePlan(port, [upstreamServer(origin.port)], { sites });
  const whole = { ...upstream, listeners: [listener(port, { http2: true })] };
  let driver = await ProxyDriver.start(whole);
  try {
    await run({
      port,
      path,
      origin,
      driver: () => driver,
      restart: async () => {
        await driver[Symbol.asyncDispose]();
        driver = await ProxyDriver.start(whole);
      },
    });
  } finally {
    await driver[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  }
}

/** Paths of the files with answers. */
export function files(path: string): readonly string[] {
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => /^[0-9a-f]{2}\/[0-9a-f]{14}\.\d$/.test(name))
    .map((name) => join(path, name));
}

/** What the proxy tells of its disk. */
export async function disk({ driver }: DiskSetting): Promise<DiskStatus> {
  const { disks } = await driver().nextStatus();
  const [first] = disks;
  if (first === undefined) throw new Error("there is no cache on disk");
  return first;
}

/** Waits until there are so many files. */
export async function written(setting: DiskSetting, count: number): Promise<void> {
  await waitFor(`${count} files`, () => files(setting.path).length === count);
}

import { afterEach, beforeEach, describe, expect, spyOn, test, type Mock } from "bun:test";
import { hostname } from "node:os";
import { runCheck, type CheckOptions } from "../../../src/cli/check.ts";

const folder = `${import.meta.dir}/../../support`;
const good = `${folder}/topologies/single-net-dual-active.toml`;
const bad = `${folder}/examples/product.toml`;

const written = { out: "", error: "" };
let spies: readonly Mock<typeof process.stdout.write>[] = [];

beforeEach(() => {
  written.out = "";
  written.error = "";
  spies = [
    spyOn(process.stdout, "write").mockImplementation((text) => {
      written.out += String(text);
      return true;
    }),
    spyOn(process.stderr, "write").mockImplementation((text) => {
      written.error += String(text);
      return true;
    }),
  ];
});

afterEach(() => {
  for (const spy of spies) spy.mockRestore();
});

const check = (options: Partial<CheckOptions>): Promise<number> =>
  runCheck({ config: good, node: null, plan: false, json: false, socket: `${folder}/none.sock`, ...options });

describe("edge-ha check", () => {
  test("prints one line and gives 0 when the file is sound", async () => {
    expect(await check({})).toBe(0);
    expect(written).toEqual({ out: `${good}: ok: 2 nodes, 2 VIPs\n`, error: "" });
  });

  test("prints a line for each fault and gives 2 when it is not", async () => {
    expect(await check({ config: bad })).toBe(2);
    expect(written.out).toBe("");
    const lines = written.error.trimEnd().split("\n");
    expect(lines).toHaveLength(6);
    for (const line of lines) {
      expect(line).toStartWith(`${bad}:`);
      expect(line.slice(bad.length)).toMatch(/^:\d+:\d+ [^:]+.*: .+; .+$/);
    }
  });

  test("gives 2 when the file cannot be read", async () => {
    expect(await check({ config: `${folder}/none.toml` })).toBe(2);
    expect(written.error).toContain("none.toml cannot be read: ENOENT");
    expect(written.error).toEndWith("; name the file with --config\n");
  });

  test("says what a node will do when asked for its plan", async () => {
    expect(await check({ node: "ka68", plan: true })).toBe(0);
    expect(written.out).toContain("node ka68 of cluster single-net-dual-active, no proxy process");
    expect(written.out).toContain("VG_2: 172.16.8.101/24 on eth0, VRID 192, priority 254");
  });

  test("gives 2 when the node is not in the file", async () => {
    expect(await check({ node: "ka69" })).toBe(2);
    expect(written.error).toContain('there is no [[node]] named "ka69"');
    expect(await check({ plan: true })).toBe(2);
    expect(written.error).toContain(`neither the host name "${hostname()}" nor an address`);
  });

  test("prints one JSON document when asked for it", async () => {
    expect(await check({ config: bad, json: true })).toBe(2);
    expect(written.error).toBe("");
    const document = JSON.parse(written.out) as { isUsable: boolean; diagnostics: { line: number }[] };
    expect(document.isUsable).toBe(false);
    expect(document.diagnostics[0]?.line).toBe(34);
    written.out = "";
    expect(await check({ node: "ka67", plan: true, json: true })).toBe(0);
    expect(JSON.parse(written.out)).toMatchObject({ isUsable: true, problem: null, plan: { node: "ka67" } });
  });
});

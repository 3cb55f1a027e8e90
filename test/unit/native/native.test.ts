import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SystemError } from "../../../src/base/system-error.ts";
import * as native from "../../../src/native/index.ts";
import { buildAddon, root } from "../../support/native-addon.ts";

const unixName = (name: string): Uint8Array =>
  new Uint8Array([1, 0, 0, ...new TextEncoder().encode(`edge-ha-test-${process.pid}-${name}`)]);
const openBound = (name: string): number => {
  const fd = native.open(1, 2 | 0x800, 0);
  native.bind(fd, unixName(name));
  return fd;
};
const send = (from: number, to: string): void => void native.send(from, Uint8Array.of(1), unixName(to), 0);

beforeAll(buildAddon);

describe("errors", () => {
  test("a failed call throws SystemError with call and errno", () => {
    try {
      native.listen(1_000_000, 1);
    } catch (error) {
      expect(error).toBeInstanceOf(SystemError);
      expect(error).toMatchObject({ call: "listen", code: "EBADF" });
      return;
    }
    throw new Error("not reached");
  });

  test("an unfit argument throws TypeError or RangeError", () => {
    expect(() => native.close(-1)).toThrow(RangeError);
    expect(() => native.listen(0, Number.NaN)).toThrow(RangeError);
    expect(() => native.bind(0, new Uint8Array(1))).toThrow(RangeError);
  });
});

describe("watch()", () => {
  test("calls again and again while something is left to read", async () => {
    const fd = openBound("level");
    for (let count = 0; count < 3; count++) send(fd, "level");
    const into = new Uint8Array(4);
    let calls = 0;
    await new Promise<void>((resolve) => {
      native.watch(fd, () => {
        calls += 1;
        // The first call reads nothing at all.
        if (calls > 1) native.receive(fd, into);
        if (calls === 4) resolve();
      });
    });
    native.close(fd);
    expect(calls).toBe(4);
  });

  test("is silent after unwatch(), also for what was queued", async () => {
    const [a, b] = [openBound("a"), openBound("b")];
    const heard: string[] = [];
    native.watch(a, () => {
      heard.push("a");
      native.unwatch(a);
      native.unwatch(b);
    });
    native.watch(b, () => {
      heard.push("b");
      native.unwatch(a);
      native.unwatch(b);
    });
    send(a, "a");
    send(a, "b");
    // Where the first one is called both are queued, or the second will never be: a timer of the loop comes after them.
    while (heard.length === 0) await Bun.sleep(1);
    await Bun.sleep(50);
    expect(heard.length).toBe(1);
    native.close(a);
    native.close(b);
  });

  test("of a descriptor that is used again hears nothing of the old one", async () => {
    const old = openBound("old");
    native.watch(old, () => {
      throw new Error("must not be called");
    });
    send(old, "old");
    native.close(old);
    const fresh = openBound("fresh");
    expect(fresh).toBe(old);
    await new Promise<void>((resolve) => {
      native.watch(fresh, resolve);
      send(fresh, "fresh");
    });
    native.close(fresh);
  });
});

describe("a process", () => {
  const directory = mkdtempSync(join(tmpdir(), "edge-ha-native-"));
  const script = join(directory, "script.ts");
  afterAll(() => rmSync(directory, { recursive: true }));

  const write = (body: string): void =>
    writeFileSync(
      script,
      `import { PreciseTimer } from ${JSON.stringify(join(root, "src/kernel/timer.ts"))};\n${body}`,
    );
  const timers = `
    process.on("uncaughtException", (error) => console.log("uncaught", error.message));
    const timer = PreciseTimer.open();
    timer.set(performance.now(), () => {
      timer.set(performance.now() + 5, () => { console.log("second"); timer.close(); });
      throw new Error("first");
    });`;

  test("goes on after an exception in a callback, and ends when nothing is watched", () => {
    write(timers);
    const result = Bun.spawnSync([process.execPath, script]);
    expect(result.stdout.toString()).toBe("uncaught first\nsecond\n");
    expect(result.exitCode).toBe(0);
  });

  test("that watches in a worker ends cleanly when the worker is stopped", () => {
    const worker = join(directory, "worker.ts");
    writeFileSync(
      worker,
      `import { PreciseTimer } from ${JSON.stringify(join(root, "src/kernel/timer.ts"))};
       const timer = PreciseTimer.open();
       const tick = () => timer.set(performance.now() + 1, tick);
       tick();
       postMessage("running");`,
    );
    write(`const worker = new Worker(${JSON.stringify(worker)});
      worker.onmessage = () => { worker.terminate(); };
      worker.addEventListener("close", () => { PreciseTimer.open().close(); console.log("ended"); });`);
    const result = Bun.spawnSync([process.execPath, script]);
    expect(result.stdout.toString()).toBe("ended\n");
    expect(result.exitCode).toBe(0);
  });

  test("compiled to one file unpacks the addon once, however often it starts", () => {
    write(timers);
    const binary = join(directory, "compiled");
    const flags = ["--compile", "--bytecode", "--format=esm"];
    const build = Bun.spawnSync([process.execPath, "build", ...flags, script, "--outfile", binary]);
    expect(build.exitCode).toBe(0);
    const unpacked = join(directory, "unpacked");
    mkdirSync(unpacked);
    for (let count = 0; count < 3; count++) {
      const result = Bun.spawnSync([binary], { cwd: directory, env: { TMPDIR: unpacked } });
      expect(result.stdout.toString()).toBe("uncaught first\nsecond\n");
    }
    expect(readdirSync(unpacked).length).toBe(1);
    const refused = Bun.spawnSync([binary], { cwd: directory, env: { TMPDIR: "/proc" } });
    expect(refused.stdout.toString()).toContain("TMPDIR must name a directory");
  }, 60_000);
});

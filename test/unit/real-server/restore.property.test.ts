import { expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  type ActualAddress,
  type ActualRoute,
  type ActualState,
  planStart,
  planStop,
  type SavedState,
  type Step,
  undo,
} from "../../../src/real-server/plan.ts";
import { desiredTable, requiredSysctls } from "../../../src/real-server/table.ts";

/**
 * Runs `start` and `stop` against a model of the kernel and of the disk, with crashes between any two steps:
 * whatever was there at first is there after the last `stop`.
 */
class Machine {
  readonly #addresses: Map<string, ActualAddress>;
  readonly #routes: Map<string, ActualRoute>;
  readonly #sysctls: Map<string, string>;
  readonly #tags: boolean;
  #file: SavedState | null = null;

  constructor(initial: Initial) {
    this.#addresses = new Map(initial.addresses.map((one) => [`${one.address}/${one.prefixLength}`, one]));
    this.#routes = new Map(initial.routes.map((address) => [address, { address, isTagged: false }]));
    this.#sysctls = new Map(requiredSysctls.map(({ path }, index) => [path, initial.values[index] ?? "0"]));
    this.#tags = initial.tags;
  }

  state(): ActualState {
    return {
      bootId: "boot-1",
      addresses: [...this.#addresses.values()],
      routes: [...this.#routes.values()],
      sysctls: new Map(this.#sysctls),
    };
  }

  get file(): SavedState | null {
    return this.#file;
  }

  /** Runs one command, dying before the step numbered `diesAt`; gives the number of steps planned. */
  run(command: Command): number {
    const diesAt = command.diesAt ?? Infinity;
    if (command.vips === null) {
      const { steps } = planStop(this.state(), this.#file);
      if (this.#take(steps, diesAt)) this.#file = null;
      return steps.length;
    }
    const known = [...this.#addresses.values(), ...(this.#file?.vips ?? [])];
    const plan = planStart(desiredTable(command.vips, known), this.state(), this.#file);
    this.#file = structuredClone(plan.journal);
    if (this.#take(plan.steps, diesAt)) this.#file = structuredClone(plan.outcome);
    return plan.steps.length;
  }

  perform(step: Step): void {
    switch (step.kind) {
      case "add-address": {
        const { address, label } = step;
        expect(this.#addresses.has(`${address}/32`)).toBe(false);
        this.#addresses.set(`${address}/32`, { address, prefixLength: 32, label, isTagged: this.#tags });
        return;
      }
      case "remove-address":
        expect(this.#addresses.delete(`${step.address}/32`)).toBe(true);
        return;
      case "add-route":
        expect(this.#routes.has(step.address)).toBe(false);
        this.#routes.set(step.address, { address: step.address, isTagged: true });
        return;
      case "remove-route":
        expect(this.#routes.delete(step.address)).toBe(true);
        return;
      case "set-sysctl":
        expect(this.#sysctls.get(step.path)).toBe(step.from);
        this.#sysctls.set(step.path, step.to);
    }
  }

  #take(steps: readonly Step[], diesAt: number): boolean {
    for (const [index, step] of steps.entries()) {
      if (index >= diesAt) return false;
      this.perform(step);
    }
    return true;
  }
}

function byAddress(a: { readonly address: string }, b: { readonly address: string }): number {
  return a.address.localeCompare(b.address);
}

interface Initial {
  readonly addresses: readonly ActualAddress[];
  readonly routes: readonly string[];
  readonly values: readonly string[];
  readonly tags: boolean;
}

/** `vips` null is `stop`; `diesAt` null runs to the end. */
interface Command {
  readonly vips: readonly string[] | null;
  readonly diesAt: number | null;
}

const pool = ["192.0.2.10", "192.0.2.11", "198.51.100.1", "203.0.113.9"];
const vips = fc.subarray(pool, { minLength: 1 });
const initial: fc.Arbitrary<Initial> = fc.record({
  addresses: fc.uniqueArray(
    fc.record({
      address: fc.constantFrom(...pool),
      prefixLength: fc.constantFrom(24, 32),
      label: fc.constantFrom("lo", "lo:0", "lo:1"),
      isTagged: fc.constant(false),
    }),
    { selector: (one) => `${one.address}/${one.prefixLength}` },
  ),
  routes: fc.subarray(pool),
  values: fc.array(fc.constantFrom("0", "1", "2", "3", "8"), { minLength: 4, maxLength: 4 }),
  tags: fc.boolean(),
});
const command: fc.Arbitrary<Command> = fc.record({
  vips: fc.option(vips),
  diesAt: fc.option(fc.nat({ max: 12 })),
});

test("stop restores what was there at first after any starts, stops and crashes", () => {
  fc.assert(
    fc.property(initial, fc.array(command, { maxLength: 6 }), (initial, commands) => {
      const machine = new Machine(initial);
      const before = machine.state();
      for (const one of commands) machine.run(one);
      machine.run({ vips: null, diesAt: null });
      expect(machine.state()).toEqual(before);
      expect(machine.file).toBeNull();
    }),
    { numRuns: 2000 },
  );
});

test("start brings the VIPs and the settings about after any starts, stops and crashes, and again plans nothing", () => {
  fc.assert(
    fc.property(initial, fc.array(command, { maxLength: 4 }), vips, (initial, commands, wanted) => {
      const machine = new Machine(initial);
      for (const one of commands) machine.run(one);
      machine.run({ vips: wanted, diesAt: null });
      const { addresses, routes, sysctls } = machine.state();
      for (const vip of wanted) {
        expect(addresses.some((one) => one.address === vip && one.prefixLength === 32)).toBe(true);
        expect(routes.some((one) => one.address === vip)).toBe(true);
      }
      for (const { path, value } of requiredSysctls) expect(sysctls.get(path)).toBe(value);
      expect(machine.file?.vips.map((vip) => vip.address)).toEqual(wanted);
      const file = machine.file;
      expect(machine.run({ vips: wanted, diesAt: null })).toBe(0);
      expect(machine.file).toEqual(file);
    }),
    { numRuns: 2000 },
  );
});

test("taking a start back in reverse leaves what was there before it", () => {
  fc.assert(
    fc.property(initial, vips, vips, (initial, first, second) => {
      const machine = new Machine(initial);
      machine.run({ vips: first, diesAt: null });
      const before = machine.state();
      const known = [...before.addresses, ...(machine.file?.vips ?? [])];
      const { steps } = planStart(desiredTable(second, known), before, machine.file);
      for (const step of steps) machine.perform(step);
      for (const step of steps.toReversed()) machine.perform(undo(step));
      const after = machine.state();
      expect(after.sysctls).toEqual(before.sysctls);
      expect([...after.addresses].sort(byAddress)).toEqual([...before.addresses].sort(byAddress));
      expect([...after.routes].sort(byAddress)).toEqual([...before.routes].sort(byAddress));
    }),
  );
});

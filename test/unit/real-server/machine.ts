import { expect } from "bun:test";
import { readTunnel, type TunnelForm } from "../../../src/config/tunnel-words.ts";
import { planStart, planStop } from "../../../src/real-server/plan.ts";
import type {
  ActualAddress,
  ActualLink,
  ActualRoute,
  ActualState,
  SavedState,
} from "../../../src/real-server/state.ts";
import { hostLength, hostPrefix, type Step } from "../../../src/real-server/steps.ts";
import { desiredTable, requiredSysctls, type Wish } from "../../../src/real-server/table.ts";
import { sharedLink, type TunnelPort } from "../../../src/real-server/tunnels.ts";

/** What a model machine has at first. */
export interface Initial {
  readonly addresses: readonly ActualAddress[];
  readonly routes: readonly string[];
  readonly values: readonly string[];
  /** The kernel keeps tags. */
  readonly tags: boolean;
  readonly isSharedLinkUp: boolean;
  readonly ports: readonly TunnelPort[];
}

/** `vips` null is `stop`; `diesAt` null runs to the end; somebody spoils the own devices before it. */
export interface Command {
  readonly vips: readonly string[] | null;
  readonly tunnels: readonly string[];
  readonly diesAt: number | null;
  readonly spoils: boolean;
}

/** A model of the kernel and of the disk that `start` and `stop` run against, dying between any two steps. */
export class Machine {
  readonly #addresses: Map<string, ActualAddress>;
  readonly #routes: Map<string, ActualRoute>;
  readonly #sysctls: Map<string, string>;
  readonly #links: Map<string, ActualLink>;
  readonly #ports: Map<string, TunnelPort>;
  readonly #tags: boolean;
  #file: SavedState | null = null;

  constructor(initial: Initial) {
    this.#addresses = new Map(initial.addresses.map((one) => [`${one.address}/${one.prefixLength}`, one]));
    this.#routes = new Map(initial.routes.map((address) => [address, { address, isTagged: false }]));
    this.#sysctls = new Map(requiredSysctls.map(({ path }, index) => [path, initial.values[index] ?? "0"]));
    const isReady = initial.isSharedLinkUp;
    this.#links = new Map([
      [sharedLink, { name: sharedLink, kind: "sit", hasChecksum: false, isOwn: false, isReady }],
    ]);
    this.#ports = new Map(initial.ports.map((port) => [keyOf(port), port]));
    this.#tags = initial.tags;
  }

  state(): ActualState {
    return {
      bootId: "boot-1",
      addresses: [...this.#addresses.values()],
      routes: [...this.#routes.values()],
      sysctls: new Map(this.#sysctls),
      links: [...this.#links.values()],
      ports: [...this.#ports.values()],
    };
  }

  get file(): SavedState | null {
    return this.#file;
  }

  /** Plans a start with these VIPs. */
  plan(wish: Wish): ReturnType<typeof planStart> {
    const known = [...this.#addresses.values(), ...(this.#file?.vips ?? [])];
    return planStart(desiredTable(wish, known), this.state(), this.#file);
  }

  /** Runs one command, dying before the step numbered `diesAt`; gives the number of steps planned. */
  run(command: Command): number {
    if (command.spoils) this.#spoil();
    const diesAt = command.diesAt ?? Infinity;
    if (command.vips === null) {
      const { steps } = planStop(this.state(), this.#file);
      if (this.#take(steps, diesAt)) this.#file = null;
      return steps.length;
    }
    const plan = this.plan({ vips: command.vips, tunnels: forms(command.tunnels) });
    this.#file = structuredClone(plan.journal);
    if (this.#take(plan.steps, diesAt)) this.#file = structuredClone(plan.outcome);
    return plan.steps.length;
  }

  /** Takes a step, which has to fit what is there. */
  perform(step: Step): void {
    switch (step.kind) {
      case "add-address": {
        const { address, label } = step;
        const prefixLength = hostLength(address);
        expect(this.#addresses.has(hostPrefix(address))).toBe(false);
        this.#addresses.set(hostPrefix(address), { address, prefixLength, label, isTagged: this.#tags });
        return;
      }
      case "remove-address":
        expect(this.#addresses.delete(hostPrefix(step.address))).toBe(true);
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
        return;
      case "make-link":
        expect(this.#links.has(step.link.name)).toBe(false);
        this.#links.set(step.link.name, { ...step.link, isOwn: true, isReady: true });
        return;
      case "remove-link":
        expect(this.#links.get(step.link.name)?.isOwn).toBe(true);
        this.#links.delete(step.link.name);
        return;
      case "raise-link":
      case "lower-link": {
        const present = this.#links.get(step.link.name);
        expect(present?.isReady).toBe(step.kind === "lower-link");
        if (present !== undefined) this.#links.set(present.name, { ...present, isReady: !present.isReady });
        return;
      }
      case "open-port":
        expect(this.#ports.has(keyOf(step.port))).toBe(false);
        this.#ports.set(keyOf(step.port), step.port);
        return;
      case "close-port":
        expect(this.#ports.delete(keyOf(step.port))).toBe(true);
    }
  }

  #spoil(): void {
    for (const link of [...this.#links.values()].filter(({ isOwn }) => isOwn)) {
      this.#links.set(link.name, { ...link, isReady: false });
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

/** Reads the words of tunnels. */
export function forms(words: readonly string[]): readonly TunnelForm[] {
  return words.flatMap((word) => readTunnel(word) ?? []);
}

function keyOf({ family, port }: TunnelPort): string {
  return `${family} ${port}`;
}

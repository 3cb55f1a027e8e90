import { join } from "node:path";
import type { VrrpPlan } from "../../src/config/node-plan.ts";
import type { FromVrrp, ToVrrp } from "../../src/ipc/messages.ts";
import type { BfdReport, BfdStatus, InstanceStatus } from "../../src/ipc/status.ts";
import { vrrpRuntimeOptions } from "../../src/supervisor/child.ts";
import { type Host, waitFor } from "./lab.ts";

const driver = join(import.meta.dir, "vrrp-driver.ts");

/** A `vrrp` process on a host of a lab, with the test as its supervisor; the runtime's options are the supervisor's. */
export class VrrpRole {
  readonly #subprocess: Bun.Subprocess<"ignore", "inherit", "pipe">;
  readonly #messages: FromVrrp[] = [];
  #log = "";

  private constructor(host: Host, env: Readonly<Record<string, string>>) {
    this.#subprocess = Bun.spawn(["ip", "netns", "exec", host.netns, process.execPath, driver], {
      stdin: "ignore",
      stdout: "inherit",
      stderr: "pipe",
      serialization: "json",
      env: { ...process.env, ...vrrpRuntimeOptions, ...env },
      ipc: (message: FromVrrp) => void this.#messages.push(message),
    });
    void this.#collect();
  }

  /** Starts the process and gives it its plan; throws if the plan is refused. */
  static async start(
    host: Host,
    plan: VrrpPlan,
    adopt: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<VrrpRole> {
    const role = new VrrpRole(host, env);
    await waitFor("the vrrp process says hello", () => role.#has("hello"));
    const refusal = await role.configure(plan, adopt);
    if (refusal !== null) throw new Error(`refused: ${refusal}`);
    return role;
  }

  /** Gives it another plan; the result is the reason of a refusal, or null. */
  async configure(plan: VrrpPlan, adopt: readonly string[] = []): Promise<string | null> {
    const before = this.#messages.length;
    this.send({
      kind: "configure",
      plan,
      adopt,
      handedOver: [],
      proxiesAreAlive: true,
      uptimeMs: 0,
      verdicts: [],
      users: [],
    });
    const answer = (): FromVrrp | undefined =>
      this.#messages.slice(before).find(({ kind }) => kind === "configured" || kind === "refused");
    await waitFor("the vrrp process answers a plan", () => answer() !== undefined);
    const found = answer();
    return found?.kind === "refused" ? found.reason : null;
  }

  /** Sends any message. */
  send(message: ToVrrp): void {
    this.#subprocess.send(message);
  }

  /** Gives the last status of an instance. */
  status(name = "public-1"): InstanceStatus | undefined {
    const last = this.#messages.findLast((message) => message.kind === "status");
    return last?.instances.find((instance) => instance.name === name);
  }

  /** Gives the last status of a BFD session. */
  session(name = "peer"): BfdStatus | undefined {
    return this.#report()?.sessions.find((session) => session.name === name);
  }

  /** Waits until a BFD session is in a state. */
  async sessionReaches(state: BfdStatus["state"], name = "peer"): Promise<void> {
    await waitFor(`bfd ${name} is ${state}`, () => this.session(name)?.state === state);
  }

  /** Gives what arrived at BFD's port and belongs to no session, by cause. */
  strays(): Readonly<Record<string, number>> {
    return this.#report()?.strays ?? {};
  }

  /** Gives the states an instance was reported in, without repetitions. */
  history(name = "public-1"): readonly string[] {
    const states = this.#messages.flatMap((message) => {
      if (message.kind !== "status") return [];
      return message.instances.filter((instance) => instance.name === name).map(({ state }) => state);
    });
    return states.filter((state, index) => state !== states[index - 1]);
  }

  /** Waits until an instance is in a state. */
  async reaches(state: InstanceStatus["state"], name = "public-1"): Promise<void> {
    await waitFor(`${name} is ${state}`, () => this.status(name)?.state === state);
  }

  /** The process's id. */
  get pid(): number {
    return this.#subprocess.pid;
  }

  /** Gives what it logged so far. */
  log(): string {
    return this.#log;
  }

  /** Tells it to stop and waits for its end; gives its exit status. */
  async stop(): Promise<number> {
    this.send({ kind: "stop" });
    const exitCode = await this.#subprocess.exited;
    await waitFor("it has said that it stopped", () => this.#has("stopped"));
    return exitCode;
  }

  /** Sends a signal that does not end it. */
  signal(signal: NodeJS.Signals): void {
    this.#subprocess.kill(signal);
  }

  /** Sends a signal and waits for its end; gives its exit status. */
  async kill(signal: NodeJS.Signals): Promise<number> {
    this.#subprocess.kill(signal);
    return this.#subprocess.exited;
  }

  /** Goes away as a supervisor would that was killed. */
  async abandon(): Promise<number> {
    this.#subprocess.disconnect();
    return this.#subprocess.exited;
  }

  #report(): BfdReport | undefined {
    return this.#messages.findLast((message) => message.kind === "status")?.bfd;
  }

  #has(kind: FromVrrp["kind"]): boolean {
    return this.#messages.some((message) => message.kind === kind);
  }

  async #collect(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#subprocess.stderr) this.#log += decoder.decode(chunk, { stream: true });
  }
}

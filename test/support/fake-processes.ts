import type { ProcessEvent } from "../../src/kernel/proc-connector.ts";
import type { HostProcesses } from "../../src/vrrp/host.ts";

/** The processes of a fake machine. */
export class FakeProcesses {
  /** Whether the kernel tells of starts, as it does in the first namespaces. */
  tellsStarts = true;
  readonly #running = new Map<number, readonly string[]>();
  readonly #ends = new Map<number, Set<() => void>>();
  readonly #subscribers = new Set<(event: ProcessEvent) => void>();

  /** Starts a process by its command line, or has one run another program. */
  run(pid: number, ...words: readonly string[]): void {
    this.#running.set(pid, words);
    this.#tell({ kind: "exec", pid });
  }

  /** Starts a process as a copy of another. */
  fork(parent: number, pid: number): void {
    this.#running.set(pid, this.#running.get(parent) ?? []);
    this.#tell({ kind: "fork", parent, pid });
  }

  /** Ends a process. */
  end(pid: number): void {
    this.#running.delete(pid);
    for (const react of this.#ends.get(pid) ?? []) react();
    this.#ends.delete(pid);
  }

  /** Gives the face that the elections see. */
  host(whenRunning: (action: () => void) => void): HostProcesses {
    return {
      list: () => [...this.#running.keys()],
      describe: (pid) => {
        const words = this.#running.get(pid);
        return words === undefined
          ? null
          : { name: (words[0] ?? "").split("/").at(-1)?.slice(0, 15) ?? "", words };
      },
      watchEnd: (pid, react) => {
        if (!this.#running.has(pid)) return null;
        const reacts = this.#ends.get(pid) ?? new Set();
        const later = (): void => whenRunning(react);
        this.#ends.set(pid, reacts.add(later));
        return () => reacts.delete(later);
      },
      subscribe: (react) => {
        if (!this.tellsStarts) return null;
        const later = (event: ProcessEvent): void => whenRunning(() => react(event));
        this.#subscribers.add(later);
        return () => this.#subscribers.delete(later);
      },
    };
  }

  #tell(event: ProcessEvent): void {
    for (const react of this.#subscribers) react(event);
  }
}

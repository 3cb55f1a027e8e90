import type { Log } from "../base/log.ts";
import { errorText } from "../base/system-error.ts";
import type { Link } from "../kernel/rtnetlink.ts";
import type { Host } from "./host.ts";

/**
 * Keeps the kernel from removing all IPv4 addresses of a network together with the first of them: it does so unless
 * promote_secondaries is set on the interface, whether the first is a virtual address that moves on or the host's own
 * that somebody changes. The setting is made while virtual addresses are there, and put back after the last of them.
 */
export class Secondaries {
  readonly #settings: Host["settings"];
  readonly #log: Log;
  /** Interfaces seen to, by their index, and whether the setting is ours to put back: it goes with a name that changes. */
  readonly #seen = new Map<number, boolean>();

  constructor(needs: { readonly host: Pick<Host, "settings">; readonly log: Log }) {
    this.#settings = needs.host.settings;
    this.#log = needs.log;
  }

  /** Sees to an interface. */
  protect({ index, name: link }: Pick<Link, "index" | "name">): void {
    if (this.#seen.has(index)) return;
    this.#seen.set(index, false);
    try {
      // The kernel takes either.
      if ([link, "all"].some((name) => this.#settings.read(pathOf(name)) === "1")) return;
      this.#settings.write(pathOf(link), "1");
      this.#seen.set(index, true);
      this.#log.info(`promote_secondaries is set on ${link} while virtual addresses are there`);
    } catch (error) {
      const what = `promote_secondaries cannot be set on ${link}: removing one address may take others with it`;
      this.#log.warning(`${what}: ${errorText(error)}`);
    }
  }

  /** Leaves an interface as it was found; `name` is null once it is gone. */
  release(index: number, name: string | null): void {
    const isOurs = this.#seen.get(index) ?? false;
    this.#seen.delete(index);
    if (!isOurs || name === null) return;
    try {
      this.#settings.write(pathOf(name), "0");
    } catch {
      // The interface is gone, and its settings with it.
    }
  }
}

function pathOf(link: string): string {
  return `net/ipv4/conf/${link}/promote_secondaries`;
}

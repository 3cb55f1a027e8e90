import { later, type Instant } from "../base/instant.ts";

/**
 * Which routers were heard last on which path. PURE: times come in as values.
 *
 * A router that is heard on one path and not on another shows a network cut in half, which nobody would notice until
 * the other path is cut too. Only an active router speaks, so silence counts from the moment it began to: one that
 * has just taken over is not silent because its first words arrive one after the other.
 */

/** A path that has fallen silent, or that is alive again, while others carry the same router's advertisements. */
export interface PathNews {
  readonly kind: "silent" | "back";
  readonly path: string;
  readonly router: string;
  /** Paths on which it is heard. */
  readonly others: readonly string[];
}

/** When a router was heard on a path. */
export interface HeardOnPath {
  readonly router: string;
  /** Its address on the path; null if it was never heard there, though on another path. */
  readonly address: string | null;
  readonly wallTime: Date | null;
  /** Whether it is heard on another path and not on this one. */
  readonly isSilent: boolean;
}

interface LastWord extends HeardOnPath {
  readonly at: Instant;
}

/** Advertisements on any path without a longer pause between them. */
interface Run {
  readonly since: Instant;
  readonly at: Instant;
}

/** An accepted advertisement. */
export interface PathHearing {
  readonly path: string;
  readonly router: string;
  readonly address: string;
  readonly at: Instant;
  readonly wallTime: Date;
  /** How long silence is none yet. */
  readonly patienceMs: number;
}

/** The paths of one virtual router. */
export class PathWatch {
  readonly #heard = new Map<string, Map<string, LastWord>>();
  readonly #runs = new Map<string, Run>();

  /** Takes note of an advertisement; `paths` are all that could carry one. */
  hear(hearing: PathHearing, paths: readonly string[]): readonly PathNews[] {
    const { path, router, address, at, wallTime, patienceMs } = hearing;
    const run = this.#runs.get(router);
    if (run === undefined && this.#runs.size >= mostRouters) return [];
    const since = run !== undefined && at <= later(run.at, patienceMs) ? run.since : at;
    this.#runs.set(router, { since, at });
    const before = this.#on(path).get(router);
    this.#on(path).set(router, { router, address, at, wallTime, isSilent: false });
    const news: PathNews[] = [];
    const alive = paths.filter((each) => this.#isAlive(each, hearing));
    if (before?.isSilent === true) {
      news.push({ kind: "back", path, router, others: alive.filter((each) => each !== path) });
    }
    for (const other of paths.filter((each) => !alive.includes(each))) {
      const last = this.#on(other).get(router);
      if (last?.isSilent === true || at <= Math.max(last?.at ?? since, since) + patienceMs) continue;
      const lastWord = last ?? { router, address: null, at: since, wallTime: null };
      this.#on(other).set(router, { ...lastWord, isSilent: true });
      news.push({ kind: "silent", path: other, router, others: alive });
    }
    return news;
  }

  /** Gives who was heard on a path, in the order in which they were heard first. */
  heardOn(path: string): readonly HeardOnPath[] {
    return [...this.#on(path).values()];
  }

  /** Gives the paths on which a router is not heard, though on another. */
  silentPaths(router: string): readonly string[] {
    return [...this.#heard].flatMap(([path, routers]) =>
      routers.get(router)?.isSilent === true ? [path] : [],
    );
  }

  #isAlive(path: string, { router, at, patienceMs }: PathHearing): boolean {
    const last = this.#on(path).get(router);
    return last !== undefined && !last.isSilent && at <= later(last.at, patienceMs);
  }

  #on(path: string): Map<string, LastWord> {
    const found = this.#heard.get(path) ?? new Map<string, LastWord>();
    this.#heard.set(path, found);
    return found;
  }
}

/** Made-up sources must not fill the memory: no virtual router has more routers than this. */
const mostRouters = 64;

import { familyOf } from "../../base/address.ts";
import { later, type Instant } from "../../base/instant.ts";
import { errorText } from "../../base/system-error.ts";
import type { GatewayTrackPlan } from "../../config/track-plan.ts";
import type { Reachability } from "../../kernel/reachability.ts";
import { formatMs } from "../timers.ts";
import type { Burden, Sight } from "../tracking.ts";
import { type GatewayPlace, gatewayPlace } from "./gateway-place.ts";
import { TalliedVerdict } from "./tallied-verdict.ts";
import type { Track, TrackNeeds } from "./track.ts";

/** An address that is asked at every interval whether it is there. */
export class GatewayTrack implements Track {
  readonly plan: GatewayTrackPlan;
  readonly verdict: TalliedVerdict;
  readonly #needs: TrackNeeds;
  #asked: { readonly place: string; readonly reachability: Reachability } | null = null;
  #lastAnswer: Instant | null = null;
  #firstQuestion: Instant | null = null;
  /** Whether the question under way has been answered. */
  #isAnswered = true;
  #cancels: (() => void)[] = [];

  constructor(
    plan: GatewayTrackPlan,
    needs: TrackNeeds,
    from: { readonly before: TalliedVerdict | null; readonly isAdopted: boolean },
  ) {
    this.plan = plan;
    this.#needs = needs;
    this.verdict = new TalliedVerdict(plan, needs, from);
  }

  /** Asks now and then at every interval. */
  start(): void {
    const { clock } = this.#needs.host;
    const { intervalMs, timeoutMs } = this.plan;
    const now = clock.now();
    this.#firstQuestion ??= now;
    this.#isAnswered = false;
    const problem = this.#ask();
    if (problem !== null) this.#conclude({ isUp: false, text: problem });
    this.#cancels = [
      clock.schedule(later(now, timeoutMs), () => {
        this.#conclude({ isUp: false, text: this.#silence() });
        // Due at the same moment if the timeout is the whole interval: this one must come first.
        this.#cancels.push(clock.schedule(later(now, intervalMs), () => this.start()));
      }),
    ];
  }

  /** Nothing to look at: answers come by themselves, and the place is looked up for each question. */
  look(): void {}

  stop(): void {
    for (const cancel of this.#cancels) cancel();
    this.#close();
  }

  burden(): Burden | null {
    return this.verdict.burden();
  }

  /** Asks; gives what keeps it from asking, or null. */
  #ask(): string | null {
    const { plan } = this;
    const { interfaces, isVirtual } = this.#needs;
    const place = gatewayPlace(plan, interfaces, isVirtual);
    if (typeof place === "string") {
      this.#close();
      return place;
    }
    try {
      this.#open(place).ask();
      return null;
    } catch (error) {
      this.#close();
      return `${plan.address} cannot be asked: ${errorText(error)}`;
    }
  }

  /** A link that was made again has another index, and an own address may have come or gone. */
  #open(place: GatewayPlace): Reachability {
    const key = JSON.stringify(place);
    if (this.#asked?.place === key) return this.#asked.reachability;
    this.#close();
    const answered = (): void => this.#answered();
    const reachability = this.#needs.host.openReachability(place, this.plan.address, answered);
    this.#asked = { place: key, reachability };
    return reachability;
  }

  #close(): void {
    this.#asked?.reachability.close();
    this.#asked = null;
  }

  #answered(): void {
    this.#lastAnswer = this.#needs.host.clock.now();
    this.#conclude({ isUp: true, text: `${this.plan.address} answers` });
  }

  #conclude(sight: Sight): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.verdict.add(sight);
  }

  #silence(): string {
    const now = this.#needs.host.clock.now();
    const silentMs = now - (this.#lastAnswer ?? this.#firstQuestion ?? now);
    const how =
      this.plan.method === "ping" ? "a ping" : familyOf(this.plan.address) === 4 ? "ARP" : "as a neighbour";
    return `${this.plan.address} has not answered ${how} for ${formatMs(Math.round(silentMs / 100) * 100)}`;
  }
}

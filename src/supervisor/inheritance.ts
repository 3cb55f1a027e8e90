import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { Predecessor } from "./predecessor.ts";
import { PredecessorSlots } from "./predecessor-slots.ts";
import { Seats } from "./seats.ts";
import { SlotOffice } from "./slot-office.ts";
import type { Succession } from "./succession.ts";

/**
 * What this program goes on with of the one before it, if there was one: its processes until they are gone, the memory that they
 * count in, and the slots that they still have.
 */
export class Inheritance {
  /** Where proxy processes count what is limited for all of them together. */
  readonly seats: Seats;
  /** Lends proxy processes slots of what is limited, but for those that the ones before still have. */
  readonly slots: SlotOffice;
  readonly #before: PredecessorSlots;
  readonly #predecessor: Predecessor | null;

  constructor(succession: Succession | null, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.seats = Seats.goOnWith(succession, log);
    this.#before = new PredecessorSlots(this.seats, clock, succession);
    this.slots = new SlotOffice(this.#before, succession?.slots);
    const onGone = (pid: number): void => {
      this.seats.clear(pid);
      this.#before.gone(pid);
    };
    this.#predecessor = succession === null ? null : new Predecessor(succession, { clock, log, onGone });
    this.#before.watch(() => this.slots.look());
  }

  /** Processes of the program before that are not gone. */
  get left(): readonly number[] {
    return this.#predecessor?.left ?? [];
  }

  /** Ends its elections without a word, so that others take them over in place. */
  async endElections(): Promise<void> {
    await this.#predecessor?.endElections();
  }

  /** Has its proxies take no more clients and finish what is open. */
  release(): void {
    this.#predecessor?.release();
    this.#before.released();
  }

  /** Has its proxies write to new log files. */
  reopenLogs(): void {
    this.#predecessor?.reopenLogs();
  }

  /** Ends all that is left of it. */
  async stop(): Promise<void> {
    await this.#predecessor?.stop();
    this.#before.close();
  }
}

import type { PaceLimitPlan } from "../config/http-plan.ts";

/** A look is charged with no more: what is longer, this process was held up for. */
const mostPerLookMs = 3_000;

/** What a client has to get within the time that it may move nothing: as much as the kernel asks for at once with the least memory. */
export const readingStep: number = 16 * 1024;

/**
 * PURE: how fast a client takes, or sends, what it alone is waited for. It begins when the client is first found to be waited
 * for and ends when it is not any more, so that a slow server and a pause between two requests cost a client nothing.
 */
export class Pace {
  private lookedAt: number;
  /** What the client had moved at the last look. */
  bytes: number;
  private readonly step: number;
  private stalledMs = 0;
  private movedInStep = 0;
  /** Of the window that is being looked at. */
  private chargedMs = 0;
  private moved = 0;
  private required = 0;

  /** Less than `step` bytes are nothing, for whoever is not to go on for ever by one byte in time. */
  constructor(now: number, bytes: number, step = 1) {
    this.lookedAt = now;
    this.bytes = bytes;
    this.step = step;
  }

  /**
   * Tells whether the client is too slow: it moved nothing for too long, or less than it should in one window. `bytes` is what it
   * has moved so far; `sharers` are as many that share what it can do, itself among them.
   */
  isTooSlow(now: number, bytes: number, plan: PaceLimitPlan, sharers = 1): boolean {
    const elapsedMs = Math.min(now - this.lookedAt, mostPerLookMs);
    const moved = bytes - this.bytes;
    this.lookedAt = now;
    this.bytes = bytes;
    this.movedInStep += moved;
    const isMoving = this.movedInStep >= this.step;
    if (isMoving) this.movedInStep = 0;
    this.stalledMs = isMoving ? 0 : this.stalledMs + elapsedMs;
    if (this.stalledMs >= plan.stallMs) return true;
    if (plan.bytesPerS === 0) return false;
    this.chargedMs += elapsedMs;
    this.moved += moved;
    this.required += (plan.bytesPerS * elapsedMs) / 1000 / sharers;
    if (this.chargedMs < plan.windowMs) return false;
    const isTooSlow = this.moved < this.required;
    this.chargedMs = 0;
    this.moved = 0;
    this.required = 0;
    return isTooSlow;
  }
}

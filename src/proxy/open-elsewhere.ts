/**
 * How much a server has open in all processes together, as far as one of them can know. The others tell what they have each tenth of
 * a second; until they tell again it is taken that they have done what this one has. Without that each would fill what
 * looks like the emptiest server by itself, and all of them together would fill it as many times over: with four processes
 * every difference would come back three times as large. PURE.
 */
export class OpenElsewhere {
  private processes = 1;
  private elsewhere = 0;
  /** What this process had then. */
  private own = 0;

  /** Takes what the others have told, of so many processes together; one alone has nobody to ask. */
  take(elsewhere: number, own: number, processes: number): void {
    this.elsewhere = elsewhere;
    this.own = own;
    this.processes = Math.max(1, processes);
  }

  /** Gives how much all of them have open while this one has `own`. */
  with(own: number): number {
    if (this.processes === 1) return own;
    return Math.max(own, this.elsewhere + this.own + this.processes * (own - this.own));
  }
}

/** Gathers what one turn has to tell, and tells it in one message. */
export class Gathered<T> {
  private readonly tell: (all: readonly T[]) => void;
  private all: T[] = [];

  constructor(tell: (all: readonly T[]) => void) {
    this.tell = tell;
  }

  add(one: T): void {
    this.all.push(one);
    if (this.all.length > 1) return;
    setImmediate(() => {
      const { all } = this;
      this.all = [];
      this.tell(all);
    });
  }
}

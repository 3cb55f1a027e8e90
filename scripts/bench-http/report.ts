import type { Figure } from "./load.ts";
import type { Row } from "./rows.ts";

/** What was found at one row, of nginx first and of edge-ha next. */
export interface Measured {
  readonly row: Row;
  readonly contenders: readonly { readonly name: string; readonly figures: readonly Figure[] }[];
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.trunc(values.length / 2)] ?? Number.NaN;
}

function cost(figures: readonly Figure[]): number {
  return median(figures.map(({ microseconds }) => microseconds));
}

function p99(figures: readonly Figure[]): number {
  return median(figures.map(({ p99Ms }) => p99Ms));
}

/** Prints everything that was found at a row. */
export function printRow({ contenders, row }: Measured): void {
  console.log(`\n${row.name}: ${row.title}`);
  const base = cost(contenders[0]?.figures ?? []);
  for (const { figures, name } of contenders) {
    const own = cost(figures);
    if (row.load === null) {
      console.log(`  ${name.padEnd(12)} ${own.toFixed(1).padStart(7)} KiB each`);
      continue;
    }
    const rate = median(figures.map(({ perSecond }) => perSecond));
    const bytes = median(figures.map(({ bytesEach }) => bytesEach));
    const each = row.load.accepts === undefined ? "" : `  ${bytes.toFixed(0)} B each`;
    const all = figures.map(({ microseconds }) => microseconds.toFixed(1)).join(" ");
    console.log(
      `  ${name.padEnd(12)} ${own.toFixed(1).padStart(7)} µs/request  ratio ${(own / base).toFixed(2)}  ` +
        `p99 ${p99(figures).toFixed(2).padStart(6)} ms  ${rate.toFixed(0).padStart(6)}/s${each}  (${all})`,
    );
  }
}

/** Prints the table of all rows with their bars; true if all are met. */
export function printTable(all: readonly Measured[], rounds: number, seconds: number): boolean {
  const lines = all.map((measured) => lineOf(measured));
  console.log(`\nmedians of ${rounds} rounds of ${seconds} s\n`);
  console.log("| work | edge-ha | nginx | ratio | HAProxy | p99 of edge-ha and nginx | bar | |");
  console.log("|---|---|---|---|---|---|---|---|");
  for (const { text } of lines) console.log(text);
  return lines.every(({ isMet }) => isMet);
}

function lineOf({ contenders, row }: Measured): { readonly text: string; readonly isMet: boolean } {
  const of = (name: string): readonly Figure[] =>
    contenders.find((contender) => contender.name === name)?.figures ?? [];
  const [ours, peer, haproxy] = [of("edge-ha"), of("nginx"), of("HAProxy")];
  const ratio = cost(ours) / cost(peer);
  const ratioP99 = p99(ours) / p99(peer);
  const isCostMet = (row.load === null ? cost(ours) : ratio) <= row.bar;
  const isP99Met = row.barP99 === null || ratioP99 <= row.barP99;
  const isMet = isCostMet && isP99Met;
  const unit = row.load === null ? "KiB" : "µs";
  const shown = (figures: readonly Figure[]): string =>
    figures.length === 0 ? "" : `${cost(figures).toFixed(1)} ${unit}`;
  const late = row.load === null ? "" : `${p99(ours).toFixed(1)} ms, ${p99(peer).toFixed(1)} ms`;
  const bars = row.load === null ? `${row.bar} KiB` : row.bar.toFixed(1);
  const bar = row.barP99 === null ? bars : `${bars}, p99 ${row.barP99.toFixed(1)}`;
  const verdict = isMet ? "met" : isCostMet ? "p99 not met" : "not met";
  const cells = [row.title, shown(ours), shown(peer), ratio.toFixed(2), shown(haproxy), late, bar, verdict];
  return { text: `| ${cells.join(" | ")} |`, isMet };
}

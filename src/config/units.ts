const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const sizeUnits: Readonly<Record<string, number>> = {
  b: 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
};

/** Reads a duration such as `100ms`, `1.5s`, `5m`, `1h` or `2d` as milliseconds; null if it is none. */
export function parseDuration(text: string): number | null {
  const ms = parseQuantity(text, /^(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h|d)$/, durationUnits);
  // 0.03 × 1000 and its like leave a trace of binary fractions behind.
  return ms === null ? null : Math.round(ms * 1000) / 1000;
}

/** Reads a size such as `64k`, `10m` or `1g` (powers of 1,024; `b` for bytes) as bytes; null if it is none. */
export function parseSize(text: string): number | null {
  const bytes = parseQuantity(text.toLowerCase(), /^(\d{1,12}(?:\.\d{1,6})?)([bkmgt])$/, sizeUnits);
  return bytes === null ? null : Math.round(bytes);
}

/** Writes milliseconds in the largest unit that needs no fraction. */
export function formatDuration(ms: number): string {
  for (const unit of ["h", "m", "s"]) {
    const factor = durationUnits[unit] ?? 1;
    if (ms !== 0 && ms % factor === 0) return `${ms / factor}${unit}`;
  }
  return `${ms}ms`;
}

/** Writes bytes in the largest unit that needs no fraction. */
export function formatSize(bytes: number): string {
  for (const unit of ["t", "g", "m", "k"]) {
    const factor = sizeUnits[unit] ?? 1;
    if (bytes !== 0 && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return `${bytes}b`;
}

function parseQuantity(
  text: string,
  pattern: RegExp,
  units: Readonly<Record<string, number>>,
): number | null {
  const match = pattern.exec(text);
  const factor = units[match?.[2] ?? ""];
  return match === null || factor === undefined ? null : Number(match[1]) * factor;
}

/** No more words are looked through: a suggestion is a courtesy and must not cost seconds. */
const mostCandidates = 1000;

/** Finds the word an operator probably meant: the nearest by edits, if it is near enough to be a slip and no other is as near; else null. */
export function closest(word: string, candidates: readonly string[]): string | null {
  const limit = Math.max(1, Math.floor(word.length / 3));
  let best: string | null = null;
  let bestDistance = limit + 1;
  for (const candidate of candidates.slice(0, mostCandidates)) {
    if (Math.abs(candidate.length - word.length) > bestDistance) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) best = candidate;
    else if (distance === bestDistance && candidate !== best) best = null;
    bestDistance = Math.min(bestDistance, distance);
  }
  return best;
}

/** Writes words in double quotes with commas between them, at most eight. */
export function quoted(words: readonly string[]): string {
  const shown = words.slice(0, 8).map((word) => `"${word}"`);
  return words.length > shown.length ? `${shown.join(", ")}, …` : shown.join(", ");
}

/** Counts the insertions, deletions, replacements and swaps of neighbours between two words (restricted Damerau-Levenshtein). */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let distance = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(distance);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

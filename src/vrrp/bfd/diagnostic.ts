/** RFC 5880 §4.1, `Diagnostic (Diag)`, in words: PURE. */

/** The codes that this implementation sends. */
export const diagnostics = {
  none: 0,
  detectionTimeExpired: 1,
  neighborSignaledDown: 3,
  pathDown: 5,
  administrativelyDown: 7,
} as const;

const words: readonly string[] = [
  "no diagnostic",
  "control detection time expired",
  "echo function failed",
  "neighbor signaled session down",
  "forwarding plane reset",
  "path down",
  "concatenated path down",
  "administratively down",
  "reverse concatenated path down",
];

/** Says in words why a session was last taken down. */
export function diagnosticText(code: number): string {
  return words[code] ?? `diagnostic ${code}`;
}

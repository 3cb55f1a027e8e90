/** Where in the operator's file something is: both count from 1, the column in characters. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Something the operator should know about the configuration: an error stops the start, a warning does not. */
export interface Diagnostic extends Place {
  readonly severity: "error" | "warning";
  /** The key as a path, such as `service "web".check.interval`. */
  readonly key: string;
  /** What is wrong. */
  readonly what: string;
  /** What to write instead. */
  readonly remedy: string;
}

/** Writes a diagnostic as one line, `file:line:column key: what; what to write`; a warning says so after the key. */
export function formatDiagnostic(file: string, diagnostic: Diagnostic): string {
  const { severity, line, column, key, what, remedy } = diagnostic;
  const start = `${file}:${line}:${column} ${key}:`;
  return severity === "warning" ? `${start} warning: ${what}; ${remedy}` : `${start} ${what}; ${remedy}`;
}

/** Orders diagnostics by their place, errors before warnings on the same one. */
export function compareDiagnostics(a: Diagnostic, b: Diagnostic): number {
  return (
    a.line - b.line ||
    a.column - b.column ||
    a.severity.localeCompare(b.severity) ||
    a.key.localeCompare(b.key)
  );
}

/** Tells whether any of the diagnostics stops the start. */
export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === "error");
}

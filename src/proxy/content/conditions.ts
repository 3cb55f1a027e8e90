/** What a request says of the version that its client has. */
export interface Conditions {
  /** Value of If-None-Match. */
  readonly noneMatch: string | null;
  /** Value of If-Modified-Since. */
  readonly modifiedSince: string | null;
}

/** What tells one version from another. */
export interface Validators {
  /** As in the field ETag; null if there is none. */
  readonly etag: string | null;
  /** In milliseconds of Unix time; null if it is not known. */
  readonly lastModifiedMs: number | null;
}

/** Tells whether the client has what it would get: 304 then (RFC 9110 §13.2.2). */
export function isUnchanged({ modifiedSince, noneMatch }: Conditions, validators: Validators): boolean {
  // RFC 9110 §13.1.3: If-Modified-Since says nothing beside If-None-Match.
  if (noneMatch !== null) return matchesNone(noneMatch, validators.etag);
  if (modifiedSince === null || validators.lastModifiedMs === null) return false;
  const since = httpDate(modifiedSince);
  return since !== null && Math.trunc(validators.lastModifiedMs / 1000) * 1000 <= since;
}

/** RFC 9110 §13.1.2: by the weak comparison; `*` is any version there is. */
function matchesNone(list: string, etag: string | null): boolean {
  if (list.trim() === "*") return true;
  if (etag === null) return false;
  const tags: readonly string[] = list.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => opaque(tag) === opaque(etag));
}

function opaque(etag: string): string {
  return etag.startsWith("W/") ? etag.slice(2) : etag;
}

const forms = [
  /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/,
  /^[A-Z][a-z]+, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/,
  /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/,
];

/** Reads an HTTP date in any of its three forms as milliseconds of Unix time; null if it is none (RFC 9110 §5.6.7). */
export function httpDate(text: string): number | null {
  if (!forms.some((form) => form.test(text))) return null;
  const ms = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(ms) ? null : ms;
}

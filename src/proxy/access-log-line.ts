/** What a log line says of how it went. */
export interface RequestOutcome {
  readonly remoteAddress: string;
  /** As `$time_local` writes it. */
  readonly timeLocal: string;
  readonly status: number;
  /** Bytes sent behind the head. */
  readonly bodyBytes: number;
}

const unsafe = /["\\]|[^ -~]/;
const everyUnsafe = /["\\]|[^ -~]/g;

/** Escapes as nginx does by default: `"`, `\` and everything that is not visible ASCII or a space as `\xHH`. */
export function escapeLogged(latin1: string): string {
  if (!unsafe.test(latin1)) return latin1;
  return latin1.replace(
    everyUnsafe,
    (c) => `\\x${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** Writes a time as `$time_local`: `10/Oct/2000:13:55:36 -0700`. `offsetMinutes` is the zone's, east positive. */
export function timeLocal(epochMs: number, offsetMinutes: number): string {
  const date = new Date(epochMs + offsetMinutes * 60_000);
  const zone = Math.abs(offsetMinutes);
  const sign = offsetMinutes < 0 ? "-" : "+";
  return (
    `${two(date.getUTCDate())}/${months[date.getUTCMonth()]}/${date.getUTCFullYear()}:` +
    `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} ` +
    `${sign}${two(Math.trunc(zone / 60))}${two(zone % 60)}`
  );
}

let lastSecond = 0;
let lastText = "";

/** Writes a time as `$time_iso8601`, in the zone of this host: `2000-10-10T13:55:36-07:00`. */
export function timeIso8601(epochMs: number): string {
  const second = Math.floor(epochMs / 1000);
  if (second === lastSecond) return lastText;
  const offset = -new Date(epochMs).getTimezoneOffset();
  const local = new Date(second * 1000 + offset * 60_000).toISOString().slice(0, 19);
  const zone = Math.abs(offset);
  lastSecond = second;
  lastText = `${local}${offset < 0 ? "-" : "+"}${two(Math.trunc(zone / 60))}:${two(zone % 60)}`;
  return lastText;
}

/** Gives the name in a Basic authorization (RFC 7617), or an empty text. */
export function basicUser(authorization: string): string {
  const encoded = /^basic +([A-Za-z0-9+/=]+)$/i.exec(authorization)?.[1];
  if (encoded === undefined) return "";
  try {
    const decoded = atob(encoded);
    const colon = decoded.indexOf(":");
    return colon < 0 ? "" : decoded.slice(0, colon);
  } catch {
    return "";
  }
}

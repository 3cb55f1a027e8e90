/** Gives the value of a cookie in a Cookie field (RFC 6265 §4.2.1); null if it is not there. The first of several counts. */
export function cookieValue(field: string, name: string): string | null {
  for (let start = 0; start < field.length;) {
    const found = field.indexOf(";", start);
    const end = found < 0 ? field.length : found;
    const pair = field.substring(start, end).trim();
    if (pair.startsWith(name) && pair.charCodeAt(name.length) === 0x3d)
      return pair.substring(name.length + 1);
    start = end + 1;
  }
  return null;
}

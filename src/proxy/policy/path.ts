/**
 * Gives the path of a target without its query in the one form that all ways of writing it have (RFC 3986 §6.2.2): what needs
 * no encoding is not encoded, `//` is one slash, dot segments are resolved. Null if it climbs above the root.
 */
export function plainPath(target: string): string | null {
  const query = target.indexOf("?");
  const path = query < 0 ? target : target.slice(0, query);
  if (!/%|\/\/|\/\./.test(path)) return path;
  const encoded = path.replace(/%([0-9A-Fa-f]{2})/g, (whole, digits: string) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16));
    return /[A-Za-z0-9\-._~]/.test(character) ? character : whole.toUpperCase();
  });
  const segments: string[] = [];
  const parts = encoded.split("/").slice(1);
  for (const part of parts) {
    if (part === "" || part === ".") continue;
    if (part !== "..") segments.push(part);
    else if (segments.pop() === undefined) return null;
  }
  const isFolder = ["", ".", ".."].includes(parts.at(-1) ?? "");
  return segments.length === 0 ? "/" : `/${segments.join("/")}${isFolder ? "/" : ""}`;
}

/** Gives what of a plain path stands behind so many characters of the decoded path that routes are matched against. */
export function behindDecoded(plain: string, count: number): string {
  let at = 0;
  for (let left = count; left > 0; left--) {
    // The decoded path keeps these as they are.
    const isEncoded = plain[at] === "%" && !/^%(?:2F|00)/.test(plain.slice(at, at + 3));
    at += isEncoded ? 3 : 1;
  }
  return plain.slice(at);
}

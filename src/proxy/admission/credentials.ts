/** What a client shows of itself by the Basic scheme (RFC 7617). PURE. */

/** A name and a password, one character an octet. */
export interface BasicCredentials {
  readonly user: string;
  readonly password: string;
}

/** Reads the value of an Authorization field; null if it is not of this scheme or broken. */
export function readBasicCredentials(value: string | null): BasicCredentials | null {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(value ?? "")?.[1];
  if (encoded === undefined) return null;
  const text = Buffer.from(encoded, "base64").toString("latin1");
  const colon = text.indexOf(":");
  // RFC 7617 §2: no control characters.
  // eslint-disable-next-line no-control-regex
  if (colon < 0 || /[\u0000-\u001f\u007f]/.test(text)) return null;
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

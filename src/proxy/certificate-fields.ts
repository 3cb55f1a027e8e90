/** Gives what the field lines on a client's certificate say of it, such as `Verify`; empty if they do not. */
export function certificateField(lines: string, what: "Fingerprint" | "S-DN" | "Serial" | "Verify"): string {
  const name = `X-SSL-Client-${what}: `;
  const line = lines.split("\r\n").find((one) => one.startsWith(name));
  return line?.slice(name.length) ?? "";
}

import { z } from "zod";
import { complaint } from "./fields.ts";

const example = 'ports = [80, 443], or ports = ["8000-8010"]';

/** How many ports a service may cover: with a mark each is an element of a set in the kernel. */
const mostPorts = 16_384;

/** A list of ports and of ranges of them, read as ports in ascending order. */
export const portsSchema: z.ZodType<readonly number[]> = z
  .unknown()
  .transform((value, context): readonly number[] => {
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    const ranges = list.map(portRange);
    const whole = ranges.filter((range) => range !== null);
    if (whole.length !== ranges.length || whole.length === 0) {
      context.addIssue(complaint("must be a list of ports and ranges of ports", `write ${example}`));
      return z.NEVER;
    }
    const ports = whole
      .flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index))
      .toSorted((a, b) => a - b);
    const twice = ports.find((port, index) => port === ports[index - 1]);
    if (twice !== undefined) {
      context.addIssue(complaint(`${twice} is in the list twice`, "write it once"));
      return z.NEVER;
    }
    if (ports.length > mostPorts) {
      const what = `${ports.length} ports are more than the ${mostPorts} that a service may cover`;
      context.addIssue(complaint(what, "divide them among several services"));
      return z.NEVER;
    }
    return ports;
  });

function portRange(value: unknown): { readonly from: number; readonly to: number } | null {
  const text = typeof value === "number" || typeof value === "string" ? String(value) : "";
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return null;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from >= 1 && to <= 65_535 && from <= to ? { from, to } : null;
}

import { z } from "zod";
import { interfaceName, wants } from "./fields.ts";

/** One value for all nodes, or one for each. */
export type PerNode<T> = T | Readonly<Record<string, T>>;

/** A value, or a table of nodes and their values. */
export function perNode<T>(
  one: z.ZodType<T>,
  each: z.ZodType<T>,
  error: (issue: { input?: unknown }) => string,
): z.ZodType<PerNode<T>> {
  return z.unknown().transform((value, context): PerNode<T> => {
    if (value === undefined) {
      context.addIssue(error({ input: value }));
      return z.NEVER;
    }
    const isTable =
      typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
    const result = isTable ? z.record(z.string(), each).safeParse(value) : one.safeParse(value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) {
      context.addIssue({ code: "custom", message: issue.message, path: [...issue.path] });
    }
    return z.NEVER;
  });
}

/** Gives the value that holds for a node; null if the table has none for it. */
export function perNodeValue<T>(value: PerNode<T>, node: string): T | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const table = value as Readonly<Record<string, T>>;
  return Object.hasOwn(table, node) ? (table[node] ?? null) : null;
}

/** An interface, or one for each node. */
export function interfacePerNode(example: string): z.ZodType<PerNode<string>> {
  return perNode(interfaceName(example), interfaceName(example), wants("an interface name", example));
}

import { z } from "zod";
import { canonicalAddress, familyOf, parsePrefix, type Endpoint, type Prefix } from "../../base/address.ts";
import { commandWords } from "../command-words.ts";
import { quoted } from "../suggestion.ts";
import { formatDuration, parseDuration, parseSize } from "../units.ts";
import { doubt, late, listShortcut, noteShortcut, shortcutOf, tableShortcut } from "./shortcut.ts";

/**
 * The building blocks of the schema. A message carries both halves of a diagnostic, joined by a character that no
 * configuration contains: what is wrong, and what to write.
 */
const separator = "\u001f";

/** Joins the two halves of a complaint. */
export function complaint(what: string, remedy: string): string {
  return what + separator + remedy;
}

/** Splits a complaint into its halves. */
export function splitComplaint(message: string): { readonly what: string; readonly remedy: string } {
  const [what = "", remedy] = message.split(separator);
  return { what, remedy: remedy ?? "see docs/configuration.md" };
}

interface RawIssue {
  readonly code?: string | undefined;
  readonly input?: unknown;
}

/** Gives the error function for a value of the wrong kind: `kind` as in "a text", `example` as one would write it. */
export function wants(kind: string, example: string): (issue: RawIssue) => string {
  return (issue) =>
    issue.input === undefined
      ? complaint("is missing", `write ${example}`)
      : complaint(`must be ${kind}, not ${described(issue.input)}`, `write ${example}`);
}

/** A table that accepts exactly these keys; the message for unknown ones lists those there are. */
export function table<Shape extends z.core.$ZodShape>(
  shape: Shape,
  example: string,
): z.ZodObject<Shape, z.core.$strict> {
  const wrongKind = wants("a table", example);
  const schema: z.ZodObject<Shape, z.core.$strict> = z.strictObject(shape, {
    error: (issue) => (issue.code === "unrecognized_keys" ? Object.keys(shape).join(" ") : wrongKind(issue)),
  });
  // Of the same keys, each read by its own schema.
  const shortcut = tableShortcut(shape as unknown as Readonly<Record<string, z.ZodType>>);
  noteShortcut(schema, shortcut);
  return schema;
}

/** Makes a key optional: left out, it is null. */
export function orNull<T>(schema: z.ZodType<T>): z.ZodType<T | null> {
  const read = shortcutOf(schema);
  return late(
    () => schema.optional().transform((value) => value ?? null),
    (value) => (value === undefined ? null : read(value)),
  );
}

/** Makes a key optional with a default. */
export function orElse<T>(schema: z.ZodType<T>, fallback: T): z.ZodType<T> {
  const read = shortcutOf(schema);
  return late(
    () => schema.optional().transform((value) => value ?? fallback),
    (value) => (value === undefined ? fallback : read(value)),
  );
}

const onOrOffWord = (value: unknown): unknown => (value === true ? {} : value === false ? undefined : value);

/** Lets a table be `true`, with its defaults, or `false`, which is not the same as leaving it out. */
export function onOrOff<T>(schema: z.ZodType<T>): z.ZodType<T | false> {
  return z.preprocess(
    onOrOffWord,
    schema.optional().transform((value) => value ?? false),
  );
}

/** A text of 1 to `most` characters without control characters. */
export function text(example: string, most = 255): z.ZodType<string> {
  return checked(wants("a text in quotes", example), (value) => {
    if (value === "") return complaint("is empty", `write ${example}`);
    if (value.length > most) return complaint(`is longer than ${most} characters`, "write a shorter one");
    // eslint-disable-next-line no-control-regex
    if (/[\u0000-\u001f\u007f]/.test(value)) return complaint("contains a control character", "leave it out");
    return null;
  });
}

/** A name that other tables refer to. */
export function name(example: string): z.ZodType<string> {
  return checked(wants("a name in quotes", `name = "${example}"`), (value) => {
    if (/^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,62}$/.test(value)) return null;
    const what = `${JSON.stringify(value)} cannot be a name`;
    return complaint(what, `use 1 to 63 letters, digits, "_", "-", "." or ":", as in name = "${example}"`);
  });
}

/** A list of names of other tables. */
export function names(example: string, least = 0): z.ZodType<string[]> {
  const list = `${example} = ["…"]`;
  const one = checked(wants("a name in quotes", list), () => null);
  return listOf(one, { kind: "a list of names", example: list, least });
}

/** A list of at least so many values of one kind. */
export function listOf<T>(
  item: z.ZodType<T>,
  { kind, example, least = 0 }: { readonly kind: string; readonly example: string; readonly least?: number },
): z.ZodType<T[]> {
  const make = (): z.ZodType<T[]> =>
    z
      .array(item, { error: wants(kind, example) })
      .min(least, { error: complaint("is an empty list", `write ${example}`) });
  return late(make, listShortcut(item, least));
}

/** An interface name as the kernel allows it. */
export function interfaceName(example = 'interface = "eth1"'): z.ZodType<string> {
  return checked(wants("an interface name", example), (value) => {
    if (isInterfaceName(value)) return null;
    const what = `${JSON.stringify(value)} cannot be an interface name`;
    return complaint(what, `write 1 to 15 characters without space and "/", as in ${example}`);
  });
}

/** Tells whether the kernel would take this as the name of an interface. */
export function isInterfaceName(value: string): boolean {
  return /^[^\s/]{1,15}$/.test(value) && value !== "." && value !== "..";
}

/** A whole number within bounds. */
export function integer(least: number, most: number, example: string): z.ZodType<number> {
  const outside = (value: unknown): string =>
    complaint(`${described(value)} is not between ${least} and ${most}`, `write ${example}`);
  const make = (): z.ZodType<number> =>
    z
      .int({ error: wants("a whole number", example) })
      .min(least, { error: (issue) => outside(issue.input) })
      .max(most, { error: (issue) => outside(issue.input) });
  return late(make, (value) =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most
      ? value
      : doubt,
  );
}

/** True or false. */
export function flag(example: string): z.ZodType<boolean> {
  return late(
    () => z.boolean({ error: wants("true or false", example) }),
    (value) => (typeof value === "boolean" ? value : doubt),
  );
}

/** A program and its arguments: one text that is split, or a list of words. */
export function command(example: string): z.ZodType<readonly string[]> {
  const kind = "a command in quotes or a list of words";
  const make = (): z.ZodType<readonly string[]> =>
    z.unknown().transform((value, context): readonly string[] => {
      const written = programWords(value);
      if (written !== null) return written;
      if (typeof value === "string") {
        const words = commandWords(value);
        const what = words === null ? "has a quote that is not closed" : "names no program";
        context.addIssue(complaint(what, `write ${example}`));
        return z.NEVER;
      }
      context.addIssue(
        Array.isArray(value)
          ? complaint(`must be ${kind}`, `write ${example}`)
          : wants(kind, example)({ input: value }),
      );
      return z.NEVER;
    });
  return late(make, (value) => programWords(value) ?? doubt);
}

/** Gives the words of a command that names a program, else null. */
function programWords(value: unknown): readonly string[] | null {
  const words: unknown = typeof value === "string" ? commandWords(value) : value;
  if (!Array.isArray(words)) return null;
  const list: readonly unknown[] = words;
  return list.every((word) => typeof word === "string") && (list[0] ?? "") !== "" ? list : null;
}

/** The path of a file, from the root. */
export function filePath(example: string): z.ZodType<string> {
  return text(example, 4095).superRefine((value, context) => {
    if (value.startsWith("/") && !value.endsWith("/")) return;
    context.addIssue(
      complaint(`${JSON.stringify(value)} is no path of a file from the root`, `write ${example}`),
    );
  });
}

/** A duration with its unit, read as milliseconds. */
export function duration(leastMs: number, mostMs: number, example: string): z.ZodType<number> {
  const within = (ms: number | null): ms is number => ms !== null && ms >= leastMs && ms <= mostMs;
  const make = (): z.ZodType<number> =>
    z
      .string({
        error: (issue) =>
          typeof issue.input === "number"
            ? complaint(
                `${issue.input} has no unit`,
                `write "${issue.input}s" for seconds or "${issue.input}ms" for milliseconds`,
              )
            : wants("a duration in quotes", example)(issue),
      })
      .transform((value, context) => {
        const ms = parseDuration(value);
        if (within(ms)) return ms;
        const what =
          ms === null
            ? `"${value}" is no duration`
            : `"${value}" is not between ${formatDuration(leastMs)} and ${formatDuration(mostMs)}`;
        const units = ms === null ? ", with a unit of ms, s, m, h or d" : "";
        context.addIssue(complaint(what, `write ${example}${units}`));
        return z.NEVER;
      });
  return late(make, (value) => {
    const ms = typeof value === "string" ? parseDuration(value) : null;
    return within(ms) ? ms : doubt;
  });
}

/** A size with its unit, read as bytes. */
export function size(leastBytes: number, example: string): z.ZodType<number> {
  const within = (bytes: number | null): bytes is number =>
    bytes !== null && bytes >= leastBytes && bytes <= 2 ** 50;
  const make = (): z.ZodType<number> =>
    z
      .string({
        error: (issue) =>
          typeof issue.input === "number"
            ? complaint(
                `${issue.input} has no unit`,
                `write "${issue.input}k" for KiB, "${issue.input}m" for MiB or "${issue.input}b" for bytes`,
              )
            : wants("a size in quotes", example)(issue),
      })
      .transform((value, context) => {
        const bytes = parseSize(value);
        if (within(bytes)) return bytes;
        const what = bytes === null ? `"${value}" is no size` : `"${value}" is out of range`;
        context.addIssue(complaint(what, `write ${example}, with a unit of b, k, m, g or t`));
        return z.NEVER;
      });
  return late(make, (value) => {
    const bytes = typeof value === "string" ? parseSize(value) : null;
    return within(bytes) ? bytes : doubt;
  });
}

/**
 * One of some words; those that a later version will know are refused by name, with what to use meanwhile, and `foreign`
 * ones with what says the same here.
 */
export function choice<const Word extends string>(
  words: readonly [Word, ...Word[]],
  later: Readonly<Record<string, string>> = {},
  foreign: Readonly<Record<string, string>> = {},
): z.ZodType<Word> {
  const make = (): z.ZodType<Word> =>
    z.enum(words, {
      error: (issue) => {
        if (issue.input === undefined) return complaint("is missing", `write one of ${quoted(words)}`);
        const meanwhile = typeof issue.input === "string" ? later[issue.input] : undefined;
        const here = typeof issue.input === "string" ? foreign[issue.input] : undefined;
        return meanwhile === undefined
          ? complaint(
              `must be one of ${quoted(words)}, not ${described(issue.input)}`,
              here ?? `write "${words[0]}"`,
            )
          : complaint(`${JSON.stringify(issue.input)} is not built yet in this version`, meanwhile);
      },
    });
  return late(make, (value) => words.find((word) => word === value) ?? doubt);
}

/** An address without prefix or port. */
export function address(example: string): z.ZodType<string> {
  return parsed("an address in quotes", example, canonicalAddress);
}

/** An address with its prefix; without one it is the whole address. */
export function prefix(example: string): z.ZodType<Prefix> {
  return parsed("an address in quotes", example, parsePrefix);
}

/** A virtual address with its prefix. */
export function virtualAddress(example: string): z.ZodType<Prefix> {
  return prefix(example).superRefine((value, context) => {
    if (!isHostAddress(value.address)) {
      context.addIssue(complaint(`${value.address} is no address of a host`, `write ${example}`));
    }
  });
}

/** An address and a port in one text. */
export function endpoint(example: string): z.ZodType<Endpoint> {
  return parsed("an address with a port, in quotes", example, parseEndpoint);
}

/** Reads `192.0.2.1:80` or `[2001:db8::1]:80`; null if it is neither. */
export function parseEndpoint(value: string): Endpoint | null {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(value);
  if (match === null) return null;
  const canonical = canonicalAddress(match[1] ?? match[2] ?? "");
  const port = Number(match[3]);
  if (canonical === null || port < 1 || port > 65_535) return null;
  if ((match[1] !== undefined) !== (familyOf(canonical) === 6)) return null;
  return { address: canonical, port };
}

/**
 * Tells whether an address can be a host's: not 0.0.0.0/8, loopback, multicast or reserved; of IPv6 neither unspecified,
 * loopback, multicast nor IPv4 in disguise.
 */
export function isHostAddress(value: string): boolean {
  if (familyOf(value) === 6) return !/^(?:::1?$|ff[0-9a-f]{2}:|::ffff:)/.test(value);
  const first = Number(value.split(".")[0]);
  return first > 0 && first < 224 && first !== 127;
}

function parsed<T>(kind: string, example: string, read: (value: string) => T | null): z.ZodType<T> {
  const make = (): z.ZodType<T> =>
    z.string({ error: wants(kind, example) }).transform((value, context) => {
      const result = read(value);
      if (result !== null) return result;
      context.addIssue(
        complaint(
          `${JSON.stringify(value)} is no ${kind.replace(/^an? |, in quotes| in quotes/g, "")}`,
          `write ${example}`,
        ),
      );
      return z.NEVER;
    });
  return late(make, (value) => (typeof value === "string" ? (read(value) ?? doubt) : doubt));
}

/** A text that a function finds nothing wrong with. */
function checked(
  error: (issue: RawIssue) => string,
  complaintOf: (value: string) => string | null,
): z.ZodType<string> {
  const make = (): z.ZodType<string> =>
    z.string({ error }).superRefine((value, context) => {
      const found = complaintOf(value);
      if (found !== null) context.addIssue(found);
    });
  return late(make, (value) => (typeof value === "string" && complaintOf(value) === null ? value : doubt));
}

/** Names a value of the file in a message. */
function described(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value instanceof Date) return "a date or time";
  if (Array.isArray(value)) return "a list";
  return "a table";
}

import { z } from "zod";
import { parsePrefix } from "../../base/address.ts";
import type { AccessPlan, AddressListPlan } from "../routing-plan.ts";
import { complaint, filePath, orNull, table, wants } from "./fields.ts";

/** Who may come, by address. */
export interface AccessEntry {
  readonly allow: AddressListPlan | null;
  readonly deny: AddressListPlan | null;
}

function addressList(key: string): z.ZodType<AddressListPlan> {
  const example = `${key} = ["192.0.2.0/24", { file = "/etc/edge-ha/${key}.txt" }]`;
  const file = table({ file: filePath(`{ file = "/etc/edge-ha/${key}.txt" }`) }, example);
  const kind = "a list of networks and files";
  return z.unknown().transform((value, context): AddressListPlan => {
    const items: readonly unknown[] = Array.isArray(value) ? value : [value];
    const list = { prefixes: [] as AddressListPlan["prefixes"][number][], files: [] as string[] };
    if (Array.isArray(value) && value.length === 0)
      context.addIssue(complaint("is an empty list", `write ${example}, or leave it out`));
    for (const [index, item] of items.entries()) {
      const at = Array.isArray(value) ? [index] : [];
      const prefix = typeof item === "string" ? parsePrefix(item) : null;
      const named = file.safeParse(item);
      if (prefix !== null) list.prefixes.push(prefix);
      else if (named.success) list.files.push(named.data.file);
      else if (typeof item === "string")
        add(context, at, complaint(`${JSON.stringify(item)} is no address or network`, `write ${example}`));
      else if (typeof item !== "object" || item === null || Array.isArray(item))
        add(context, at, wants(kind, example)({ input: item }));
      else {
        for (const issue of named.error.issues) {
          const isUnknown = issue.code === "unrecognized_keys";
          const message = isUnknown
            ? complaint("has other keys than file", `write ${example}`)
            : issue.message;
          add(context, [...at, ...issue.path], message);
        }
      }
    }
    return list;
  });
}

function add(context: z.core.$RefinementCtx, path: readonly PropertyKey[], message: string): void {
  context.addIssue({ code: "custom", message, path: [...path] });
}

/** The keys. */
export const access: { readonly [Key in keyof AccessEntry]: z.ZodType<AccessEntry[Key]> } = {
  allow: orNull(addressList("allow")),
  deny: orNull(addressList("deny")),
};

/** Makes one of the two; null where neither is said. */
export function accessPlan({ allow, deny }: AccessEntry): AccessPlan | null {
  return allow === null && deny === null ? null : { allow, deny };
}

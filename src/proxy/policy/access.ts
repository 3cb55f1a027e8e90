import { parseNetworks } from "../../base/network-file.ts";
import { PrefixTable } from "../../base/prefix-table.ts";
import type { AccessPlan, AddressListPlan } from "../../config/routing-plan.ts";
import { plainAnswer } from "../answer.ts";
import type { PromptGate } from "../admission/gate.ts";

/** Gives the text of a file that the plan names. */
export type ReadFile = (path: string) => string;

/** Makes a gate that lets in who may come, and answers 403 to others; throws, naming the file, on what is no network. */
export function compileAccess({ allow, deny }: AccessPlan, read: ReadFile): PromptGate {
  const allowed = allow === null ? null : table(allow, read);
  const denied = deny === null ? null : table(deny, read);
  return ({ client }) => {
    const good = allowed?.longest(client) ?? -1;
    const bad = denied?.longest(client) ?? -1;
    const isIn = good < 0 && bad < 0 ? allowed === null : good > bad;
    return isIn ? null : plainAnswer(403);
  };
}

function table({ files, prefixes }: AddressListPlan, read: ReadFile): PrefixTable {
  const listed = files.flatMap((path) => {
    try {
      return parseNetworks(read(path));
    } catch (error) {
      throw new Error(`${path}, ${(error as Error).message}`, { cause: error });
    }
  });
  return new PrefixTable([...prefixes, ...listed]);
}

import { errorAt, type Finding } from "../finding.ts";
import { calledVip, type Model, type Resolved } from "../model.ts";
import { virtualMacLink } from "../plan-virtual-mac.ts";

/** What virtual MACs ask for: an interface of its own for each, and a router that does not own its addresses. */
export function virtualMacRules(model: Model): readonly Finding[] {
  return [...model.instances.flatMap((one) => ownerRule(one, model)), ...takenNames(model)];
}

/** RFC 9568 §8.1.2 wants the virtual MAC of an owner too, but its address is on an interface that answers with its own. */
function ownerRule({ config, path }: Resolved, model: Model): readonly Finding[] {
  const isOwned = config.members.some(({ priority }) => priority === 255);
  if (config.virtualMac === false || !isOwned) return [];
  const isInherited = ownEntry(path, model)?.virtual_mac === null;
  const what =
    "the address of an owner (priority 255) is the interface's own, which answers with its own MAC";
  const remedy =
    "write virtual_mac = false here, or a priority from 1 to 254 and an address that is no node's own";
  return [errorAt([...path, isInherited ? "priority" : "virtual_mac"], what, remedy)];
}

function takenNames(model: Model): readonly Finding[] {
  const first = new Map<string, Resolved>();
  return model.instances.flatMap((resolved) => {
    const { config, path } = resolved;
    for (const member of config.members) {
      const name = virtualMacLink(config, member);
      if (name === null) continue;
      const at = [...path, typeof config.virtualMac === "string" ? "virtual_mac" : "name"];
      const node = model.sections.nodes.find(({ value }) => value.name === member.node);
      if (node !== undefined && Object.hasOwn(node.value.address, name)) {
        const what = `${name} is an interface of [[node]] "${member.node}" already`;
        return [errorAt(at, what, "write another name, or virtual_mac = true")];
      }
      const other = first.get(`${member.node} ${name}`);
      if (other !== undefined) {
        const what = `${name} is the interface of ${calledVip(other)} already, in line ${model.line(other.path)}`;
        return [errorAt(at, what, 'write another name, as in virtual_mac = "vrrp51"')];
      }
      first.set(`${member.node} ${name}`, resolved);
    }
    return [];
  });
}

function ownEntry(
  path: Resolved["path"],
  model: Model,
): { readonly virtual_mac: boolean | string | null } | null {
  const { vips, vrrps } = model.sections;
  return [...vips, ...vrrps].find((element) => element.path.join() === path.join())?.value ?? null;
}

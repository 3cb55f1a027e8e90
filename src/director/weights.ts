import { weightBy, type WeightWord } from "../config/weight-word.ts";
import type { BalancedServer, BalancedService } from "./balanced-service.ts";

/** Gives services with the weights that the checks of their servers ask for. PURE. */
export function weighedServices<Service extends BalancedService>(
  services: readonly Service[],
  wordOf: (probe: string) => WeightWord | null,
): readonly Service[] {
  const wordFor = ({ probe }: BalancedServer): WeightWord | null => (probe === null ? null : wordOf(probe));
  return services.map((service) => {
    // Few checks have a say in weights, and what is the same stays the same object.
    if (!service.servers.some((server) => wordFor(server) !== null)) return service;
    const servers = service.servers.map((server) => {
      const word = wordFor(server);
      return word === null ? server : { ...server, weight: weightBy(server.weight, word) };
    });
    return { ...service, servers };
  });
}

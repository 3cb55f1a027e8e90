import { weightBy, type WeightWord } from "../config/weight-word.ts";
import type { BalancedService } from "./balanced-service.ts";

/** Gives services with the weights that the checks of their servers ask for. PURE. */
export function weighedServices<Service extends BalancedService>(
  services: readonly Service[],
  wordOf: (probe: string) => WeightWord | null,
): readonly Service[] {
  return services.map((service) => {
    const servers = service.servers.map((server) => {
      const word = server.probe === null ? null : wordOf(server.probe);
      return word === null ? server : { ...server, weight: weightBy(server.weight, word) };
    });
    const isAsked = servers.some((server, index) => server !== service.servers[index]);
    return isAsked ? { ...service, servers } : service;
  });
}

import type { z } from "zod";
import { address, listOf, name, names, orElse, orNull, table } from "./fields.ts";
import { portsSchema } from "./ports.ts";
import { serviceServersSchema, type ServiceServerEntry } from "./service.ts";

/** `[[address_group]]`: where several services can be reached, or one in short. */
export interface AddressGroupEntry {
  readonly name: string;
  readonly vips: readonly string[];
  readonly addresses: readonly string[];
  /** Null leaves them to the service. */
  readonly ports: readonly number[] | null;
}

/** `[[server_group]]`: servers that several services send to. */
export interface ServerGroupEntry {
  readonly name: string;
  readonly servers: readonly ServiceServerEntry[];
}

/** `[[address_group]]`. */
export const addressGroupSchema: z.ZodType<AddressGroupEntry> = table(
  {
    name: name("shops"),
    vips: orElse(names("vips"), []),
    addresses: orElse(
      listOf(address('addresses = ["192.0.2.100"]'), {
        kind: "a list of addresses",
        example: 'addresses = ["192.0.2.100"]',
      }),
      [],
    ),
    ports: orNull(portsSchema),
  },
  "[[address_group]]",
);

/** `[[server_group]]`. */
export const serverGroupSchema: z.ZodType<ServerGroupEntry> = table(
  { name: name("farm"), servers: serviceServersSchema },
  "[[server_group]]",
);

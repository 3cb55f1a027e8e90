declare const EDGE_HA_VERSION: string | undefined;

/** The version of this executable; `dev` when it runs from source. */
export const version: string = typeof EDGE_HA_VERSION === "string" ? EDGE_HA_VERSION : "dev";

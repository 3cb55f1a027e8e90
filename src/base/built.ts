declare const EDGE_HA_VERSION: string | undefined;

/** Whether this runs as the built executable, and not from source as the tests do. */
export const isBuilt: boolean = typeof EDGE_HA_VERSION === "string";

/**
 * The real undici. The bare name resolves to the runtime's own stand-in, whose clients do nothing, so nobody
 * else imports the library; test/unit/health/undici.test.ts holds that this is the real one.
 */
export { Client } from "undici/index.js";
export type { Dispatcher } from "undici/index.js";

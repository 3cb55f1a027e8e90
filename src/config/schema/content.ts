import { z } from "zod";
import type {
  CachePlan,
  CompressionPlan,
  ErrorPagesPlan,
  FilesPlan,
  MaintenancePlan,
} from "../content-plan.ts";
import { cacheSchema } from "./cache.ts";
import { compressionSchema } from "./compression.ts";
import {
  complaint,
  duration,
  filePath,
  flag,
  onOrOff,
  orElse,
  orNull,
  prefix,
  table,
  text,
  wants,
} from "./fields.ts";

/** What stands in a `[[site]]` or a `[[site.route]]` about answers that are made here; null is not said. */
export interface ContentEntry {
  readonly error_pages: ErrorPagesPlan | null;
  readonly maintenance: MaintenancePlan | false | null;
  readonly files: FilesPlan | null;
  readonly cache: CachePlan | false | null;
  readonly compression: CompressionPlan | false | null;
}

const pagesExample =
  'error_pages = { 502 = "/etc/edge-ha/pages/502.html", "5xx" = "/etc/edge-ha/pages/5xx.html" }';
const page = filePath('"/etc/edge-ha/pages/502.html"');
const intercept = flag("intercept = true");

const errorPages: z.ZodType<ErrorPagesPlan> = z
  .record(z.string(), z.unknown(), { error: wants("a table of statuses and files", pagesExample) })
  .transform((entries, context): ErrorPagesPlan => {
    const pages: (readonly [string, string])[] = [];
    let intercepts = false;
    for (const [key, value] of Object.entries(entries)) {
      const isStatus = /^[45](?:\d\d|xx)$/.test(key);
      if (!isStatus && key !== "intercept") {
        const what = `${JSON.stringify(key)} is no status of an error`;
        const message = complaint(what, 'write one such as 502, all of a class as "5xx", or intercept');
        context.addIssue({ code: "custom", path: [key], message });
        continue;
      }
      const read = isStatus ? page.safeParse(value) : intercept.safeParse(value);
      for (const { message } of read.error?.issues ?? [])
        context.addIssue({ code: "custom", path: [key], message });
      if (typeof read.data === "string") pages.push([key, read.data]);
      else if (read.data === true) intercepts = true;
    }
    if (Object.keys(entries).every((key) => key === "intercept"))
      context.addIssue(complaint("names no page", `write ${pagesExample}`));
    return { pages, intercepts };
  });

const maintenanceExample =
  'maintenance = true, or maintenance = { page = "/etc/edge-ha/pages/soon.html", retry_after = "10m", allow = ["192.0.2.0/24"] }';

const maintenanceTable = table(
  {
    page: orNull(filePath('page = "/etc/edge-ha/pages/soon.html"')),
    retry_after: orNull(duration(1000, 30 * 86_400_000, 'retry_after = "10m"')),
    allow: orElse(
      z.array(prefix('allow = ["192.0.2.0/24"]'), {
        error: wants("a list of addresses", 'allow = ["192.0.2.0/24"]'),
      }),
      [],
    ),
  },
  maintenanceExample,
).transform(({ allow, page: path, retry_after: ms }): MaintenancePlan => ({
  page: path,
  retryAfterS: ms === null ? null : Math.ceil(ms / 1000),
  allow,
}));

const maintenance = onOrOff(maintenanceTable);

const filesExample = 'files = { root = "/etc/edge-ha/pages", path = "/pages/" }';

const files: z.ZodType<FilesPlan> = table(
  {
    root: text(filesExample, 4095).superRefine((value, context) => {
      if (/^\/.*[^/]$/.test(value)) return;
      context.addIssue(
        complaint(`${JSON.stringify(value)} is no folder's path from the root`, `write ${filesExample}`),
      );
    }),
    path: text(filesExample, 1024).superRefine((value, context) => {
      if (/^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]+\/)*$/.test(value)) return;
      context.addIssue(
        complaint(
          `${JSON.stringify(value)} is no path that begins and ends with "/"`,
          `write ${filesExample}`,
        ),
      );
    }),
  },
  filesExample,
);

/** The keys of a `[[site]]` and a `[[site.route]]` about answers that are made here. */
export const contentKeys: {
  readonly [Key in keyof ContentEntry]: z.ZodType<ContentEntry[Key]>;
} = {
  error_pages: orNull(errorPages),
  maintenance: orNull(maintenance),
  files: orNull(files),
  cache: orNull(cacheSchema),
  compression: orNull(compressionSchema),
};

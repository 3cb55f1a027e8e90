import type { CompressionPlan, ContentPlan, ErrorPagesPlan } from "../../config/content-plan.ts";
import type { Pages } from "../../ipc/pages.ts";
import type { ResponseFilter, Route } from "../snapshot.ts";
import { compressor } from "./compression.ts";
import { compileEncoding } from "./encoding.ts";
import { ErrorPages } from "./error-pages.ts";
import { fileGate } from "./files.ts";
import { interceptor } from "./intercept.ts";
import { maintenanceGate } from "./maintenance.ts";

/** Makes error pages ready; null leaves the usual texts. */
export function compilePages(plan: ErrorPagesPlan | null, pages: Pages): ErrorPages | null {
  return plan === null ? null : new ErrorPages(plan, pages);
}

/** Makes a filter that encodes; none if there is no plan. */
export function compileCompression(plan: CompressionPlan | null): readonly ResponseFilter[] {
  return plan === null ? [] : [compressor(compileEncoding(plan))];
}

/** Makes ready what a route shows in place of its servers. */
export function compileContent(
  { compression, errorPages, files, maintenance }: ContentPlan,
  pages: Pages,
): Pick<Route, "errorPages" | "gates" | "filters"> {
  const own = compilePages(errorPages, pages);
  return {
    errorPages: own,
    gates: [
      // Before the maintenance, whose page may show pictures.
      ...(files === null ? [] : [fileGate(files, pages)]),
      ...(maintenance === null ? [] : [maintenanceGate(maintenance, pages)]),
    ],
    filters: [...(own?.intercepts === true ? [interceptor(own)] : []), ...compileCompression(compression)],
  };
}

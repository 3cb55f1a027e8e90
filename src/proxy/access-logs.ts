import type { Log } from "../base/log.ts";
import type { AccessLogPlan, LogTargetPlan, SitePlan } from "../config/http-plan.ts";
import { AccessLog, type LogSink, type RequestLog } from "./access-log.ts";
import { LocalSyslogLog } from "./local-syslog.ts";
import { compileLineFormat } from "./line-format.ts";
import { SyslogLog } from "./syslog.ts";

/** The access logs of a process; those with the same target share it, whatever their formats. */
export class AccessLogs {
  private readonly sinks = new Map<string, LogSink>();
  private readonly log: Log;

  constructor(log: Log) {
    this.log = log;
  }

  /** Makes a log ready. */
  open({ to, format, escape }: AccessLogPlan): RequestLog {
    const key = JSON.stringify(to);
    const sink = this.sinks.get(key) ?? this.sinkOf(to);
    this.sinks.set(key, sink);
    const isMain = (format === "main" || format === "combined") && (escape ?? "default") === "default";
    const main = isMain ? { room: sink.room, tellsForwarded: format === "main" } : null;
    return { format: compileLineFormat(format, escape), main, add: (line) => sink.add(line) };
  }

  /** Writes what has gathered. */
  flush(): void {
    for (const sink of this.sinks.values()) sink.flush();
  }

  /** Opens files anew that may have been moved away. */
  reopen(): void {
    for (const sink of this.sinks.values()) sink.reopen();
  }

  /** Closes those that no site and no route writes to any more. */
  retain(sites: readonly SitePlan[]): void {
    const plans = sites.flatMap(({ accessLog, routes }) => [
      accessLog,
      ...routes.map((route) => route.accessLog),
    ]);
    const wanted = new Set(
      plans.map((plan) => (plan === null || plan === "off" ? "" : JSON.stringify(plan.to))),
    );
    for (const [key, sink] of this.sinks) {
      if (wanted.has(key)) continue;
      sink.close();
      this.sinks.delete(key);
    }
  }

  close(): void {
    for (const sink of this.sinks.values()) sink.close();
  }

  private sinkOf(to: LogTargetPlan): LogSink {
    if (to.kind === "local-syslog") return new LocalSyslogLog(to.path, to.tag, this.log);
    if (to.kind === "syslog") return new SyslogLog(to.endpoint, to.tag, this.log);
    return new AccessLog(to.kind === "file" ? to.path : null, this.log);
  }
}

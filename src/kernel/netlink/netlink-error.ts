import { SystemError } from "../../base/system-error.ts";

/** A netlink request that the kernel refused, with the kernel's own words where it gave any. */
export class NetlinkError extends SystemError {
  /** The extended acknowledgement's text, or empty. */
  readonly kernelMessage: string;

  constructor(operation: string, code: string, kernelMessage = "") {
    super(operation, code);
    this.name = "NetlinkError";
    this.kernelMessage = kernelMessage;
    if (kernelMessage !== "") this.message = `${this.message} (${kernelMessage})`;
  }
}

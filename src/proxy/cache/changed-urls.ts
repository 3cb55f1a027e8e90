/** Gathers URLs of one turn that requests have changed, and tells them in one message. */
export class ChangedUrls {
  private readonly tell: (urls: readonly string[]) => void;
  private urls: string[] = [];

  constructor(tell: (urls: readonly string[]) => void) {
    this.tell = tell;
  }

  add(url: string): void {
    this.urls.push(url);
    if (this.urls.length > 1) return;
    setImmediate(() => {
      const { urls } = this;
      this.urls = [];
      this.tell(urls);
    });
  }
}

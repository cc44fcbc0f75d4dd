/** How often a program that keeps dying is started again: at most `limit` times within `windowMs`. */
export class RestartBudget {
  private readonly limit: number;
  private readonly windowMs: number;
  private readonly now: () => number;
  private restarts: number[] = [];

  constructor(limit = 4, windowMs = 3 * 60_000, now: () => number = Date.now) {
    this.limit = limit;
    this.windowMs = windowMs;
    this.now = now;
  }

  /** Takes one restart from the budget; false when none is left. */
  take(): boolean {
    const now = this.now();
    this.restarts = this.restarts.filter((time) => now - time < this.windowMs);
    if (this.restarts.length >= this.limit) return false;
    this.restarts.push(now);
    return true;
  }

  /** A person asked for a fresh start. */
  reset(): void {
    this.restarts = [];
  }
}

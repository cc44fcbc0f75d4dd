export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}
export function closingLines(counts: Counts, retried?: readonly string[]): string;
export function readClosingLines(output: string): { counts: Counts; retried: string[] } | null;

import { appendFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../../files/errno.ts';
import { withLock } from '../../files/lock.ts';
import { readOwnFile } from '../../files/regular-file.ts';
import { writeFileAtomically } from '../../files/write-file.ts';
import type { CompletionCounts } from '../../protocol/completions-page.ts';
import { Emitter } from '../events.ts';
import type { Log } from '../log.ts';

/** Counts of a day, a model and a language: a line of the file. */
export interface CountLine extends CompletionCounts {
  /** `2026-11-27`, where the person is. */
  day: string;
  model: string;
  language: string;
}

export const NO_COUNTS: CompletionCounts = { shown: 0, accepted: 0, partly: 0, rejected: 0, edited: 0, characters: 0 };
const KEYS = Object.keys(NO_COUNTS) as (keyof CompletionCounts)[];

/** What was counted is written this long after the first of it. */
const WRITE_MS = 5_000;
/** A file of more bytes is written anew, with what belongs together on one line. */
const COMPACT_BYTES = 256 << 10;
const MAX_BYTES = 16 << 20;

/**
 * Counts of suggestions on this machine: a file of JSON lines in the extension's global storage. Windows add lines to
 * its end; together they are what was counted.
 */
export class CompletionCounter {
  /** There is more, or nothing any more. */
  readonly changed = new Emitter<void>();
  private readonly folder: string;
  private readonly log: Log;
  private readonly due = new Map<string, CountLine>();
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(folder: string, log: Log) {
    this.folder = folder;
    this.log = log;
  }

  add(of: { model: string; language: string }, counts: Partial<CompletionCounts>, now = new Date()): void {
    const { model, language } = of;
    const line: CountLine = { day: dayOf(now), model, language, ...NO_COUNTS };
    const key = keyOf(line);
    const sum = this.due.get(key) ?? line;
    for (const name of KEYS) sum[name] += counts[name] ?? 0;
    this.due.set(key, sum);
    this.changed.fire();
    this.timer ??= setTimeout(() => void this.flush(), WRITE_MS);
  }

  /** All that was counted, by day, model and language: in all windows, as far as they have written it. */
  async all(): Promise<CountLine[]> {
    const sums = summed([...(await this.read()), ...this.due.values()]);
    return sums.sort((a, b) => (a.day < b.day ? 1 : a.day > b.day ? -1 : b.shown - a.shown));
  }

  /** Deletes what was counted, in this window and on disk. */
  async delete(): Promise<void> {
    this.due.clear();
    await this.locked(() => rm(this.file, { force: true }));
    this.changed.fire();
  }

  /** Writes what is not written yet. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const lines = [...this.due.values()];
    this.due.clear();
    if (lines.length > 0) this.writing = this.writing.then(() => this.write(lines));
    return this.writing;
  }

  async dispose(): Promise<void> {
    this.changed.dispose();
    await this.flush();
  }

  private get file(): string {
    return join(this.folder, 'completion-counts.jsonl');
  }

  private async locked(work: () => Promise<void>): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    await withLock(`${this.file}.lock`, work);
  }

  private async write(lines: CountLine[]): Promise<void> {
    try {
      await this.locked(async () => {
        await appendFile(this.file, textOf(lines), { mode: 0o600 });
        const text = await this.text();
        if (text.length > COMPACT_BYTES) await writeFileAtomically(this.file, textOf(summed(parseCounts(text))), 0o600);
      });
    } catch (error) {
      // Counting must not get in anybody's way.
      this.log.warn(`Completions were not counted: ${(error as Error).message}`);
    }
  }

  private async read(): Promise<CountLine[]> {
    return parseCounts(await this.text());
  }

  private async text(): Promise<string> {
    try {
      return (await readOwnFile(this.file, MAX_BYTES)).toString('utf8');
    } catch (error) {
      if (!isMissing(error)) this.log.warn(`${this.file} cannot be read: ${(error as Error).message}`);
      return '';
    }
  }
}

/** Lines of the file; those that are torn or no counts are left out. */
export function parseCounts(text: string): CountLine[] {
  return text.split('\n').flatMap((line) => {
    try {
      const value = JSON.parse(line) as Partial<CountLine>;
      const { day, model, language } = value;
      const isLine =
        [day, model, language].every((word) => typeof word === 'string') &&
        KEYS.every((key) => Number.isSafeInteger(value[key] ?? 0) && (value[key] ?? 0) >= 0);
      return isLine ? [{ ...NO_COUNTS, ...(value as CountLine) }] : [];
    } catch {
      return [];
    }
  });
}

/** One line for each day, model and language. */
export function summed(lines: readonly CountLine[]): CountLine[] {
  const sums = new Map<string, CountLine>();
  for (const line of lines) {
    const key = keyOf(line);
    const sum = sums.get(key);
    if (!sum) sums.set(key, { ...line });
    else for (const name of KEYS) sum[name] += line[name];
  }
  return [...sums.values()];
}

const keyOf = ({ day, model, language }: CountLine): string => JSON.stringify([day, model, language]);
const textOf = (lines: readonly CountLine[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

/** The day as the clock on the wall has it. */
export function dayOf(now: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

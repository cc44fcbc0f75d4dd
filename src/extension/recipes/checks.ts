import { dirname } from 'node:path';
import type { RecipeProblem } from '../../protocol/index.ts';
import { isCancelled } from '../errors.ts';
import type { Log } from '../log.ts';

/** A recipe as it stands in an editor. */
export interface RecipeText {
  /** Absolute path of its file. */
  path: string;
  text: string;
  /** Goes up with each change. */
  version: number;
}

export interface Checked {
  version: number;
  problems: readonly RecipeProblem[];
}

export interface RecipeChecksOptions {
  /** The engine's checks, of the files that a recipe names too; null where the engine must not be started for them. */
  byEngine(text: string, base: string, signal: AbortSignal): Promise<RecipeProblem[] | null>;
  /** Its checks of the text alone, without a process. */
  byText(text: string): Promise<RecipeProblem[]>;
  log: Log;
  /** Milliseconds without a change after which a text is checked. */
  pauseMs?: number;
}

interface Entry {
  timer: NodeJS.Timeout | undefined;
  abort: AbortController | undefined;
  checked: Checked | undefined;
}

/** Checks recipes while they are typed: a pause after the last key, and a check that a newer one overtakes is called off. */
export class RecipeChecks {
  private readonly entries = new Map<string, Entry>();
  private readonly options: RecipeChecksOptions;

  constructor(options: RecipeChecksOptions) {
    this.options = options;
  }

  /** Checks it soon; `done` hears of it unless another check of the same recipe comes first. */
  schedule(recipe: RecipeText, done: (checked: Checked) => void): void {
    const entry = this.begin(recipe.path);
    entry.timer = setTimeout(() => {
      this.run(entry, recipe).then(
        (checked) => checked && done(checked),
        (error: Error) => this.options.log.warn(`${recipe.path}: ${error.message}`),
      );
    }, this.options.pauseMs ?? 300);
  }

  /** Checks it now. Null when another check of the same recipe overtook this one. */
  async now(recipe: RecipeText): Promise<Checked | null> {
    return await this.run(this.begin(recipe.path), recipe);
  }

  /** What the last check found, while it is true of this version of the text. */
  known(path: string, version: number): readonly RecipeProblem[] {
    const checked = this.entries.get(path)?.checked;
    return checked?.version === version ? checked.problems : [];
  }

  forget(path: string): void {
    const entry = this.entries.get(path);
    clearTimeout(entry?.timer);
    entry?.abort?.abort();
    this.entries.delete(path);
  }

  dispose(): void {
    for (const path of [...this.entries.keys()]) this.forget(path);
  }

  private begin(path: string): Entry {
    const entry = this.entries.get(path) ?? { timer: undefined, abort: undefined, checked: undefined };
    this.entries.set(path, entry);
    clearTimeout(entry.timer);
    entry.abort?.abort();
    entry.abort = new AbortController();
    return entry;
  }

  private async run(entry: Entry, { path, text, version }: RecipeText): Promise<Checked | null> {
    const { signal } = entry.abort!;
    const problems = (await this.askEngine(text, dirname(path), signal)) ?? (await this.options.byText(text));
    if (signal.aborted) return null;
    entry.checked = { version, problems };
    return entry.checked;
  }

  /** An engine that does not work is told where a person asked for it; here the text's checks go on without it. */
  private async askEngine(text: string, base: string, signal: AbortSignal): Promise<RecipeProblem[] | null> {
    try {
      return await this.options.byEngine(text, base, signal);
    } catch (error) {
      if (!signal.aborted && !isCancelled(error)) this.options.log.debug(`recipe/check: ${(error as Error).message}`);
      return null;
    }
  }
}

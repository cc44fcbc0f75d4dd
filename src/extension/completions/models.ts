import { basename, dirname, isAbsolute, join } from 'node:path';
import type { Emitter } from '../events.ts';
import { hasModel, type Run } from '../runs/run.ts';
import type { RunStore } from '../runs/store.ts';
import { modelFolderOf } from '../views/run-panels.ts';
import type { ModelChoices, PastChoices, SharedState, Trouble } from './state.ts';

/** The language under which the model of all others stands. */
export const ALL_LANGUAGES = '*';

/** So many changes can be taken back, one after another. */
const REMEMBERED = 20;

export interface CompletionModelSources {
  /** The extension's own folder, where starters are. */
  extension: string;
  runs: Pick<RunStore, 'all'>;
  state: SharedState;
}

/**
 * Which model completes in which language. Every change is remembered, so that it can be taken back, by a person or by
 * what found out that the model of before was better.
 */
export class CompletionModels {
  private readonly sources: CompletionModelSources;

  constructor(sources: CompletionModelSources) {
    this.sources = sources;
  }

  /** Some language has another model. */
  get changed(): Emitter<void> {
    return this.sources.state.changed;
  }

  get choices(): ModelChoices {
    return this.sources.state.now.models;
  }

  /** The model of a language as it was chosen: a folder, or a starter's name. Null where none was. */
  chosen(language: string): string | null {
    const { choices } = this;
    const own = Object.hasOwn(choices, language) ? choices[language] : undefined;
    return own ?? choices[ALL_LANGUAGES] ?? null;
  }

  /** As the engine is told. */
  folderOf(model: string): string {
    return isAbsolute(model) ? model : join(this.sources.extension, model);
  }

  /** The run that a model came of, where this window knows it. */
  runOf(model: string): Run | undefined {
    return this.sources.runs.all().find((run) => hasModel(run) && modelFolderOf(run) === model);
  }

  /** As a person knows it: its run's name, a starter's, or its folder's. */
  nameOf(model: string): string {
    const run = this.runOf(model);
    if (run) return run.record.name;
    if (!isAbsolute(model)) return model;
    // A run's model that this window does not know is in `<run>/model`.
    return basename(model) === 'model' ? basename(dirname(model)) : basename(model);
  }

  /**
   * Completes some languages with a model from now on, or, for null, as it is done with all others. What made this model
   * fail before is forgotten.
   */
  async use(model: string | null, languages: readonly string[]): Promise<void> {
    await this.sources.state.update(({ models, history, troubles }) => {
      const next: Record<string, string> = { ...models };
      for (const language of languages) {
        if (model === null) delete next[language];
        else next[language] = model;
      }
      return {
        models: next,
        history: remembered(history, models, next),
        troubles: troubles.filter((one) => one.model !== model && !isAbout(one, languages)),
      };
    });
  }

  /** What a rollback would bring back; null where nothing was changed. */
  get previous(): PastChoices | null {
    return this.sources.state.now.history.at(-1) ?? null;
  }

  /** Goes back to the choices before the last change. Gives what they are then, or null where there was none. */
  async rollback(): Promise<ModelChoices | null> {
    let models: ModelChoices | null = null;
    await this.sources.state.update(({ history }) => {
      const past = history.at(-1);
      if (!past) return null;
      models = past.models;
      return { models, history: history.slice(0, -1), troubles: [] };
    });
    return models;
  }

  /** Why a language's model is not asked any more; null where it is. */
  troubleOf(language: string): Trouble | null {
    const model = this.chosen(language);
    const { troubles } = this.sources.state.now;
    return troubles.find((one) => one.model === model && one.language === language) ?? null;
  }

  /** Switches a model off for a language. False where a window, this one or another, has done so before. */
  async switchOff(trouble: Trouble): Promise<boolean> {
    return await this.sources.state.update(({ troubles }) =>
      troubles.some(({ language, model }) => language === trouble.language && model === trouble.model)
        ? null
        : { troubles: [...troubles, trouble] },
    );
  }

  /** Asks a language's model again, whatever was wrong with it. */
  async switchOn(language: string): Promise<void> {
    await this.sources.state.update(({ troubles }) => ({
      troubles: troubles.filter((one) => one.language !== language),
    }));
  }
}

/** Whether a trouble is about languages that were just chosen for: all of them where the rest's model was. */
const isAbout = ({ language }: Trouble, languages: readonly string[]): boolean =>
  languages.includes(language) || languages.includes(ALL_LANGUAGES);

function remembered(history: readonly PastChoices[], before: ModelChoices, after: ModelChoices): PastChoices[] {
  const same = JSON.stringify(sorted(before)) === JSON.stringify(sorted(after));
  return same ? [...history] : [...history, { at: Date.now(), models: before }].slice(-REMEMBERED);
}

const sorted = (choices: ModelChoices) => Object.entries(choices).sort(([a], [b]) => (a < b ? -1 : 1));

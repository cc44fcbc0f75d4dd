import { type FSWatcher, watch } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readOwnJson } from '../../files/json.ts';
import { withLock } from '../../files/lock.ts';
import { writeFileAtomically } from '../../files/write-file.ts';
import { Emitter } from '../events.ts';
import type { Log } from '../log.ts';

/** Which model completes what: by the editor's name of a language, `*` being the rest. */
export type ModelChoices = Readonly<Record<string, string>>;

/** Choices as they were, and when something else took their place. */
export interface PastChoices {
  /** Milliseconds since 1970. */
  at: number;
  models: ModelChoices;
}

/** Why a model completes nothing in a language any more, until somebody chooses again. */
export interface Trouble {
  language: string;
  model: string;
  message: string;
}

/** A run that is to take the place of a model that completes, once it has ended and if it is better. */
export interface PendingUpdate {
  /** Its folder. */
  run: string;
  /** As it was chosen. */
  model: string;
  /** The process that is to tell what comes of it: the window where it was asked for, or one that took it over. */
  by?: number;
}

/** What came of the last update. */
export interface UpdateOutcome {
  /** Folder of its run. */
  run: string;
  /** The run's name. */
  name: string;
  text: string;
}

/** What all windows of this person share of completions. */
export interface CompletionState {
  models: ModelChoices;
  /** The newest last. */
  history: readonly PastChoices[];
  troubles: readonly Trouble[];
  /** When it was asked whether to complete at all, and whether it may be asked again. */
  asked: { at: number; never: boolean } | null;
  /** Nothing is completed by itself before this moment, in milliseconds since 1970. */
  snoozedUntil: number;
  updates: readonly PendingUpdate[];
  outcome: UpdateOutcome | null;
}

const NOTHING: CompletionState = {
  ...{ models: {}, history: [], troubles: [], asked: null, snoozedUntil: 0 },
  ...{ updates: [], outcome: null },
};

const MAX_BYTES = 1 << 20;
/** Another window writes with a rename, of which a system may tell in several events. */
const SOON_MS = 50;

/**
 * The state that windows share: a small file in the extension's global storage, changed under a lock, so that two
 * windows that do the same at the same moment do it once. Each window hears of what another has written.
 */
export class SharedState {
  /** It is not what it was, by this window or another. */
  readonly changed = new Emitter<void>();
  private readonly folder: string;
  private readonly log: Log;
  private state: CompletionState = NOTHING;
  private text = '';
  private first: Promise<void> | null = null;
  private watcher: FSWatcher | null = null;
  private soon: NodeJS.Timeout | undefined;

  constructor(folder: string, log: Log) {
    this.folder = folder;
    this.log = log;
  }

  /** As it was read last. */
  get now(): CompletionState {
    return this.state;
  }

  /** The first reading, once; from then on it is watched. */
  ready(): Promise<void> {
    this.first ??= this.begin();
    return this.first;
  }

  /**
   * Changes it. `change` gets what is there now, whichever window wrote it, and gives what is to be there; null leaves it.
   * @returns whether it was changed
   */
  async update(change: (state: CompletionState) => Partial<CompletionState> | null): Promise<boolean> {
    await this.ready();
    await mkdir(this.folder, { recursive: true });
    const done = await withLock(`${this.file}.lock`, async () => {
      await this.read();
      const changes = change(this.state);
      if (changes === null) return false;
      await writeFileAtomically(this.file, `${JSON.stringify({ ...this.state, ...changes }, null, 2)}\n`, 0o600);
      return true;
    });
    if (done) await this.reread();
    return done;
  }

  dispose(): void {
    clearTimeout(this.soon);
    this.watcher?.close();
    this.changed.dispose();
  }

  private get file(): string {
    return join(this.folder, 'completions.json');
  }

  private async begin(): Promise<void> {
    await this.read();
    try {
      await mkdir(this.folder, { recursive: true });
      this.watcher = watch(this.folder, { persistent: false }, () => {
        clearTimeout(this.soon);
        this.soon = setTimeout(() => void this.reread(), SOON_MS);
      });
      this.watcher.on('error', (error) => this.log.warn(`Watching ${this.folder}: ${error.message}`));
    } catch (error) {
      // Without it another window's choices are known after the next change of this one, or a reload.
      this.log.warn(`${this.folder} is not watched: ${(error as Error).message}`);
    }
  }

  private async reread(): Promise<void> {
    const before = this.text;
    await this.read();
    if (this.text !== before) this.changed.fire();
  }

  private async read(): Promise<void> {
    try {
      const value = await readOwnJson(this.file, MAX_BYTES);
      this.state = parseState(value);
    } catch (error) {
      this.log.warn(`${this.file} cannot be read, so nothing is completed: ${(error as Error).message}`);
      this.state = NOTHING;
    }
    this.text = JSON.stringify(this.state);
  }
}

/** What a file says, each part by itself: one that does not fit is as if it had not been written. */
export function parseState(value: unknown): CompletionState {
  const file = isObject(value) ? value : {};
  return {
    models: choicesOf(file.models),
    history: list(file.history).flatMap((past) =>
      isObject(past) && typeof past.at === 'number' ? [{ at: past.at, models: choicesOf(past.models) }] : [],
    ),
    troubles: list(file.troubles).flatMap((one) => {
      const { language, model, message } = isObject(one) ? one : {};
      return typeof language === 'string' && typeof model === 'string' && typeof message === 'string'
        ? [{ language, model, message }]
        : [];
    }),
    asked:
      isObject(file.asked) && typeof file.asked.at === 'number'
        ? { at: file.asked.at, never: file.asked.never === true }
        : null,
    snoozedUntil: typeof file.snoozedUntil === 'number' ? file.snoozedUntil : 0,
    updates: list(file.updates).flatMap((one) => {
      const { run, model, by } = isObject(one) ? one : {};
      if (typeof run !== 'string' || typeof model !== 'string') return [];
      return [{ run, model, ...(isProcess(by) && { by }) }];
    }),
    outcome: outcomeOf(file.outcome),
  };
}

function outcomeOf(value: unknown): UpdateOutcome | null {
  const { run, name, text } = isObject(value) ? value : {};
  const isWhole = typeof run === 'string' && typeof name === 'string' && typeof text === 'string';
  return isWhole ? { run, name, text } : null;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** 0 and below mean groups of processes. */
const isProcess = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** Under own names alone: what every object has is no language. */
function choicesOf(value: unknown): ModelChoices {
  const entries = isObject(value) ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

import * as vscode from 'vscode';
import { looksSecret } from '../../completions/secret-files.ts';
import { setting } from '../settings.ts';
import type { IgnoredFiles } from './ignored.ts';
import { languageName } from './languages.ts';
import type { CompletionModels } from './models.ts';
import type { SharedState } from './state.ts';

/** Why nothing is completed in a document. */
export interface WhyNot {
  kind:
    | 'untrusted'
    | 'off'
    | 'place'
    | 'language'
    | 'secret'
    | 'ignored'
    | 'no-model'
    | 'trouble'
    /** By itself; who asks for it gets it. */
    | 'snoozed';
  /** For the status bar, in a few words. */
  short: string;
  /** In a sentence. */
  text: string;
}

export interface GateSources {
  models: CompletionModels;
  state: SharedState;
  ignored: Pick<IgnoredFiles, 'isIgnored'>;
}

/** Documents that people write: files, those that have none yet, and cells of notebooks. */
export const SCHEMES: readonly string[] = ['file', 'untitled', 'vscode-notebook-cell'];

/** Decides in which documents anything is completed, and says why not in the others. */
export class Gate {
  private readonly sources: GateSources;

  constructor(sources: GateSources) {
    this.sources = sources;
  }

  async whyNot(document: vscode.TextDocument): Promise<WhyNot | null> {
    const { models, state, ignored } = this.sources;
    const { languageId: language, uri } = document;
    if (!vscode.workspace.isTrusted)
      return because('untrusted', 'untrusted workspace', 'Nothing is completed in a workspace that is not trusted.');
    if (!setting('luthier.completions.enabled')) return because('off', 'off', 'Completions are off.');
    if (!SCHEMES.includes(uri.scheme))
      return because('place', 'not a file', 'Only files, new documents and cells of notebooks are completed.');
    const name = nameOf(uri);
    if (looksSecret(uri.fsPath))
      return because('secret', 'may hold secrets', `${name} may hold keys or passwords, so it is never completed.`);
    const called = languageName(language);
    if (!setting('luthier.completions.languages').includes(language))
      return because('language', `off for ${called}`, `Completions are off for ${called}.`);
    await state.ready();
    if (models.chosen(language) === null)
      return because('no-model', 'no model', `No model has been chosen for ${called}.`);
    if (uri.scheme !== 'untitled' && (await ignored.isIgnored(uri.fsPath)))
      return because('ignored', 'ignored by Git', `Git ignores ${name}, so it is never completed.`);
    const trouble = models.troubleOf(language);
    if (trouble) return because('trouble', 'switched off', trouble.message);
    const { snoozedUntil } = state.now;
    if (snoozedUntil > Date.now()) {
      const until = new Date(snoozedUntil).toLocaleTimeString(vscode.env.language, {
        hour: '2-digit',
        minute: '2-digit',
      });
      return because('snoozed', `snoozed until ${until}`, `Nothing is completed by itself until ${until}.`);
    }
    return null;
  }
}

const because = (kind: WhyNot['kind'], short: string, text: string): WhyNot => ({ kind, short, text });

const nameOf = (uri: vscode.Uri): string => uri.path.split('/').at(-1) ?? uri.path;

import type * as vscode from 'vscode';
import type { PromptChecked, PromptProblem, PromptRequests } from '../../protocol/index.ts';
import { isCancelled } from '../errors.ts';
import { Emitter } from '../events.ts';
import type { Log } from '../log.ts';
import type { PromptDocuments } from './documents.ts';
import { placed } from './placed.ts';

export interface PromptChecksOptions {
  /** What the engine says of a template with its model; null where it is not asked. */
  ask: ((params: PromptRequests['prompt/check']['params'], signal: AbortSignal) => Promise<PromptChecked>) | null;
  /** The model that a template is bound to: its folder. Null where there is none yet. */
  modelOf(document: vscode.TextDocument): Promise<string | null>;
  /** Whether the engine may be started for what nobody asked for. */
  mayStart(): Promise<boolean>;
  log: Log;
  /** Milliseconds without a change after which the text is looked at, and after which the engine is asked. */
  pauseMs?: number;
  engineMs?: number;
}

interface Entry {
  timer: NodeJS.Timeout | undefined;
  slow: NodeJS.Timeout | undefined;
  abort: AbortController | undefined;
  asked: { version: number; checked: PromptChecked } | undefined;
}

/** The problems of open templates: of their text at once, of text and model together when typing has paused. */
export class PromptChecks {
  /** Problems of a document may be others now. */
  readonly changed = new Emitter<vscode.TextDocument>();
  private readonly entries = new Map<string, Entry>();
  private readonly documents: PromptDocuments;
  private readonly options: PromptChecksOptions;

  constructor(documents: PromptDocuments, options: PromptChecksOptions) {
    this.documents = documents;
    this.options = options;
  }

  dispose(): void {
    for (const id of [...this.entries.keys()]) this.drop(id);
  }

  /** Looks at a document soon, and then with its model. */
  schedule(document: vscode.TextDocument): void {
    const { pauseMs = 150, engineMs = 600 } = this.options;
    const id = document.uri.toString();
    const entry = this.entries.get(id) ?? { timer: undefined, slow: undefined, abort: undefined, asked: undefined };
    this.entries.set(id, entry);
    clearTimeout(entry.timer);
    clearTimeout(entry.slow);
    entry.abort?.abort();
    entry.timer = setTimeout(() => this.changed.fire(document), pauseMs);
    if (this.options.ask) entry.slow = setTimeout(() => void this.ask(document, entry), engineMs);
  }

  forget(document: vscode.TextDocument): void {
    this.drop(document.uri.toString());
  }

  /** Of the text, and of what the engine said of this very version. */
  problemsOf(document: vscode.TextDocument): PromptProblem[] {
    const look = this.documents.look(document);
    if (!look) return [];
    const own = [...look.file.problems, ...look.check.problems];
    const asked = this.asked(document)?.problems ?? [];
    // The engine reads the text, too, and says of a place what is said already, or that what has errors cannot be rendered.
    const hasErrors = own.some(({ severity }) => severity === 'error');
    const isSaid = (problem: PromptProblem) =>
      (hasErrors && problem.code === 'render') ||
      own.some(({ range, message }) => message === problem.message || overlaps(range, problem.range));
    return [...own, ...asked.filter((problem) => !isSaid(problem))];
  }

  /** Tokens as the bound model counts them; null where nothing is known of this version of the text. */
  tokensOf(document: vscode.TextDocument): PromptChecked['tokens'] {
    return this.asked(document)?.tokens ?? null;
  }

  private asked(document: vscode.TextDocument): PromptChecked | null {
    const asked = this.entries.get(document.uri.toString())?.asked;
    return asked?.version === document.version ? asked.checked : null;
  }

  private drop(id: string): void {
    const entry = this.entries.get(id);
    clearTimeout(entry?.timer);
    clearTimeout(entry?.slow);
    entry?.abort?.abort();
    this.entries.delete(id);
  }

  private async ask(document: vscode.TextDocument, entry: Entry): Promise<void> {
    const { version } = document;
    entry.abort = new AbortController();
    const { signal } = entry.abort;
    try {
      if (!(await this.options.mayStart())) return;
      const model = await this.options.modelOf(document);
      if (signal.aborted || document.isClosed || !this.documents.look(document)) return;
      const source = { text: document.getText(), ...placed(document.uri), ...(model !== null && { model }) };
      const checked = await this.options.ask!(source, signal);
      if (signal.aborted || document.version !== version) return;
      entry.asked = { version, checked };
      this.changed.fire(document);
    } catch (error) {
      // An engine that does not work is told where a person asks for it; here the text's own problems go on.
      if (!signal.aborted && !isCancelled(error)) this.options.log.debug(`prompt/check: ${(error as Error).message}`);
    }
  }
}

const overlaps = (a: { start: number; end: number }, b: { start: number; end: number }): boolean =>
  a.start <= b.start && b.end <= a.end;

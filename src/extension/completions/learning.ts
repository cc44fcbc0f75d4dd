import * as vscode from 'vscode';
import { learnable } from '../../completions/learned.ts';
import { looksSecret } from '../../completions/secret-files.ts';
import { Emitter } from '../events.ts';
import type { Log } from '../log.ts';
import { setting } from '../settings.ts';
import { SCHEMES } from './gate.ts';
import type { IgnoredFiles } from './ignored.ts';
import { LearnedStore } from './learned-store.ts';
import { type Settled, Settling } from './settling.ts';
import type { Change, Ended } from './tracker.ts';

export interface LearningOptions {
  /** Of what all windows share of completions. */
  folder: string;
  ignored: Pick<IgnoredFiles, 'isIgnored'>;
  log: Log;
}

/**
 * Keeps what became of suggestions, where a person has turned that on: what stands in their place a minute later, or when
 * its document is closed. Nothing of it is kept of files that git ignores or that look secret, nor of workspaces that are
 * not trusted.
 */
export class Learning implements vscode.Disposable {
  readonly store: LearnedStore;
  /** It was turned on or off, or there are other rows. */
  readonly changed = new Emitter<void>();
  private readonly settling: Settling;
  private readonly options: LearningOptions;
  private readonly disposables: vscode.Disposable[];
  /** VS Code no longer lists a document that it says is closed. */
  private closing: vscode.TextDocument | null = null;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(options: LearningOptions) {
    this.options = options;
    this.store = new LearnedStore(options.folder);
    this.settling = new Settling({
      read: (uri, from, to) => this.textOf(uri, from, to),
      settled: (one) => this.keep(one),
    });
    this.disposables = [
      vscode.workspace.onDidCloseTextDocument((document) => {
        this.closing = document;
        this.settling.closed(document.uri.toString());
        this.closing = null;
      }),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (!change.affectsConfiguration('luthier.completions.learn')) return;
        // What was not kept yet is not kept any more.
        if (!this.isOn) this.settling.forget();
        this.changed.fire();
      }),
    ];
    this.store.changed.on(() => this.changed.fire());
  }

  get isOn(): boolean {
    return setting('luthier.completions.learn') && vscode.workspace.isTrusted;
  }

  ended(ended: Ended): void {
    if (!this.isOn) return;
    this.settling.began(ended);
    this.wait();
  }

  documentChanged(uri: string, changes: readonly Change[]): void {
    this.settling.changed(uri, changes);
  }

  /** Keeps what stands there now, for who looks at what is kept; ends when it is written. */
  flush(): Promise<void> {
    this.settling.flush();
    return this.writing;
  }

  dispose(): void {
    clearTimeout(this.timer);
    // As much of it as there is time for.
    void this.flush();
    for (const disposable of this.disposables) disposable.dispose();
    this.changed.dispose();
  }

  private wait(): void {
    if (this.timer !== undefined) return;
    const { next } = this.settling;
    if (next === null) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.settling.due();
      this.wait();
    }, next + 1);
  }

  /** One after another, so that rows are in the order in which they came to be. */
  private keep(settled: Settled): void {
    this.writing = this.writing.then(() => this.write(settled));
  }

  private async write({ suggestion, outcome, edited, text }: Settled): Promise<void> {
    const { log, ignored } = this.options;
    const { language, model, path, before, after, text: suggested } = suggestion;
    try {
      const uri = vscode.Uri.parse(suggestion.uri);
      // Its rules may be others than when it was suggested.
      if (!this.isOn || !SCHEMES.includes(uri.scheme) || looksSecret(uri.fsPath)) return;
      if (uri.scheme !== 'untitled' && (await ignored.isIgnored(uri.fsPath))) return;
      const row = learnable({
        ...{ id: '', at: new Date().toISOString(), outcome, edited, language, model },
        ...(path !== undefined && { file: path.replaceAll('\\', '/') }),
        ...{ prompt: before, suggestion: suggested, completion: text, after },
      });
      if (row === null) return;
      const { id: _, ...kept } = row;
      const gone = await this.store.add([kept]);
      if (gone > 0) log.info(`${gone} of the oldest completions are no longer kept: there is room for no more.`);
    } catch (error) {
      // Learning must not get in anybody's way.
      log.warn(`A completion was not kept: ${(error as Error).message}`);
    }
  }

  private textOf(uri: string, from: number, to: number): string | null {
    const is = (document: vscode.TextDocument) => document.uri.toString() === uri;
    const document = vscode.workspace.textDocuments.find(is) ?? this.closing;
    if (!document || !is(document)) return null;
    return document.getText(new vscode.Range(document.positionAt(from), document.positionAt(to)));
  }
}

import * as vscode from 'vscode';
import {
  type CompletionsMessage,
  type CompletionsRequest,
  parseCompletionsRequest,
  parseCompletionsState,
} from '../../protocol/completions-page.ts';
import { counted } from '../../protocol/index.ts';
import type { Completions } from '../completions/completions.ts';
import { dayOf } from '../completions/counts.ts';
import { languageName } from '../completions/languages.ts';
import { COMMANDS, PANELS } from '../ids.ts';
import type { Log } from '../log.ts';
import { confirm } from '../ui.ts';
import { Panel } from './panel.ts';
import { OnlyPanel } from './panels.ts';

const TITLE = 'Completions';
/** What is counted while the page is seen is shown this often. */
const DRAW_MS = 500;

export interface CompletionPagesOptions {
  extension: vscode.Uri;
  completions: Pick<Completions, 'counts' | 'models'>;
  log: Log;
}

/** The page of what became of suggestions: one, of all of them. */
export class CompletionPages extends OnlyPanel {
  private readonly options: CompletionPagesOptions;

  constructor(options: CompletionPagesOptions) {
    super(PANELS.completions, options.extension, TITLE, parseCompletionsState);
    this.options = options;
  }

  protected start(panel: vscode.WebviewPanel): CountsPage {
    return new CountsPage(panel, this.options);
  }
}

class CountsPage {
  private readonly options: CompletionPagesOptions;
  private readonly wire: Panel<CompletionsRequest, CompletionsMessage>;
  private readonly subscription: { dispose(): void };
  private due: NodeJS.Timeout | undefined;

  constructor(panel: vscode.WebviewPanel, options: CompletionPagesOptions) {
    this.options = options;
    this.wire = new Panel(
      panel,
      options.extension,
      { name: 'completions', title: TITLE },
      options.log,
      parseCompletionsRequest,
      (request) => this.handle(request),
      (request, error) => error && { type: 'failed', request: request.type, error },
    );
    this.subscription = options.completions.counts.changed.on(() => {
      this.due ??= setTimeout(() => {
        this.due = undefined;
        if (this.wire.visible) this.send().catch((error: Error) => options.log.error(error));
      }, DRAW_MS);
    });
  }

  dispose(): void {
    clearTimeout(this.due);
    this.subscription.dispose();
  }

  private async handle({ type }: Exclude<CompletionsRequest, { type: 'log' | 'pageFailed' | 'reload' | 'showLog' }>) {
    const { counts } = this.options.completions;
    switch (type) {
      case 'ready':
        return await this.send();
      case 'choose':
        await vscode.commands.executeCommand(COMMANDS.chooseCompletionModel);
        return;
      case 'delete': {
        const shown = (await counts.all()).reduce((sum, line) => sum + line.shown, 0);
        await confirm(
          'Delete the counts of completions?',
          `What became of ${counted(shown, 'suggestion')} is forgotten, in all windows. Models and settings stay as they are.`,
          'Delete',
        );
        await counts.delete();
        return await this.send();
      }
    }
  }

  private async send(): Promise<void> {
    const { counts, models } = this.options.completions;
    const days = (await counts.all()).map((line) => ({
      ...line,
      name: models.nameOf(line.model),
      language: languageName(line.language),
    }));
    this.wire.post({ type: 'snapshot', days, today: dayOf(new Date()) });
  }
}

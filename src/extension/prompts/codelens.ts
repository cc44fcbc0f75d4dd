import * as vscode from 'vscode';
import { COMMANDS } from '../ids.ts';
import type { RunStore } from '../runs/store.ts';
import { templateOf } from './documents.ts';
import type { TemplateModels } from './models.ts';

/** Try · Compare and the bound model, above the first line of a template; above a broken one, too. */
export class PromptLens implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly emitter = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.emitter.event;
  private readonly models: TemplateModels;
  private readonly subscriptions: { dispose(): void }[];
  /** Runs with a model, as last told. */
  private told = '[]';

  constructor(models: TemplateModels, runs: Pick<RunStore, 'changed'>) {
    this.models = models;
    this.subscriptions = [
      models.changed(() => this.emitter.fire()),
      runs.changed.on(() => {
        // A run that trains changes many times a second; what is offered changes with the runs that have ended.
        const now = JSON.stringify(models.trained().map(({ folder, record }) => [folder, record.name]));
        if (now === this.told) return;
        this.told = now;
        this.emitter.fire();
      }),
    ];
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    this.emitter.dispose();
  }

  async provideCodeLenses(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    const file = templateOf(document);
    if (!file) return [];
    const top = new vscode.Range(0, 0, 0, 0);
    const lens = (title: string, tooltip: string, command: string) =>
      new vscode.CodeLens(top, { title, tooltip, command, arguments: [document.uri] });
    const { model, offered } = await this.models.bound(document, file);
    const column = model && (await this.models.describe({ model, version: null }));
    const name = column?.name ?? 'No model';
    return [
      lens('$(play) Try', 'Render the template with a row, and see what a model answers', COMMANDS.tryTemplate),
      lens(
        '$(split-horizontal) Compare',
        'Compare models, or versions of the template, on the same rows',
        COMMANDS.compareTemplate,
      ),
      lens(
        '$(mortar-board) Use in Training',
        'Fine-tune a model on rows that go through the template',
        COMMANDS.useTemplateInTraining,
      ),
      lens(
        column?.problem ? `$(warning) ${name}` : `$(hubot) ${name}${offered ? ' (offered)' : ''}`,
        [column?.problem, offered, 'Choose the model that answers'].filter(Boolean).join('\n'),
        COMMANDS.chooseTemplateModel,
      ),
    ];
  }
}

import type * as vscode from 'vscode';
import type { PromptFile } from '../../prompts/prompt-file.ts';
import type { PromptMode } from '../../protocol/prompt-page.ts';
import { MEMENTO_KEYS } from '../ids.ts';
import { type ColumnRef, columnId, type TemplateModels } from './models.ts';

/** What a template is asked of: the bound model, and where answers are compared what a person added besides. */
export class ComparedColumns {
  private readonly mode: PromptMode;
  private readonly models: TemplateModels;
  private readonly memento: vscode.Memento;

  constructor(mode: PromptMode, models: TemplateModels, memento: vscode.Memento) {
    this.mode = mode;
    this.models = models;
    this.memento = memento;
  }

  async of(document: vscode.TextDocument, file: PromptFile): Promise<ColumnRef[]> {
    const { model } = await this.models.bound(document, file);
    const first: ColumnRef[] = model ? [{ model, version: null }] : [];
    if (this.mode === 'try') return first;
    const added = this.added()[document.uri.toString()];
    if (added) return added;
    // What one wants to know first of a tuned model: whether it is better than it was.
    const base = model && (await this.models.baseOf(model));
    return base ? [{ model: base, version: null }, ...first] : first;
  }

  /** One more; what is there already stays once. */
  async add(document: vscode.TextDocument, columns: readonly ColumnRef[], added: ColumnRef): Promise<void> {
    if (columns.some((ref) => columnId(ref) === columnId(added))) return;
    await this.set(document, [...columns, added]);
  }

  async remove(document: vscode.TextDocument, columns: readonly ColumnRef[], id: string): Promise<void> {
    await this.set(
      document,
      columns.filter((ref) => columnId(ref) !== id),
    );
  }

  private added(): Record<string, ColumnRef[]> {
    return this.memento.get<Record<string, ColumnRef[]>>(MEMENTO_KEYS.templateColumns) ?? {};
  }

  private async set(document: vscode.TextDocument, columns: ColumnRef[]): Promise<void> {
    await this.memento.update(MEMENTO_KEYS.templateColumns, {
      ...this.added(),
      [document.uri.toString()]: columns,
    });
  }
}

import * as vscode from 'vscode';
import type { CodeLanguage } from '../../protocol/prompt.ts';
import { PANELS } from '../ids.ts';
import { Panels } from '../views/panels.ts';
import { Answers } from './answers.ts';
import { copyCode } from './copy-code.ts';
import { templateOf } from './documents.ts';
import { PromptPage, type PromptPanelOptions, type TriedTemplate, titleOf } from './prompt-page.ts';

/** The pages in which templates are tried and compared, one of each a template. */
export class PromptPanels extends Panels<TriedTemplate> {
  private readonly options: PromptPanelOptions;

  constructor(options: PromptPanelOptions) {
    super(PANELS.prompt, options.extension);
    this.options = options;
  }

  /** Puts a program that asks a template's model, with its sample, into the clipboard. */
  async copyCode(document: vscode.TextDocument, language: CodeLanguage): Promise<void> {
    const { service, runs, keys, memento, models } = this.options;
    const { model } = await models.bound(document, templateOf(document)!);
    const answers = new Answers({ service, runs, keys, memento });
    const ref = model ? { model, version: null } : undefined;
    await copyCode({ ...this.options, answers }, document, ref, {}, language);
  }

  protected override get column(): vscode.ViewColumn {
    return vscode.ViewColumn.Beside;
  }

  protected keyOf({ mode, uri }: TriedTemplate): string {
    return `${mode} ${uri.toString()}`;
  }

  protected titleOf(about: TriedTemplate): string {
    return titleOf(about);
  }

  protected async find(state: unknown): Promise<TriedTemplate | undefined> {
    const { template, mode } = (state ?? {}) as { template?: unknown; mode?: unknown };
    if (typeof template !== 'string' || (mode !== 'try' && mode !== 'compare')) return undefined;
    return { mode, uri: vscode.Uri.parse(template) };
  }

  protected start(panel: vscode.WebviewPanel, about: TriedTemplate): PromptPage {
    return new PromptPage(panel, about, this.options);
  }
}

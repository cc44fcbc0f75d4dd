import * as vscode from 'vscode';
import type { Emitter } from '../events.ts';
import { PROMPT_LANGUAGE } from '../ids.ts';
import type { Log } from '../log.ts';
import { PromptChecks, type PromptChecksOptions } from './checks.ts';
import { type CompletionSources, PromptCompletion } from './completion.ts';
import { PromptDiagnostics } from './diagnostics.ts';
import { PROMPT_SELECTOR, PromptDocuments } from './documents.ts';
import { PromptFormat } from './format.ts';
import { PromptHover } from './hover.ts';
import { PromptNames } from './names.ts';
import { PromptOutline } from './outline.ts';
import { PromptFiles, type SurroundingsOptions } from './surroundings.ts';

export interface PromptLanguageOptions extends SurroundingsOptions, PromptChecksOptions, CompletionSources {
  log: Log;
  /** Datasets have come, gone or changed. */
  dataChanged: Emitter<void>;
}

/** What the editor knows of prompt templates, without an engine where none may be started. */
export class PromptLanguage implements vscode.Disposable {
  private readonly disposables: { dispose(): void }[];

  constructor(options: PromptLanguageOptions) {
    const files = new PromptFiles(options);
    const documents = new PromptDocuments(files);
    const checks = new PromptChecks(documents, options);
    const diagnostics = new PromptDiagnostics(checks);
    const names = new PromptNames(documents);
    const outline = new PromptOutline(documents);
    const selector = PROMPT_SELECTOR;
    const { languages } = vscode;
    // A sample may be changed in another editor, or by a program.
    const samples = vscode.workspace.createFileSystemWatcher('**/*.json');
    const changed = () => {
      files.refresh();
      diagnostics.checkOpen();
    };
    const sampleChanged = (uri: vscode.Uri) => files.isSample(uri) && changed();
    samples.onDidChange(sampleChanged);
    samples.onDidCreate(sampleChanged);
    samples.onDidDelete(sampleChanged);
    this.disposables = [
      samples,
      files.changed.on((uri) => {
        const document = vscode.workspace.textDocuments.find((one) => one.uri.toString() === uri.toString());
        if (document) checks.schedule(document);
      }),
      options.dataChanged.on(changed),
      diagnostics,
      checks,
      languages.registerDocumentSymbolProvider(selector, outline, { label: 'Prompt Template' }),
      languages.registerFoldingRangeProvider(selector, outline),
      languages.registerHoverProvider(selector, new PromptHover(documents, checks)),
      languages.registerCompletionItemProvider(
        selector,
        new PromptCompletion(documents, options),
        ...PromptCompletion.triggers,
      ),
      languages.registerCodeActionsProvider(selector, diagnostics, PromptDiagnostics.kinds),
      languages.registerDefinitionProvider(selector, names),
      languages.registerReferenceProvider(selector, names),
      languages.registerRenameProvider(selector, names),
      languages.registerDocumentFormattingEditProvider({ language: PROMPT_LANGUAGE }, new PromptFormat(documents)),
    ];
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }
}

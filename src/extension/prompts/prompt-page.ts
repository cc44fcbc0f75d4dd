import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { PromptFile } from '../../prompts/prompt-file.ts';
import type { ErrorData } from '../../protocol/index.ts';
import {
  type PromptMode,
  type PromptPageMessage,
  type PromptPageRequest,
  type PromptRow,
  parsePromptPageRequest,
  type WayOn,
} from '../../protocol/prompt-page.ts';
import type { EngineService } from '../engine/service.ts';
import { HostError as Failure, type HostError, isCancelled, toErrorData, toHostError, type Way } from '../errors.ts';
import { COMMANDS } from '../ids.ts';
import type { Log } from '../log.ts';
import type { RunStore } from '../runs/store.ts';
import { BUTTONS, follow } from '../ui.ts';
import { openAtLine } from '../views/open.ts';
import { Panel } from '../views/panel.ts';
import { Answers, type Filling } from './answers.ts';
import { chooseColumn } from './choose.ts';
import { ComparedColumns } from './compared.ts';
import { copyCode } from './copy-code.ts';
import { templateOf } from './documents.ts';
import type { EndpointKeys } from './endpoint-keys.ts';
import { examplesFile, type KeptExample, keepExample, undoKeep } from './examples.ts';
import { fillingOf } from './filling.ts';
import { type ColumnRef, columnId, type TemplateModels } from './models.ts';
import { pickRows } from './pick-rows.ts';
import { snapshotOf, UNTRUSTED } from './snapshot.ts';
import { Votes } from './votes.ts';

export interface PromptPanelOptions {
  extension: vscode.Uri;
  service: Pick<EngineService, 'request'>;
  runs: RunStore;
  log: Log;
  models: TemplateModels;
  keys: EndpointKeys;
  memento: vscode.Memento;
}

/** What a page is about. */
export interface TriedTemplate {
  mode: PromptMode;
  uri: vscode.Uri;
}

export const titleOf = ({ mode, uri }: TriedTemplate): string =>
  `${mode === 'try' ? 'Try' : 'Compare'} ${uri.path.split('/').at(-1)}`;

/** After so long without a key the page sees the template as it is now. */
const PAUSE_MS = 200;

type Asked<T extends PromptPageRequest['type']> = Extract<PromptPageRequest, { type: T }>;

/** The host's end of a page in which a template is tried or compared. */
export class PromptPage {
  private readonly about: TriedTemplate;
  private readonly options: PromptPanelOptions;
  private readonly answers: Answers;
  private readonly compared: ComparedColumns;
  private readonly votes: Votes;
  private readonly wire: Panel<PromptPageRequest, PromptPageMessage>;
  private readonly subscriptions: { dispose(): void }[];
  private running: AbortController | null = null;
  private rendering: AbortController | null = null;
  private estimating: AbortController | null = null;
  private kept: KeptExample | null = null;
  /** What the page was told, by number: each one's buttons lead on from it. */
  private readonly failures: HostError[] = [];
  private soon: NodeJS.Timeout | undefined;
  /** What the page was last sent a snapshot of. */
  private sent = '';

  constructor(panel: vscode.WebviewPanel, about: TriedTemplate, options: PromptPanelOptions) {
    this.about = about;
    this.options = options;
    const { service, runs, keys, memento } = options;
    this.answers = new Answers({ service, runs, keys, memento });
    this.compared = new ComparedColumns(about.mode, options.models, memento);
    this.votes = new Votes(about.uri, memento);
    this.wire = new Panel(
      panel,
      options.extension,
      { name: 'prompt', title: titleOf(about) },
      options.log,
      parsePromptPageRequest,
      (request) => this.handle(request),
      (request, _, failure) => failure && { type: 'failed', request: request.type, ...this.told(failure) },
    );
    const soon = () => {
      this.soon ??= setTimeout(() => this.refresh(), PAUSE_MS);
    };
    const typed = () => {
      clearTimeout(this.soon);
      this.soon = undefined;
      soon();
    };
    this.subscriptions = [
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (document.uri.toString() === about.uri.toString()) typed();
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(soon),
      options.models.changed(soon),
      options.runs.changed.on(soon),
    ];
  }

  dispose(): void {
    clearTimeout(this.soon);
    for (const subscription of this.subscriptions) subscription.dispose();
    for (const controller of [this.running, this.rendering, this.estimating]) controller?.abort();
  }

  private async handle(request: Exclude<PromptPageRequest, { type: 'log' | 'pageFailed' | 'reload' | 'showLog' }>) {
    switch (request.type) {
      case 'ready':
        // A page that comes back has kept what was written, and does not wait for more.
        this.running?.abort();
        return await this.sendSnapshot();
      case 'render':
        return await this.render(request);
      case 'estimate':
        return await this.estimate(request);
      case 'run':
        return await this.run(request);
      case 'cancel':
        return this.running?.abort();
      case 'pickRows':
        return await this.pickRows();
      case 'chooseModel':
        await vscode.commands.executeCommand(COMMANDS.chooseTemplateModel, this.about.uri);
        return;
      case 'addColumn':
        return await this.addColumn();
      case 'removeColumn':
        await this.compared.remove(await this.document(), await this.columns(), request.column);
        return await this.sendSnapshot();
      case 'vote':
        return await this.votes.keep(request.votes);
      case 'clearVotes':
        await this.votes.clear();
        return this.sendVotes();
      case 'keep':
        return await this.keep(request);
      case 'undoKeep':
        return await this.undoKeep();
      case 'openKept':
        return await openAtLine(examplesFile(this.about.uri.fsPath), request.line);
      case 'openTemplate':
        await vscode.window.showTextDocument(this.about.uri, { viewColumn: vscode.ViewColumn.One });
        return;
      case 'follow':
        return await this.follow(request);
      case 'copyText':
        return await vscode.env.clipboard.writeText(request.text);
      case 'copyCode':
        return await this.copyCode(request);
    }
  }

  // ---- what is tried ---------------------------------------------------------------------------------------------

  private async document(): Promise<vscode.TextDocument> {
    return await vscode.workspace.openTextDocument(this.about.uri);
  }

  private async template(): Promise<{ document: vscode.TextDocument; file: PromptFile }> {
    const document = await this.document();
    const file = templateOf(document);
    if (file) return { document, file };
    throw new Failure(
      'usage',
      `${basename(this.about.uri.path)} is no prompt template.`,
      'A .prompty file is one, and a .prompt.md with inputs or a sample in its front matter.',
    );
  }

  /** Tells what has changed, if anything has: a run that trains changes many times a second. */
  private refresh(): void {
    this.soon = undefined;
    this.sendSnapshot(true).catch((error: unknown) => {
      // The page shows the failure until it is sent something else, be that what it had before.
      this.sent = '';
      this.wire.post({ type: 'failed', request: 'ready', ...this.told(error) });
    });
  }

  private async sendSnapshot(onlyNew = false): Promise<void> {
    const { document, file } = await this.template();
    const columns = await this.compared.of(document, file);
    const snapshot = await snapshotOf(this.about.mode, document, file, columns, this.options.models);
    // A template of another text is rendered anew, also where the page has nothing else to show.
    const state = JSON.stringify([document.version, snapshot]);
    if (onlyNew && state === this.sent) return;
    this.sent = state;
    this.wire.post({ type: 'snapshot', ...snapshot });
    // A page that comes back has none; one that is told of a change has its own.
    if (!onlyNew) this.sendVotes();
  }

  private sendVotes(): void {
    if (this.about.mode === 'compare') this.wire.post({ type: 'votes', votes: this.votes.all() });
  }

  // ---- what it is asked of ---------------------------------------------------------------------------------------

  private async columns(): Promise<ColumnRef[]> {
    const { document, file } = await this.template();
    return await this.compared.of(document, file);
  }

  private async addColumn(): Promise<void> {
    requireTrust();
    const columns = await this.columns();
    const document = await this.document();
    await this.compared.add(document, columns, await chooseColumn(this.options, document, columns));
    await this.sendSnapshot();
  }

  // ---- prompts ---------------------------------------------------------------------------------------------------

  private async render({ id, values }: Asked<'render'>): Promise<void> {
    this.rendering?.abort();
    const controller = new AbortController();
    this.rendering = controller;
    try {
      requireTrust();
      const [column] = await this.columns();
      const ref = column ?? { model: this.options.models.starter, version: null };
      const { document, file } = await this.template();
      const rendered = await this.answers.render(
        document,
        ref,
        this.filling({ id: '', values }, file),
        controller.signal,
      );
      const { messages, prompt, tokens, warnings } = rendered;
      this.wire.post({
        ...{ type: 'rendered', id, prompt, tokens },
        // A completion has no roles: its text is the prompt.
        messages: file.model.api === 'chat' ? [...messages] : [],
        warnings: warnings.map(({ message, line }) => (line === null ? message : `Line ${line}: ${message}`)),
      });
    } catch (error) {
      if (isCancelled(error)) return;
      this.wire.post({ type: 'notRendered', id, error: toErrorData(toHostError(error)) });
    } finally {
      if (this.rendering === controller) this.rendering = null;
    }
  }

  private async estimate({ id, rows }: Asked<'estimate'>): Promise<void> {
    this.estimating?.abort();
    const controller = new AbortController();
    this.estimating = controller;
    requireTrust();
    const { document, file } = await this.template();
    const sendings = await this.answers.sendings(
      document,
      await this.columns(),
      rows.map((row) => this.filling(row, file)),
      controller.signal,
    );
    if (controller.signal.aborted) return;
    this.wire.post({
      ...{ type: 'estimated', id, hosts: sendings.map(({ host }) => host) },
      calls: sendings.reduce((sum, { calls }) => sum + calls, 0),
      tokens: sendings.reduce((sum, { tokens }) => sum + tokens, 0),
    });
  }

  private async copyCode({ language, values }: Asked<'copyCode'>): Promise<void> {
    requireTrust();
    const { document, file } = await this.template();
    const [ref] = await this.columns();
    const sources = { ...this.options, answers: this.answers };
    await copyCode(sources, document, ref, this.filling({ id: '', values }, file), language);
  }

  // ---- answers ---------------------------------------------------------------------------------------------------

  private async run({ id, rows, columns }: Asked<'run'>): Promise<void> {
    this.running?.abort();
    const controller = new AbortController();
    this.running = controller;
    const { signal } = controller;
    try {
      requireTrust();
      const { document, file } = await this.template();
      const refs = (await this.columns()).filter((ref) => columns.includes(columnId(ref)));
      const fillings = rows.map((row) => this.filling(row, file));
      await this.answers.confirm(await this.answers.sendings(document, refs, fillings, signal));
      // Column by column: a model is loaded once, and one of them is in memory at a time.
      for (const ref of refs)
        for (const [i, row] of rows.entries()) await this.fill(id, document, ref, row, fillings[i]!, signal);
    } catch (error) {
      if (!isCancelled(error)) throw error;
      controller.abort();
    } finally {
      if (this.running === controller) this.running = null;
      this.wire.post({ type: 'ended', id, cancelled: signal.aborted });
    }
  }

  private filling(row: Pick<PromptRow, 'id' | 'values'>, file: PromptFile): Filling {
    return fillingOf(this.about.mode, row, file);
  }

  /** One answer. One that fails leaves the others to be answered. */
  private async fill(
    id: number,
    document: vscode.TextDocument,
    ref: ColumnRef,
    asked: PromptRow,
    filling: Filling,
    signal: AbortSignal,
  ): Promise<void> {
    const cell = { id, row: asked.id, column: columnId(ref) };
    try {
      const answer = await this.answers.ask(document, ref, filling, {
        signal,
        onText: (text) => this.wire.post({ type: 'part', ...cell, text }),
        onWaiting: (message) => this.wire.post({ type: 'waiting', ...cell, message }),
      });
      this.wire.post({ type: 'answer', ...cell, ...answer });
    } catch (error) {
      if (isCancelled(error)) throw error;
      const told = this.told(error);
      this.options.log.error(`${basename(this.about.uri.path)}: ${told.error.message}`);
      this.wire.post({ type: 'cellFailed', ...cell, ...told });
    }
  }

  /** A failure as the page shows it, with the ways on from it as buttons there. */
  private told(error: unknown): { error: ErrorData; ways: WayOn[] } {
    const failure = toHostError(error);
    const of = this.failures.push(failure) - 1;
    return { error: toErrorData(failure), ways: waysOf(failure, of) };
  }

  /** A button of this failure and no other; a page that was reloaded still has buttons of those before. */
  private async follow({ way, of }: Asked<'follow'>): Promise<void> {
    if (!Object.hasOwn(BUTTONS, way)) return;
    const failure = (of === undefined ? undefined : this.failures[of]) ?? new Failure('untrusted', UNTRUSTED);
    if (way === 'goToLine' && !failure.place) return;
    await follow(way as Way, failure, this.about.uri);
  }

  // ---- rows and examples -----------------------------------------------------------------------------------------

  private async pickRows(): Promise<void> {
    requireTrust();
    const { document, file } = await this.template();
    const rows = await pickRows(this.options.service, document, file, this.about.mode === 'compare');
    if (rows.length > 0) this.wire.post({ type: 'rows', rows });
  }

  private async keep({ values, answer }: Asked<'keep'>): Promise<void> {
    requireTrust();
    const { uri } = this.about;
    if (uri.scheme !== 'file') {
      throw new Failure('usage', 'The template has no file yet.', 'Save it: its examples are kept beside it.');
    }
    this.kept = await keepExample(uri.fsPath, { inputs: values, answer });
    const { file, line } = this.kept;
    this.wire.post({ type: 'kept', file: basename(file), line });
  }

  private async undoKeep(): Promise<void> {
    const { kept } = this;
    if (!kept)
      throw new Failure(
        'data-invalid',
        'That example was kept in another window.',
        'Open the file and delete the line.',
      );
    await undoKeep(kept);
    this.kept = null;
    this.wire.post({ type: 'unkept', file: basename(kept.file) });
  }
}

function requireTrust(): void {
  if (vscode.workspace.isTrusted) return;
  throw new Failure('untrusted', 'This workspace is not trusted, so nothing is run.');
}

/** What leads on from a failure in the page, as buttons there. */
const waysOf = (failure: HostError, of: number): WayOn[] =>
  (failure.actions.length > 0 ? failure.actions : failure.code === 'model-not-found' ? MODEL_GONE : []).flatMap(
    (way) => {
      const label = BUTTONS[way];
      return label === undefined ? [] : [{ way, label, of }];
    },
  );
const MODEL_GONE: readonly Way[] = ['chooseTemplateModel'];

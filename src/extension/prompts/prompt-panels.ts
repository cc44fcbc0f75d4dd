import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { PromptFile } from '../../prompts/prompt-file.ts';
import { referenceIn } from '../../prompts/references.ts';
import { rowValues } from '../../prompts/values.ts';
import { counted, type ErrorData } from '../../protocol/index.ts';
import {
  type PromptMode,
  type PromptPageMessage,
  type PromptPageRequest,
  type PromptRow,
  type PromptSnapshot,
  type PromptValues,
  parsePromptPageRequest,
  type WayOn,
} from '../../protocol/prompt-page.ts';
import { DATA_EXTENSIONS } from '../datasets/dataset.ts';
import type { EngineService } from '../engine/service.ts';
import { HostError as Failure, type HostError, isCancelled, toErrorData, toHostError, type Way } from '../errors.ts';
import { shorten } from '../format.ts';
import { COMMANDS, MEMENTO_KEYS, PANELS } from '../ids.ts';
import type { Log } from '../log.ts';
import type { RunStore } from '../runs/store.ts';
import { BUTTONS, follow, shownItem } from '../ui.ts';
import { openAtLine } from '../views/open.ts';
import { Panel } from '../views/panel.ts';
import { Panels } from '../views/panels.ts';
import { Answers, type Filling } from './answers.ts';
import { chooseColumn } from './choose.ts';
import { templateOf } from './documents.ts';
import type { EndpointKeys } from './endpoint-keys.ts';
import { examplesFile, type KeptExample, keepExample, undoKeep } from './examples.ts';
import { type ColumnRef, columnId, type TemplateModels } from './models.ts';
import { optionsInWords } from './options.ts';
import { placed } from './placed.ts';

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

/** Rows offered to pick from. */
const PICK_LIMIT = 500;
/** After so long without a key the page sees the template as it is now. */
const PAUSE_MS = 200;

const titleOf = ({ mode, uri }: TriedTemplate): string =>
  `${mode === 'try' ? 'Try' : 'Compare'} ${uri.path.split('/').at(-1)}`;

/** The pages in which templates are tried and compared, one of each a template. */
export class PromptPanels extends Panels<TriedTemplate> {
  private readonly options: PromptPanelOptions;

  constructor(options: PromptPanelOptions) {
    super(PANELS.prompt, options.extension);
    this.options = options;
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

const UNTRUSTED =
  'This workspace is not trusted: the template is shown, and nothing is rendered, run or sent until you trust it.';

type Asked<T extends PromptPageRequest['type']> = Extract<PromptPageRequest, { type: T }>;

class PromptPage {
  private readonly about: TriedTemplate;
  private readonly options: PromptPanelOptions;
  private readonly answers: Answers;
  private readonly wire: Panel<PromptPageRequest, PromptPageMessage>;
  private readonly subscriptions: { dispose(): void }[];
  private running: AbortController | null = null;
  private rendering: AbortController | null = null;
  private estimating: AbortController | null = null;
  private kept: KeptExample | null = null;
  /** What the page was told last: its buttons lead on from it. */
  private failure = new Failure('untrusted', UNTRUSTED);
  private soon: NodeJS.Timeout | undefined;
  /** What the page was last sent a snapshot of. */
  private sent = '';

  constructor(panel: vscode.WebviewPanel, about: TriedTemplate, options: PromptPanelOptions) {
    this.about = about;
    this.options = options;
    const { service, runs, keys, memento } = options;
    this.answers = new Answers({ service, runs, keys, memento });
    this.wire = new Panel(
      panel,
      options.extension,
      { name: 'prompt', title: titleOf(about) },
      options.log,
      parsePromptPageRequest,
      (request) =>
        this.handle(request).catch((error: unknown) => {
          if (!isCancelled(error)) this.failure = toHostError(error);
          throw error;
        }),
      (request, error) => error && { type: 'failed', request: request.type, error, ways: waysOf(this.failure) },
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
      case 'removeColumn': {
        const columns = await this.columns();
        return await this.setColumns(columns.filter((ref) => columnId(ref) !== request.column));
      }
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
        if (Object.hasOwn(BUTTONS, request.way)) await follow(request.way as Way, this.failure, this.about.uri);
        return;
      case 'copyText':
        return await vscode.env.clipboard.writeText(request.text);
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
    const { uri, mode } = this.about;
    const columns = await this.columns();
    const { offered } = await this.options.models.bound(document, file);
    const names = new Set(file.inputs.map(({ name }) => name));
    const sample = shownSample(file);
    const undeclared = Object.keys(file.sample ?? {}).filter((name) => !names.has(name));
    const snapshot: PromptSnapshot = {
      ...{ mode, template: uri.toString(), name: basename(uri.path) },
      blocked: vscode.workspace.isTrusted ? null : UNTRUSTED,
      variables: [
        ...file.inputs.map(({ name, kind, description }) => ({
          ...{ name, kind: kind === 'thread' ? ('array' as const) : kind, description: description ?? null },
        })),
        // A sample's values reach the template whether its inputs are listed or not.
        ...undeclared.map((name) => ({ name, kind: kindOf(file.sample![name]), description: null })),
      ],
      sample,
      hasSample: file.sample !== null || file.inputs.some((input) => input.sample !== undefined),
      problems: file.problems
        .filter(({ severity }) => severity === 'error')
        .map(({ message, range }) => `Line ${document.positionAt(range.start).line + 1}: ${message}`),
      dataset: file.dataset === undefined ? null : basename(file.dataset),
      columns: await Promise.all(columns.map((ref) => this.options.models.describe(ref))),
      offered: mode === 'try' ? offered : null,
      options: optionsInWords(file.model.options),
    };
    // A template of another text is rendered anew, also where the page has nothing else to show.
    const state = JSON.stringify([document.version, snapshot]);
    if (onlyNew && state === this.sent) return;
    this.sent = state;
    this.wire.post({ type: 'snapshot', ...snapshot });
  }

  // ---- what it is asked of ---------------------------------------------------------------------------------------

  /** The bound model; where answers are compared, what a person added besides. */
  private async columns(): Promise<ColumnRef[]> {
    const { document, file } = await this.template();
    const { model } = await this.options.models.bound(document, file);
    const first: ColumnRef[] = model ? [{ model, version: null }] : [];
    if (this.about.mode === 'try') return first;
    const added = this.added()[this.about.uri.toString()];
    if (added) return added;
    // What one wants to know first of a tuned model: whether it is better than it was.
    const base = model && (await this.options.models.baseOf(model));
    return base ? [{ model: base, version: null }, ...first] : first;
  }

  private added(): Record<string, ColumnRef[]> {
    return this.options.memento.get<Record<string, ColumnRef[]>>(MEMENTO_KEYS.templateColumns) ?? {};
  }

  private async setColumns(columns: ColumnRef[]): Promise<void> {
    await this.options.memento.update(MEMENTO_KEYS.templateColumns, {
      ...this.added(),
      [this.about.uri.toString()]: columns,
    });
    await this.sendSnapshot();
  }

  private async addColumn(): Promise<void> {
    requireTrust();
    const columns = await this.columns();
    const added = await chooseColumn(this.options, await this.document(), columns);
    const isKnown = columns.some((ref) => columnId(ref) === columnId(added));
    if (!isKnown) await this.setColumns([...columns, added]);
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

  /**
   * What the engine fills a template with: never the sample where a row of a dataset lacks something, nor where a field
   * was emptied. A sample that is in a file of its own is in no field, and a field shows `${file:…}` as it is written:
   * there the sample fills what nobody typed.
   */
  private filling({ id, values }: Pick<PromptRow, 'id' | 'values'>, file: PromptFile): Filling {
    if (this.about.mode === 'compare' && id !== 'sample') return { values, cells: values };
    const shown = shownSample(file);
    const typed = Object.entries(values).filter(
      ([name, value]) => typeof value !== 'string' || value !== shown[name] || referenceIn(value) === null,
    );
    const isAll = typed.length === Object.keys(values).length && file.sampleFile === null;
    return { values: Object.fromEntries(typed), ...(isAll && this.about.mode === 'try' && { cells: {} }) };
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
    this.failure = failure;
    return { error: toErrorData(failure), ways: waysOf(failure) };
  }

  // ---- rows and examples -----------------------------------------------------------------------------------------

  private async pickRows(): Promise<void> {
    requireTrust();
    const { document, file } = await this.template();
    const data = file.dataset === undefined ? await chooseData() : undefined;
    const name = basename(data ?? file.dataset!);
    const { rows, total } = await this.options.service.request('prompt/rows', {
      ...{ text: document.getText(), ...placed(document.uri), limit: PICK_LIMIT },
      ...(data !== undefined && { data }),
    });
    const inputs = file.inputs.map((input) => input.name);
    const items = rows.map(({ row, values: cells }) => {
      const values = rowValues(file, cells);
      return shownItem({
        label: shorten(inWords(values, inputs), 120),
        description: `row ${row}`,
        row: { id: `${name} ${row}`, title: `${name}, row ${row}`, values },
      });
    });
    const several = this.about.mode === 'compare';
    const picked = await vscode.window.showQuickPick(items, {
      title: several ? `Pick Rows of ${name}` : `Pick a Row of ${name}`,
      placeHolder: total > rows.length ? `The first ${rows.length} of ${counted(total, 'row')}` : 'Type to search',
      canPickMany: several,
      matchOnDescription: true,
    });
    const chosen = (Array.isArray(picked) ? picked : picked ? [picked] : []) as unknown as { row: PromptRow }[];
    if (chosen.length > 0) this.wire.post({ type: 'rows', rows: chosen.map(({ row }) => row) });
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
const waysOf = (failure: HostError): WayOn[] =>
  (failure.actions.length > 0 ? failure.actions : failure.code === 'model-not-found' ? MODEL_GONE : []).flatMap(
    (way) => {
      const label = BUTTONS[way];
      return label === undefined ? [] : [{ way, label }];
    },
  );
const MODEL_GONE: readonly Way[] = ['chooseTemplateModel'];

const defaultsOf = (file: PromptFile): PromptValues =>
  Object.fromEntries(
    file.inputs
      .map((input) => [input.name, input.sample ?? input.default] as const)
      .filter(([, value]) => value !== undefined),
  );

/** What fields begin with. */
const shownSample = (file: PromptFile): PromptValues => ({ ...defaultsOf(file), ...file.sample });

function kindOf(value: unknown): PromptSnapshot['variables'][number]['kind'] {
  if (typeof value === 'number' || typeof value === 'boolean') return typeof value as 'number' | 'boolean';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'object' && value !== null ? 'object' : 'string';
}

/** The values that a person knows a row by: those of the template's inputs, else all. */
function inWords(values: PromptValues, inputs: readonly string[]): string {
  const own = inputs.filter((name) => Object.hasOwn(values, name));
  const shown = own.length > 0 ? own.map((name) => values[name]) : Object.values(values);
  return shown.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' · ');
}

async function chooseData(): Promise<string> {
  const picked = await vscode.window.showOpenDialog({
    title: 'Dataset for the Template’s Inputs',
    openLabel: 'Use Dataset',
    filters: { Data: DATA_EXTENSIONS },
  });
  const path = picked?.[0]?.fsPath;
  if (!path) throw new vscode.CancellationError();
  return path;
}

import { join } from 'node:path';
import * as vscode from 'vscode';
import type { EngineHost } from '../engine/host.ts';
import { type Achievement, COMMANDS } from '../ids.ts';
import type { Log } from '../log.ts';
import type { RunStore } from '../runs/store.ts';
import { setting } from '../settings.ts';
import { showError, tell } from '../ui.ts';
import { CompletionCounter } from './counts.ts';
import { FirstUse } from './first-use.ts';
import { Gate, SCHEMES } from './gate.ts';
import { IgnoredFiles } from './ignored.ts';
import { Learning } from './learning.ts';
import { CompletionModels } from './models.ts';
import { CompletionProvider } from './provider.ts';
import { SharedState, type Trouble } from './state.ts';
import { Tracker } from './tracker.ts';
import { MachineTraining } from './training.ts';
import { Updates } from './updates.ts';

export interface CompletionsOptions {
  extension: vscode.ExtensionContext;
  engine: Pick<EngineHost, 'service' | 'startsQuietly'>;
  runs: RunStore;
  /** Ticks a step of the walkthrough off. */
  achieved(step: Achievement): void;
  log: Log;
}

/** Completions of this window: who asks and who answers, what is counted, and what all windows share. */
export class Completions implements vscode.Disposable {
  readonly state: SharedState;
  readonly models: CompletionModels;
  readonly counts: CompletionCounter;
  readonly gate: Gate;
  readonly provider: CompletionProvider;
  readonly firstUse: FirstUse;
  readonly training: MachineTraining;
  readonly learning: Learning;
  readonly updates: Updates;
  private readonly tracker: Tracker;
  private readonly log: Log;
  private readonly achieved: CompletionsOptions['achieved'];
  private readonly disposables: { dispose(): void }[] = [];
  private registration: vscode.Disposable | null = null;

  constructor({ extension, engine, runs, achieved, log }: CompletionsOptions) {
    const folder = join(extension.globalStorageUri.fsPath, 'completions');
    this.log = log;
    this.achieved = achieved;
    this.state = new SharedState(folder, log);
    this.models = new CompletionModels({ extension: extension.extensionPath, runs, state: this.state });
    this.counts = new CompletionCounter(folder, log);
    const ignored = new IgnoredFiles(log);
    this.gate = new Gate({ models: this.models, state: this.state, ignored });
    this.learning = new Learning({ folder, ignored, log });
    this.updates = new Updates({
      ...{ state: this.state, models: this.models, runs, service: engine.service, log },
      run: async (command, ...args) => await vscode.commands.executeCommand(command, ...args),
    });
    this.training = new MachineTraining(runs);
    this.firstUse = new FirstUse(this.state, async (language) => {
      await vscode.commands.executeCommand(COMMANDS.chooseCompletionModel, language);
    });
    this.tracker = new Tracker({
      shown: (suggestion) => {
        this.counts.add(suggestion, { shown: 1 });
        achieved('suggested');
      },
      ended: (ended) => {
        const { outcome, characters, suggestion } = ended;
        this.counts.add(suggestion, { [outcome]: 1, characters });
        this.learning.ended(ended);
        if (outcome !== 'rejected') achieved('accepted');
      },
      edited: (suggestion) => this.counts.add(suggestion, { edited: 1 }),
    });
    this.provider = new CompletionProvider({
      gate: this.gate,
      models: this.models,
      service: engine.service,
      mayStart: () => engine.startsQuietly(),
      isTraining: () => this.training.isTraining(),
      onNoModel: (language) => void this.firstUse.ask(language).catch((error) => showError(error, log)),
      onTrouble: (trouble) => void this.tellTrouble(trouble).catch((error) => showError(error, log)),
      onOffered: (candidates) => this.tracker.offered(candidates),
      log,
    });
    this.disposables.push(
      this.state.changed.on(() => this.provider.forget()),
      this.state.changed.on(() => this.tick()),
      this.learning.changed.on(() => this.tick()),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length === 0) return;
        const changes = contentChanges.map(({ rangeOffset: offset, rangeLength: removed, text }) => {
          return { offset, removed, text };
        });
        // Places that are followed move before a suggestion that ends with this change is one of them.
        this.learning.documentChanged(document.uri.toString(), changes);
        this.tracker.changed(document.uri.toString(), changes);
        this.provider.documentChanged(document);
      }),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor, selections }) => {
        const { document } = textEditor;
        if (textEditor === vscode.window.activeTextEditor) this.provider.moved(document, selections);
        const [selection] = selections;
        if (!selection || !this.tracker.isWaiting) return;
        this.tracker.moved(document.uri.toString(), document.offsetAt(selection.active));
      }),
      vscode.window.onDidChangeActiveTextEditor(() => this.tracker.close()),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration('luthier.completions')) this.register();
      }),
      this.learning,
      this.updates,
      ignored,
      this.state,
      this.provider,
    );
    this.register();
  }

  /** The first look at what was chosen and at updates that have ended, once the runs of this window are known. */
  async look(): Promise<void> {
    await this.state.ready();
    this.tick();
    await this.updates.look();
  }

  /** A suggestion of this number was accepted whole. */
  accepted(id: unknown): void {
    if (typeof id === 'number') this.tracker.accepted(id);
  }

  /** Nothing is completed by itself for so long; 0 ends that. */
  async snooze(minutes: number): Promise<void> {
    await this.state.update(() => ({ snoozedUntil: minutes > 0 ? Date.now() + minutes * 60_000 : 0 }));
  }

  dispose(): void {
    this.tracker.close();
    this.registration?.dispose();
    for (const disposable of this.disposables) disposable.dispose();
    void this.counts.dispose();
  }

  private tick(): void {
    if (Object.keys(this.models.choices).length > 0) this.achieved('completes');
    if (this.learning.isOn) this.achieved('learns');
  }

  /** In the languages that the person has chosen, and nowhere where nothing is to be completed. */
  private register(): void {
    this.registration?.dispose();
    this.registration = null;
    if (!setting('luthier.completions.enabled')) return;
    const selector = setting('luthier.completions.languages').flatMap((language) =>
      SCHEMES.map((scheme) => ({ language, scheme })),
    );
    if (selector.length === 0) return;
    this.registration = vscode.languages.registerInlineCompletionItemProvider(selector, this.provider);
  }

  /** Says once, in one window, that a model no longer completes a language. */
  private async tellTrouble(trouble: Trouble): Promise<void> {
    if (!(await this.models.switchOff(trouble))) return;
    this.log.warn(trouble.message);
    const [choose, again] = ['Choose Model…', 'Try Again'];
    const answer = await tell('warning', trouble.message, choose, again);
    if (answer === choose) await vscode.commands.executeCommand(COMMANDS.chooseCompletionModel, trouble.language);
    if (answer === again) await this.models.switchOn(trouble.language);
  }
}

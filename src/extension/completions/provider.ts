import * as vscode from 'vscode';
import { typedOn } from '../../completions/typed-on.ts';
import type { CompletionAnswer, CompletionItem, CompletionRequest } from '../../protocol/index.ts';
import { abortable } from '../abortable.ts';
import type { EngineService } from '../engine/service.ts';
import { isCancelled, toHostError } from '../errors.ts';
import { Emitter } from '../events.ts';
import { INTERNAL_COMMANDS } from '../ids.ts';
import type { Log } from '../log.ts';
import { setting } from '../settings.ts';
import type { Gate } from './gate.ts';
import { Health } from './health.ts';
import { languageName } from './languages.ts';
import type { CompletionModels } from './models.ts';
import { type AskedPlace, inserted, maySuggestItself, placeIn } from './place.ts';
import type { Offered } from './tracker.ts';

export interface ProviderSources {
  gate: Pick<Gate, 'whyNot'>;
  models: CompletionModels;
  service: Pick<EngineService, 'request' | 'isRunning'>;
  /** Whether the engine starts without asking anybody anything. */
  mayStart(): Promise<boolean>;
  /** Whether a run trains on this machine. */
  isTraining(): boolean;
  /** Somebody writes where completions would be at work, if a model had been chosen. */
  onNoModel(language: string): void;
  /** A model is switched off for a language. */
  onTrouble(trouble: { language: string; model: string; message: string }): void;
  onOffered(candidates: readonly Offered[]): void;
  log: Log;
}

/** What the provider is busy with, for the status bar. */
export type Activity = 'idle' | 'loading' | 'completing';

/** New tokens that are suggested at most without being asked for. */
const TOKENS = 24;
/** What is suggested where it is asked for. */
const ASKED = { candidates: 3, budgetMs: 10_000 } as const;
/** What is suggested while a run trains: less, so that neither waits for the other. */
const BESIDE_TRAINING = { maxTokens: 8, budgetMs: 500 } as const;
/** Answers that are looked through where somebody has typed on or gone back. */
const REMEMBERED = 16;

interface Remembered {
  uri: string;
  place: AskedPlace;
  answer: CompletionAnswer;
  model: string;
}

let serial = 0;

/**
 * Suggestions of the person's own model as VS Code's inline completions. One request at a time: a newer one calls the
 * older off. It never throws, and never says anything by itself: what fails is told once by who made it.
 */
export class CompletionProvider implements vscode.InlineCompletionItemProvider {
  readonly activity = new Emitter<Activity>();
  private readonly sources: ProviderSources;
  private readonly answers: Remembered[] = [];
  /** By language and model. */
  private readonly health = new Map<string, Health>();
  /** Models that are loaded or being loaded by the service that runs. */
  private readonly prepared = new Map<string, Promise<unknown>>();
  private current: AbortController | null = null;

  constructor(sources: ProviderSources) {
    this.sources = sources;
  }

  dispose(): void {
    this.current?.abort();
    this.activity.dispose();
  }

  /** Forgets what was answered and how models did: other ones were chosen. */
  forget(): void {
    this.answers.length = 0;
    this.health.clear();
  }

  async provideInlineCompletionItems(
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
  ): Promise<vscode.InlineCompletionItem[] | undefined> {
    const isAsked = context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke;
    this.current?.abort();
    const controller = new AbortController();
    this.current = controller;
    const subscription = token.onCancellationRequested(() => controller.abort());
    if (token.isCancellationRequested) controller.abort();
    try {
      return await this.provide(document, position, context, isAsked, controller.signal);
    } catch (error) {
      if (!isCancelled(error)) this.sources.log.error(error as Error);
      return undefined;
    } finally {
      subscription.dispose();
      if (this.current === controller) {
        this.current = null;
        this.activity.fire('idle');
      }
    }
  }

  private async provide(
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    isAsked: boolean,
    signal: AbortSignal,
  ): Promise<vscode.InlineCompletionItem[] | undefined> {
    const { gate, models, onNoModel, mayStart } = this.sources;
    const language = document.languageId;
    const { version } = document;
    const whyNot = await gate.whyNot(document);
    if (whyNot?.kind === 'no-model') onNoModel(language);
    if (whyNot && !(isAsked && whyNot.kind === 'snoozed')) return undefined;
    // While git was asked, somebody may have typed on.
    if (signal.aborted || document.version !== version) return undefined;
    const place = placeIn(document, position, context.selectedCompletionInfo);
    if (!isAsked && !maySuggestItself(place)) return undefined;
    const model = models.chosen(language)!;
    const uri = document.uri.toString();
    const known = this.known(uri, place, model, isAsked ? ASKED.candidates : 1);
    if (known) return this.offer(document, place, model, known);
    if (!isAsked) await pause(setting('luthier.completions.debounce'), signal);
    if (!(await mayStart())) return undefined;
    const answer = await this.ask(document, place, model, isAsked, signal);
    if (!answer || signal.aborted) return undefined;
    this.answers.unshift({ uri, place, answer, model });
    this.answers.length = Math.min(this.answers.length, REMEMBERED);
    return this.offer(document, place, model, answer.items);
  }

  /** What was answered before, where it still fits. */
  private known(uri: string, place: AskedPlace, model: string, candidates: number): CompletionItem[] | null {
    for (const remembered of this.answers) {
      if (remembered.uri !== uri || remembered.model !== model || remembered.place.lead !== place.lead) continue;
      const items = typedOn(remembered, place);
      if (items && items.length >= candidates) return items;
    }
    return null;
  }

  private async ask(
    document: vscode.TextDocument,
    place: AskedPlace,
    model: string,
    isAsked: boolean,
    signal: AbortSignal,
  ): Promise<CompletionAnswer | null> {
    const { models, service, isTraining, log } = this.sources;
    const { language, before, after } = place;
    const limit = Math.max(1, Math.round(setting('luthier.completions.slowMilliseconds')));
    const folder = models.folderOf(model);
    const isBesideTraining = isTraining();
    const request: CompletionRequest = {
      model: folder,
      language,
      before,
      after,
      ...(document.isUntitled ? {} : { path: vscode.workspace.asRelativePath(document.uri.fsPath, false) }),
      ...(isAsked ? ASKED : isBesideTraining ? BESIDE_TRAINING : { maxTokens: TOKENS, budgetMs: limit }),
    };
    const health = this.healthOf(language, model);
    let asked = Number.NaN;
    try {
      await this.prepare(folder, signal);
      this.activity.fire('completing');
      asked = performance.now();
      const answer = await service.request('completion/complete', request, { signal });
      const ms = performance.now() - asked;
      log.debug(
        `Completion: ${ms.toFixed(0)} ms, ${answer.reused} of ${answer.prompt} tokens reused, ${answer.stopped}`,
      );
      this.judge(isAsked || isBesideTraining ? null : health.took(ms, limit), language, model);
      return answer;
    } catch (error) {
      if (isCancelled(error)) {
        // Given up after so long: it would have taken longer still.
        const ms = performance.now() - asked;
        if (ms > limit && !isAsked && !isBesideTraining) this.judge(health.took(ms, limit), language, model);
        throw error;
      }
      const failure = toHostError(error);
      if (failure.code === 'cancelled') throw error;
      log.warn(`Completing with ${folder}: ${failure.message}`);
      this.judge(health.failed(failure), language, model);
      return null;
    }
  }

  private judge(problem: string | null, language: string, model: string): void {
    if (problem === null) return;
    const message = `${this.sources.models.nameOf(model)} no longer completes ${languageName(language)}: ${problem}`;
    this.sources.onTrouble({ language, model, message });
  }

  private healthOf(language: string, model: string): Health {
    const key = JSON.stringify([language, model]);
    const known = this.health.get(key);
    if (known) return known;
    const health = new Health();
    this.health.set(key, health);
    return health;
  }

  /** Loads a model for the first request; those that come meanwhile wait for it, and one that is given up ends nothing. */
  private async prepare(folder: string, signal: AbortSignal): Promise<void> {
    const { service } = this.sources;
    if (!service.isRunning) this.prepared.clear();
    let preparing = this.prepared.get(folder);
    if (!preparing) {
      preparing = service.request('completion/prepare', { model: folder });
      this.prepared.set(folder, preparing);
      preparing.catch(() => this.prepared.delete(folder));
      this.activity.fire('loading');
    }
    await abortable(() => preparing, signal);
  }

  private offer(
    document: vscode.TextDocument,
    place: AskedPlace,
    model: string,
    items: readonly CompletionItem[],
  ): vscode.InlineCompletionItem[] {
    const offset = document.offsetAt(place.range.end);
    const { before, after, language, lead, range } = place;
    const offered = items.map((item) => {
      const text = inserted(document, item.text);
      const path = document.isUntitled ? {} : { path: vscode.workspace.asRelativePath(document.uri.fsPath, false) };
      return {
        ...{ id: ++serial, uri: document.uri.toString(), language, model, ...path },
        ...{ offset, text, isLed: lead !== '', before, after },
      };
    });
    this.sources.onOffered(offered);
    return offered.map(({ id, text }) => {
      const command = { command: INTERNAL_COMMANDS.completionAccepted, title: '', arguments: [id] };
      return new vscode.InlineCompletionItem(lead + text, range, command);
    });
  }
}

/** Waits; throws Cancelled as soon as `signal` ends. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  abortable(() => new Promise((resolve) => setTimeout(resolve, ms)), signal);

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
import { type Gate, SCHEMES } from './gate.ts';
import { Health } from './health.ts';
import { languageName } from './languages.ts';
import type { CompletionModels } from './models.ts';
import { type AskedPlace, inserted, isSame, maySuggestItself, placeIn, type Spot, spotIn } from './place.ts';
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
/** Requests in a row for one suggestion, where reading a text that was just opened takes all of the time. */
const MOST_READS = 4;
/** VS Code asks some 50 ms after a key; where it has not by then, it does not ask here. */
const UNASKED_MS = 250;

interface Remembered {
  uri: string;
  place: AskedPlace;
  answer: CompletionAnswer;
  model: string;
}

/** What is suggested, and where. */
interface Found {
  place: AskedPlace;
  model: string;
  items: readonly CompletionItem[];
}

/** What is asked for a spot, by VS Code or ahead of it. */
interface Asking {
  readonly spot: Spot;
  readonly isAsked: boolean;
  /** The entry of the list of suggestions that it goes on from. */
  readonly selected: vscode.SelectedCompletionInfo | undefined;
  readonly controller: AbortController;
  /** By performance.now. */
  readonly since: number;
  /** VS Code has asked for it. */
  isWanted: boolean;
  /** Other models were chosen since. */
  isOld: boolean;
  /** Never rejected. Null where the model gives no answer; undefined where it was not asked. */
  found: Promise<Found | null | undefined>;
}

let serial = 0;

/**
 * Suggestions of the person's own model as VS Code's inline completions. One request at a time: a newer one calls the
 * older off. It never throws, and never says anything by itself: what fails is told once by who made it.
 *
 * VS Code asks some 50 ms after a key. The model begins with the key, and VS Code's question joins what is under way.
 */
export class CompletionProvider implements vscode.InlineCompletionItemProvider {
  readonly activity = new Emitter<Activity>();
  private readonly sources: ProviderSources;
  private readonly answers: Remembered[] = [];
  /** By language and model. */
  private readonly health = new Map<string, Health>();
  /** Models that are loaded or being loaded by the service that runs. */
  private readonly prepared = new Map<string, Promise<unknown>>();
  /** The newest; it stays when it has ended, for VS Code's question. */
  private current: Asking | null = null;
  /** The document that was changed last, until the cursor follows. */
  private changed: vscode.TextDocument | null = null;
  private lastKey = { at: Number.NEGATIVE_INFINITY, spot: null as Spot | null };
  /** VS Code asked where the last key was pressed, so that it is worth while to begin with the next. */
  private isFollowed = false;
  /** What waits for a model that is being loaded. */
  private waiting: Asking | null = null;
  /** Where VS Code was told to ask, for a suggestion as it comes by itself. */
  private due: Spot | null = null;

  constructor(sources: ProviderSources) {
    this.sources = sources;
  }

  dispose(): void {
    this.current?.controller.abort();
    this.activity.dispose();
  }

  /** Forgets what was answered and how models did: other ones were chosen. */
  forget(): void {
    this.answers.length = 0;
    this.health.clear();
    if (this.current) this.current.isOld = true;
  }

  /** A document's text has changed; where the cursor is then is told by `moved`. */
  documentChanged(document: vscode.TextDocument): void {
    // Output channels change all the time.
    if (SCHEMES.includes(document.uri.scheme)) this.changed = document;
  }

  /** The cursor is here now. Where somebody has typed, the model begins: VS Code asks in a moment. */
  moved(document: vscode.TextDocument, selections: readonly vscode.Selection[]): void {
    const { changed, current } = this;
    this.changed = null;
    const [selection] = selections;
    if (changed !== document || selections.length > 1 || !selection?.isEmpty) return;
    const now = performance.now();
    if (current && !current.isWanted && now - current.since > UNASKED_MS) this.isFollowed = false;
    current?.controller.abort();
    const spot = spotIn(document, selection.active);
    this.lastKey = { at: now, spot };
    // Neither waits for the other while a run trains.
    if (this.isFollowed && !this.sources.isTraining()) this.begin(spot, selection.active, false);
  }

  async provideInlineCompletionItems(
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
  ): Promise<vscode.InlineCompletionItem[] | undefined> {
    const selected = context.selectedCompletionInfo;
    const spot = spotIn(document, position);
    const isInvoked = context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke;
    const isAsked = isInvoked && !isSame(this.due, spot);
    this.due = null;
    this.changed = null;
    const key = this.lastKey.spot;
    if (!isInvoked && key?.document === document && key.version === spot.version)
      this.isFollowed = isSame(key, spot) && !selected;
    const begun = isAsked || selected ? null : this.begunFor(spot);
    const asking = begun ?? this.begin(spot, position, isAsked, selected);
    asking.isWanted = true;
    const { signal } = asking.controller;
    const stop = () => asking.controller.abort();
    const subscription = token.onCancellationRequested(stop);
    if (token.isCancellationRequested) stop();
    const found = await asking.found;
    subscription.dispose();
    if (!found || signal.aborted) return undefined;
    const ms = performance.now() - this.lastKey.at;
    if (!isAsked && isSame(this.lastKey.spot, spot))
      this.sources.log.debug(`Completion: answered ${ms.toFixed(0)} ms after the key`);
    return this.offer(document, found.place, found.model, found.items);
  }

  /** What is under way for a suggestion that comes by itself, or has ended. */
  private begunFor(spot: Spot): Asking | null {
    const { current } = this;
    if (!current || current.isAsked || current.selected || current.isOld) return null;
    return isSame(current.spot, spot) && !current.controller.signal.aborted ? current : null;
  }

  /** Asks for a spot; what was asked before is called off. */
  private begin(
    spot: Spot,
    position: vscode.Position,
    isAsked: boolean,
    selected?: vscode.SelectedCompletionInfo,
  ): Asking {
    this.current?.controller.abort();
    this.waiting = null;
    const asking: Asking = {
      ...{ spot, isAsked, selected, controller: new AbortController() },
      ...{ since: performance.now(), isWanted: false, isOld: false, found: Promise.resolve(null) },
    };
    this.current = asking;
    asking.found = this.find(position, asking)
      .catch((error) => {
        if (!isCancelled(error)) this.sources.log.error(error as Error);
        return null;
      })
      .then((found) => {
        if (this.current !== asking) return found;
        if (found === undefined) this.current = null;
        this.activity.fire('idle');
        return found;
      });
    return asking;
  }

  private async find(position: vscode.Position, asking: Asking): Promise<Found | null | undefined> {
    const { gate, models, onNoModel, mayStart } = this.sources;
    const { isAsked, selected, spot } = asking;
    const { document } = spot;
    const { signal } = asking.controller;
    const language = document.languageId;
    const whyNot = await gate.whyNot(document);
    if (whyNot?.kind === 'no-model') onNoModel(language);
    if (whyNot && !(isAsked && whyNot.kind === 'snoozed')) return undefined;
    // While git was asked, somebody may have typed on.
    if (signal.aborted || document.version !== spot.version) return undefined;
    const place = placeIn(document, position, selected);
    if (!isAsked && !maySuggestItself(place)) return undefined;
    const model = models.chosen(language)!;
    const uri = document.uri.toString();
    const known = this.known(uri, place, model, isAsked ? ASKED.candidates : 1);
    if (known) return { place, model, items: known };
    if (!isAsked) await pause(this.lastKey.at + setting('luthier.completions.debounce') - performance.now(), signal);
    if (!(await mayStart())) return undefined;
    const answer = await this.ask(place, model, asking);
    if (!answer || signal.aborted) return null;
    this.answers.unshift({ uri, place, answer, model });
    this.answers.length = Math.min(this.answers.length, REMEMBERED);
    return { place, model, items: answer.items };
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

  private async ask(place: AskedPlace, model: string, asking: Asking): Promise<CompletionAnswer | null> {
    const { models, isTraining, log } = this.sources;
    const { isAsked } = asking;
    const { document } = asking.spot;
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
      await this.prepare(folder, asking);
      this.activity.fire('completing');
      asked = performance.now();
      const answer = await this.answerOf(request, asking.controller.signal);
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

  /** A text that was just opened may take all of the time to read; what was read stays known, so the next request goes on. */
  private async answerOf(request: CompletionRequest, signal: AbortSignal): Promise<CompletionAnswer> {
    for (let reads = 1; ; reads++) {
      const answer = await this.sources.service.request('completion/complete', request, { signal });
      if (answer.stopped !== 'budget' || answer.items.length > 0 || reads === MOST_READS) return answer;
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
  private async prepare(folder: string, asking: Asking): Promise<void> {
    const { service, log } = this.sources;
    if (!service.isRunning) this.prepared.clear();
    let preparing = this.prepared.get(folder);
    if (!preparing) {
      preparing = service.request('completion/prepare', { model: folder });
      this.prepared.set(folder, preparing);
      preparing.then(
        () => void this.askAgain().catch((error) => log.error(error as Error)),
        () => this.prepared.delete(folder),
      );
      this.activity.fire('loading');
    }
    const { signal } = asking.controller;
    if (!signal.aborted) this.waiting = asking;
    await abortable(() => preparing, signal);
    if (this.waiting === asking) this.waiting = null;
  }

  /**
   * A model is loaded. Who still waits for it is answered. VS Code may have given up the last question without a key,
   * as when another window was in front: where the cursor is still there, it is told to ask again.
   */
  private async askAgain(): Promise<void> {
    const { waiting } = this;
    this.waiting = null;
    if (!waiting?.isWanted || waiting.isAsked || !waiting.controller.signal.aborted) return;
    const editor = vscode.window.activeTextEditor;
    if (!editor || !isSame(waiting.spot, spotIn(editor.document, editor.selection.active))) return;
    this.due = waiting.spot;
    await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
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

/** Waits, where there is something to wait for; throws Cancelled as soon as `signal` ends. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  abortable(() => (ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : Promise.resolve()), signal);

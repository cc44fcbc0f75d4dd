import * as vscode from 'vscode';
import {
  type ComparisonAsked,
  type ComparisonMessage,
  type ComparisonRequest,
  parseComparisonPageState,
  parseComparisonRequest,
  type RecipeInput,
} from '../../protocol/index.ts';
import { readComparison } from '../../runs/comparisons.ts';
import type { EngineService } from '../engine/service.ts';
import { COMMANDS, PANELS } from '../ids.ts';
import type { Log } from '../log.ts';
import { ComparisonSession } from '../runs/comparison.ts';
import { Panel } from './panel.ts';
import { Panels } from './panels.ts';

export interface ComparisonsOptions {
  extension: vscode.Uri;
  service: EngineService;
  log: Log;
  /** Works on a comparison, with progress that can be cancelled. */
  work: (session: ComparisonSession) => Promise<void>;
  /** Writes a recipe into the project's folder, and starts it or opens it. */
  train: (asked: ComparisonAsked, recipe: RecipeInput, start: boolean) => Promise<void>;
}

/** The pages of Which Way Is Best? and Which Model?, one for what is compared on a dataset. */
export class Comparisons extends Panels<ComparisonSession> {
  private readonly options: ComparisonsOptions;
  /** Those at work outlive their pages. */
  private readonly sessions = new Map<string, ComparisonSession>();

  constructor(options: ComparisonsOptions) {
    super(PANELS.comparison, options.extension);
    this.options = options;
  }

  /** Shows a comparison's page and begins; where the same is at work already, only its page is shown. */
  async compare(asked: ComparisonAsked): Promise<void> {
    const session = this.sessionOf(asked);
    this.show(session);
    if (session.isWorking) return;
    session.comparison = null;
    await this.options.work(session);
  }

  private sessionOf(asked: ComparisonAsked): ComparisonSession {
    const key = keyOf(asked);
    const session = this.sessions.get(key) ?? new ComparisonSession(this.options.service, asked);
    this.sessions.set(key, session);
    return session;
  }

  protected keyOf({ asked }: ComparisonSession): string {
    return keyOf(asked);
  }

  protected titleOf({ title }: ComparisonSession): string {
    return title;
  }

  protected async find(state: unknown): Promise<ComparisonSession | undefined> {
    const parsed = parseComparisonPageState(state);
    if (!parsed.ok) return undefined;
    const { asked, id } = parsed.message;
    const found = id === null ? null : await readComparison(asked.home, id);
    const session = this.sessionOf(asked);
    // Whoever worked on it is gone with the window.
    session.comparison ??= found?.state === 'running' ? { ...found, state: 'interrupted' } : found;
    return session;
  }

  protected start(panel: vscode.WebviewPanel, session: ComparisonSession): ComparisonPage {
    return new ComparisonPage(panel, session, this.options);
  }
}

/** What has a page of its own. */
const keyOf = ({ compared, base, data, models, minutes, recipe }: ComparisonAsked): string =>
  JSON.stringify(recipe === undefined ? [compared, base, data, models, minutes] : [compared, recipe]);

class ComparisonPage {
  private readonly session: ComparisonSession;
  private readonly options: ComparisonsOptions;
  private readonly wire: Panel<ComparisonRequest, ComparisonMessage>;
  private readonly subscription: { dispose(): void };

  constructor(panel: vscode.WebviewPanel, session: ComparisonSession, options: ComparisonsOptions) {
    this.session = session;
    this.options = options;
    this.wire = new Panel(
      panel,
      options.extension,
      { name: 'comparison', title: session.title },
      options.log,
      parseComparisonRequest,
      (request) => this.handle(request),
      (request, error) => error && { type: 'failed', request: request.type, error },
    );
    this.subscription = session.changed.on((what) => {
      if (what === 'all') this.send();
      else this.wire.post({ type: 'progress', share: session.share });
    });
  }

  dispose(): void {
    this.subscription.dispose();
  }

  private async handle(request: Exclude<ComparisonRequest, { type: 'log' | 'pageFailed' | 'reload' | 'showLog' }>) {
    const { session, options } = this;
    switch (request.type) {
      case 'ready':
        return this.send();
      case 'interrupt':
        return await session.interrupt();
      case 'resume':
        if (!session.isWorking) await options.work(session);
        return;
      case 'train': {
        const candidate = session.comparison?.candidates[request.candidate];
        if (candidate) await options.train(session.asked, candidate.recipe, request.start);
        return;
      }
      case 'openRun':
        await vscode.commands.executeCommand(COMMANDS.openDashboard, request.run);
        return;
    }
  }

  private send(): void {
    const { asked, comparison, isWorking } = this.session;
    this.wire.post({ type: 'snapshot', asked, comparison, isWorking });
  }
}

import * as vscode from 'vscode';
import { type Achievement, CONTEXT_KEYS, MEMENTO_KEYS } from './ids.ts';

/**
 * A page of VS Code's own may be the one with the walkthroughs, of which VS Code knows a moment later: it first asks its
 * experiments about each, for 5 s at most.
 */
const PAGE_OPENED_MS = [0, 1_000, 6_000];

/**
 * What a person has come to, which ticks steps of the walkthroughs. VS Code ticks a step when its context key becomes
 * true, not where it is true already when the walkthrough is registered, which happens no earlier than somebody opens the
 * page, and in such a window it is never ticked later. So a key is true for a moment only, and that again whenever the
 * page may have been opened; what is ticked VS Code remembers.
 */
export class Achievements implements vscode.Disposable {
  private readonly memento: Pick<vscode.Memento, 'get' | 'update'>;
  private readonly pages: vscode.Disposable;
  private readonly told = new Set<Achievement>();
  private readonly timers = new Set<NodeJS.Timeout>();

  /** @param memento where they are remembered: the walkthrough may be opened weeks later */
  constructor(memento: Pick<vscode.Memento, 'get' | 'update'>) {
    this.memento = memento;
    this.pages = vscode.window.tabGroups.onDidChangeTabs(({ opened, changed }) => {
      // Of its own pages VS Code does not say what they are.
      if ([...opened, ...changed].some(({ input }) => input === undefined)) this.pageOpened();
    });
  }

  add(step: Achievement): void {
    if (this.told.has(step)) return;
    this.told.add(step);
    void this.tell(step);
    const kept = this.kept();
    if (!kept.includes(step)) void this.memento.update(MEMENTO_KEYS.achieved, [...kept, step]);
  }

  /** Tells all of them again. */
  announce(): void {
    for (const step of new Set([...this.kept(), ...this.told])) if (isAchievement(step)) void this.tell(step);
  }

  dispose(): void {
    this.pages.dispose();
    this.clear();
  }

  /** Those of this window and others; a later version may have more. */
  private kept(): unknown[] {
    const kept = this.memento.get(MEMENTO_KEYS.achieved);
    return Array.isArray(kept) ? kept : [];
  }

  private pageOpened(): void {
    this.clear();
    for (const ms of PAGE_OPENED_MS) {
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        this.announce();
      }, ms);
      this.timers.add(timer);
    }
  }

  private clear(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  private async tell(step: Achievement): Promise<void> {
    for (const value of [true, false]) await vscode.commands.executeCommand('setContext', CONTEXT_KEYS[step], value);
  }
}

const isAchievement = (step: unknown): step is Achievement =>
  typeof step === 'string' && Object.hasOwn(CONTEXT_KEYS, step);

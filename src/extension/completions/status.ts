import * as vscode from 'vscode';
import type { Luthier } from '../context.ts';
import { markdown, plainLine } from '../escape.ts';
import { COMMANDS, COMPLETIONS_STATUS_ITEM } from '../ids.ts';
import { setting } from '../settings.ts';
import { tooltip } from '../ui.ts';
import type { WhyNot } from './gate.ts';
import { languageName } from './languages.ts';
import type { Activity } from './provider.ts';

/** Work that is over sooner is not shown: the item would flicker with every key. */
const LOADING_MS = 400;
/** A snooze ends, and a run elsewhere begins, without anybody telling. */
const LOOK_MS = 15_000;

/** What the item says of where the cursor is. */
export interface Said {
  icon: string;
  /** Behind “Completions”; empty where all is well. */
  words: string;
  detail: string;
}

/** The item's words. */
export function saidOf(about: {
  whyNot: WhyNot | null;
  /** The model at work, by its name, and what it completes. */
  model: string | null;
  language: string | null;
  isLoading: boolean;
  isTraining: boolean;
}): Said {
  const { whyNot, model, language, isLoading, isTraining } = about;
  if (whyNot) return { icon: 'circle-slash', words: whyNot.short, detail: whyNot.text };
  if (isLoading)
    return { icon: 'loading~spin', words: 'loading the model', detail: `${model ?? 'The model'} is being loaded.` };
  if (language === null || model === null) return { icon: 'sparkle', words: '', detail: 'Completions are on.' };
  const works = `${model} completes ${language}.`;
  return isTraining
    ? {
        icon: 'sparkle',
        words: 'shorter while a run trains',
        detail: `${works} A run trains on this machine, so suggestions are shorter until it ends.`,
      }
    : { icon: 'sparkle', words: '', detail: `${works} Alt+\\ asks for several suggestions.` };
}

/** The switch in the status bar: whether the document at hand is completed, and why not. */
export class CompletionStatus implements vscode.Disposable {
  private readonly item: vscode.StatusBarItem;
  private readonly luthier: Luthier;
  private readonly disposables: { dispose(): void }[];
  private readonly timer: NodeJS.Timeout;
  private due: NodeJS.Timeout | undefined;
  private loading: NodeJS.Timeout | undefined;
  private isLoading = false;
  private drawn = 0;

  constructor(luthier: Luthier) {
    this.luthier = luthier;
    this.item = vscode.window.createStatusBarItem(COMPLETIONS_STATUS_ITEM, vscode.StatusBarAlignment.Right, 100);
    this.item.name = 'Luthier: completions';
    this.item.command = COMMANDS.completionsMenu;
    const { completions, runs } = luthier;
    const draw = () => this.drawSoon();
    this.disposables = [
      completions.state.changed.on(draw),
      completions.provider.activity.on((activity) => this.onActivity(activity)),
      runs.changed.on(draw),
      vscode.window.onDidChangeActiveTextEditor(draw),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration('luthier.completions')) this.drawSoon();
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(draw),
      // Its language was changed.
      vscode.workspace.onDidOpenTextDocument(draw),
    ];
    this.timer = setInterval(draw, LOOK_MS);
    this.timer.unref();
    this.drawSoon();
  }

  dispose(): void {
    clearInterval(this.timer);
    clearTimeout(this.due);
    clearTimeout(this.loading);
    for (const disposable of this.disposables) disposable.dispose();
    this.item.dispose();
  }

  private onActivity(activity: Activity): void {
    if (activity === 'loading') {
      this.loading ??= setTimeout(() => {
        this.isLoading = true;
        this.drawSoon();
      }, LOADING_MS);
      return;
    }
    clearTimeout(this.loading);
    this.loading = undefined;
    if (!this.isLoading) return;
    this.isLoading = false;
    this.drawSoon();
  }

  private drawSoon(): void {
    this.due ??= setTimeout(() => {
      this.due = undefined;
      void this.draw().catch((error: Error) => this.luthier.log.error(error));
    }, 50);
  }

  private async draw(): Promise<void> {
    const drawn = ++this.drawn;
    const { completions } = this.luthier;
    await completions.state.ready();
    const document = vscode.window.activeTextEditor?.document;
    const isChosen = Object.keys(completions.models.choices).length > 0;
    const { asked } = completions.state.now;
    // Who has not been asked yet, or does not want it, is not shown a switch.
    const isWanted = isChosen || (asked !== null && !asked.never && setting('luthier.completions.enabled'));
    const whyNot = document && isWanted ? await completions.gate.whyNot(document) : null;
    if (drawn !== this.drawn) return;
    const isElsewhere = whyNot?.kind === 'place' || (!isChosen && whyNot?.kind !== 'no-model');
    if (!isWanted || isElsewhere) {
      this.item.hide();
      return;
    }
    const isOff = !setting('luthier.completions.enabled');
    const model = document ? completions.models.chosen(document.languageId) : null;
    const { icon, words, detail } = isOff
      ? { icon: 'circle-slash', words: 'off', detail: 'Completions are off.' }
      : saidOf({
          whyNot,
          model: model === null ? null : completions.models.nameOf(model),
          language: document ? languageName(document.languageId) : null,
          isLoading: this.isLoading,
          isTraining: completions.training.isTraining(),
        });
    const text = words === '' ? 'Completions' : `Completions: ${plainLine(words)}`;
    this.item.text = `$(${icon}) ${text}`;
    this.item.tooltip = tooltip(`${markdown(detail)}\n\nClick for switches, models and counts.`);
    this.item.accessibilityInformation = { label: `${words === '' ? 'Completions: on' : text}. ${plainLine(detail)}` };
    this.item.show();
  }
}

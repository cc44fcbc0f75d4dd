import * as vscode from 'vscode';
import { asToast, Cancelled, type HostError, isCancelled, sentence, toHostError, type Way } from './errors.ts';
import { plain, plainLine } from './escape.ts';
import { COMMANDS, type CommandName, SETTINGS } from './ids.ts';
import type { Log } from './log.ts';

/** Ways on from a failure, as buttons call them. */
export const BUTTONS: Partial<Record<Way, string>> = {
  showLog: 'Show Log',
  restartEngine: 'Restart Engine',
  chooseModel: 'Choose Model',
  cleanUpRuns: 'Clean Up Runs',
  openSettings: 'Open Settings',
  manageTrust: 'Manage Workspace Trust',
  showProblems: 'Show Problems',
  reportProblem: 'Report a Problem',
  goToLine: 'Go to Line',
  setEndpointKey: 'Set API Key',
  chooseTemplateModel: 'Choose Model',
  tryBaseModel: 'Choose Another Model',
  fineTuneSelection: 'Fine-tune…',
  learnFromCompletions: 'Learn from My Completions…',
  reviewLearned: 'Review Learned Completions…',
  chooseCompletionModel: 'Choose Model…',
};

const SHOW = {
  information: 'showInformationMessage',
  warning: 'showWarningMessage',
  error: 'showErrorMessage',
} as const;
type Level = keyof typeof SHOW;

/**
 * A notification, or with `modal` a dialog. Its text may hold names from files: no link and no icon comes of them.
 * Gives the button pressed.
 */
export async function tell<T extends string | vscode.MessageItem>(
  level: Level,
  text: string,
  ...rest: [vscode.MessageOptions, ...T[]] | T[]
): Promise<T | undefined> {
  const show = vscode.window[SHOW[level]] as (text: string, ...rest: unknown[]) => Thenable<T | undefined>;
  const [options, ...buttons] = rest;
  if (typeof options !== 'object' || 'title' in options) return await show(plain(text), ...rest);
  const detail = options.detail === undefined ? {} : { detail: plain(options.detail) };
  return await show(plain(text), { ...options, ...detail }, ...buttons);
}

/** A tooltip of Markdown, of whose values each went through `markdown` in escape.ts. */
export const tooltip = (text: string): vscode.MarkdownString => new vscode.MarkdownString(text, true);

/** An item of a pick list as it may be shown: an icon that begins its label is ours, and all else is text. */
export function shownItem<T extends vscode.QuickPickItem>(item: T): T {
  const icon = /^\$\([a-z-]+(?:~[a-z]+)?\) /.exec(item.label)?.[0] ?? '';
  return {
    ...item,
    label: icon + plainLine(item.label.slice(icon.length)),
    ...(item.description === undefined ? {} : { description: plainLine(item.description) }),
    ...(item.detail === undefined ? {} : { detail: plainLine(item.detail) }),
  };
}

/** Failures already told: one that rejects many requests is shown once. */
const told = new WeakSet<HostError>();

/** Tells a failure once: the fact in a notification with the ways on as buttons, all that there is to say in the log. */
export function showError(error: unknown, log: Log): void {
  if (isCancelled(error)) return;
  const failure = toHostError(error);
  if (told.has(failure)) return;
  told.add(failure);
  log.error(sentence(failure));
  // Where it comes from helps only with what nobody foresaw.
  if (failure.code === 'internal' && error instanceof Error) log.error(error);
  const { fact, ways } = asToast(failure);
  const buttons = ways.filter((way) => BUTTONS[way]);
  void tell('error', fact, ...buttons.map((way) => BUTTONS[way]!)).then((label) => {
    const way = buttons.find((one) => BUTTONS[one] === label);
    if (way) void follow(way, failure);
  });
}

/**
 * Goes the way on from a failure.
 * @param args for the command that the way is
 */
export async function follow(way: Way, failure: HostError, ...args: unknown[]): Promise<void> {
  switch (way) {
    case 'openSettings': {
      const words = sentence(failure).match(/luthier\.[\w.]*\w/g) ?? [];
      const named = words.find((word) => word in SETTINGS) ?? 'luthier';
      return void (await vscode.commands.executeCommand('workbench.action.openSettings', named));
    }
    case 'manageTrust':
      return void (await vscode.commands.executeCommand('workbench.trust.manage'));
    case 'showProblems':
      return void (await vscode.commands.executeCommand('workbench.actions.view.problems'));
    case 'goToLine': {
      const { uri, line } = failure.place!;
      const start = new vscode.Position(line - 1, 0);
      const at = new vscode.Range(start, start);
      return void (await vscode.window.showTextDocument(vscode.Uri.parse(uri), { selection: at }));
    }
    default:
      await vscode.commands.executeCommand(COMMANDS[way satisfies CommandName], ...args);
  }
}

/** Shows progress with a Cancel button; `signal` ends when it is pressed. */
export async function withProgress<T>(
  title: string,
  work: (
    signal: AbortSignal,
    report: (progress: { message: string; done?: number; total?: number | null }) => void,
  ) => Promise<T>,
): Promise<T> {
  return await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: plain(title), cancellable: true },
    async (progress, token) => {
      const controller = new AbortController();
      const subscription = token.onCancellationRequested(() => controller.abort());
      let shown = 0;
      try {
        return await work(controller.signal, ({ message, done, total }) => {
          const percent = total && done !== undefined ? Math.min(100, (100 * done) / total) : shown;
          progress.report({ message: plain(message), increment: Math.max(0, percent - shown) });
          shown = Math.max(shown, percent);
        });
      } catch (error) {
        if (controller.signal.aborted) throw new Cancelled();
        throw error;
      } finally {
        subscription.dispose();
      }
    },
  );
}

/** Asks for a line of text. Throws Cancelled on Escape. */
export async function askText(options: vscode.InputBoxOptions): Promise<string> {
  const { title, prompt } = options;
  const text = await vscode.window.showInputBox({
    ...options,
    ...(title === undefined ? {} : { title: plain(title) }),
    ...(prompt === undefined ? {} : { prompt: plain(prompt) }),
  });
  if (text === undefined) throw new Cancelled();
  return text;
}

/** A modal question before something is lost. Throws Cancelled when it is not confirmed. */
export async function confirm(message: string, detail: string, button: string): Promise<void> {
  const answer = await tell('warning', message, { modal: true, detail }, button);
  if (answer !== button) throw new Cancelled();
}

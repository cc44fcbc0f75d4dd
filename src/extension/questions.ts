import * as vscode from 'vscode';
import { Cancelled } from './errors.ts';
import { linesOf } from './format.ts';
import { shownItem } from './ui.ts';

/** Pressed instead of an answer in a question that has one before it. */
export const BACK = Symbol('back');

export interface Choice<T> extends vscode.QuickPickItem {
  value?: T;
}

export interface Question<T> {
  title: string;
  placeholder: string;
  items: readonly Choice<T>[];
  /** Preselected. */
  active?: Choice<T> | undefined;
  /** Why the question comes again, above its answers. */
  notice?: Notice | undefined;
  step?: number;
  totalSteps?: number;
  canGoBack?: boolean;
}

/** Where a question stands among those of a command, and why it comes again. */
export interface Position {
  step: number;
  totalSteps: number;
  canGoBack: boolean;
  notice?: Notice | undefined;
}

/** What went wrong with an answer, as a line of the question that it leads back to. */
export interface Notice {
  message: string;
  hint?: string | undefined;
  icon: vscode.IconPath;
}

type Picker = vscode.QuickPick<vscode.QuickPickItem>;

/**
 * Questions that follow one another. Something of them stays on screen from the first to the last, also while the
 * engine works in between: a key pressed too early lands there, and not in the document behind, whose selection an
 * Enter would replace. Each question is a picker of its own, so that a second Enter on one cannot answer the next.
 */
export class Questions implements vscode.Disposable {
  private readonly title: string;
  private picker: Picker | null = null;
  /** What Escape, or another picker that takes the place, means at the moment. */
  private onHide: () => void = () => {};

  constructor(title: string) {
    this.title = title;
  }

  dispose(): void {
    this.onHide = () => {};
    this.picker?.dispose();
    this.picker = null;
  }

  /** Asks. Throws Cancelled on Escape. */
  async ask<T>(question: Omit<Question<T>, 'title'>): Promise<T | typeof BACK> {
    const picker = this.make<T>();
    picker.placeholder = question.placeholder;
    const items = question.items.map((item) => shownItem(item));
    picker.items = [...noticeItems(question.notice).map((item) => shownItem(item)), ...items];
    picker.matchOnDescription = true;
    picker.matchOnDetail = true;
    picker.ignoreFocusOut = question.totalSteps !== undefined;
    if (question.step !== undefined) picker.step = question.step;
    if (question.totalSteps !== undefined) picker.totalSteps = question.totalSteps;
    if (question.canGoBack) picker.buttons = [vscode.QuickInputButtons.Back];
    const wanted = question.active ?? (question.notice && question.items.find(({ value }) => value !== undefined));
    // What is shown are copies.
    const active = wanted && items[question.items.indexOf(wanted)];
    if (active) picker.activeItems = [active];
    try {
      return await new Promise<T | typeof BACK>((resolve, reject) => {
        this.onHide = () => reject(new Cancelled());
        picker.onDidTriggerButton(() => resolve(BACK));
        picker.onDidAccept(() => {
          const value = picker.selectedItems[0]?.value;
          // Lines that only inform carry no value: Enter on one leaves the question open.
          if (value !== undefined) resolve(value);
        });
        this.show(picker);
      });
    } finally {
      this.onHide = () => {};
    }
  }

  /**
   * Asks for some of several, at least one; those that are `picked` are ticked at first. Throws Cancelled on Escape.
   */
  async askMany<T>(
    question: Omit<Question<T>, 'title' | 'active'> & { items: readonly Choice<T>[] },
  ): Promise<T[] | typeof BACK> {
    const picker = this.make<T>();
    picker.placeholder = question.notice?.message ?? question.placeholder;
    picker.canSelectMany = true;
    picker.ignoreFocusOut = true;
    const items = question.items.map((item) => shownItem(item));
    picker.items = items;
    picker.selectedItems = items.filter(({ picked }) => picked);
    if (question.step !== undefined) picker.step = question.step;
    if (question.totalSteps !== undefined) picker.totalSteps = question.totalSteps;
    if (question.canGoBack) picker.buttons = [vscode.QuickInputButtons.Back];
    try {
      return await new Promise<T[] | typeof BACK>((resolve, reject) => {
        this.onHide = () => reject(new Cancelled());
        picker.onDidTriggerButton(() => resolve(BACK));
        picker.onDidAccept(() => {
          const values = picker.selectedItems.flatMap(({ value }) => (value === undefined ? [] : [value]));
          // Of nothing there is nothing to learn: the question stays.
          if (values.length > 0) resolve(values);
        });
        this.show(picker);
      });
    } finally {
      this.onHide = () => {};
    }
  }

  /**
   * Says what is being done while it is done; the work may say it again, as with how far it is. Escape ends `signal` and
   * throws Cancelled.
   */
  async work<T>(
    message: string,
    work: (signal: AbortSignal, say: (message: string) => void) => Promise<T>,
  ): Promise<T> {
    const picker = this.make();
    picker.placeholder = message;
    picker.busy = true;
    picker.ignoreFocusOut = true;
    this.show(picker);
    const controller = new AbortController();
    const hidden = new Promise<never>((_, reject) => {
      this.onHide = () => {
        controller.abort();
        reject(new Cancelled());
      };
    });
    try {
      const say = (now: string) => {
        // What comes late finds the next question there.
        if (this.picker === picker) picker.placeholder = now;
      };
      return await Promise.race([work(controller.signal, say), hidden]);
    } finally {
      this.onHide = () => {};
    }
  }

  private make<T>(): vscode.QuickPick<Choice<T>> {
    const picker = vscode.window.createQuickPick<Choice<T>>();
    picker.title = this.title;
    picker.onDidHide(() => {
      if (this.picker === picker) this.onHide();
    });
    return picker;
  }

  private show(picker: Picker): void {
    const before = this.picker;
    this.picker = picker;
    picker.show();
    // Only now, so that there is no moment without one.
    before?.dispose();
  }
}

/** A further line of a message, dimmed as its first detail is. */
export const continuation = (line: string): Choice<never> => ({ label: '', description: line, alwaysShow: true });

/** A long message goes over several lines of the list, so that its end is seen. */
function noticeItems(notice: Notice | undefined): Choice<never>[] {
  if (!notice) return [];
  const { message, hint, icon } = notice;
  const pauses = [...message.slice(0, NOTICE_LINE).matchAll(/[.;:,] | (?=\()/g)];
  const split = message.length > NOTICE_LINE ? (pauses.at(-1)?.index ?? -1) : -1;
  const [rest, ...more] = linesOf(
    [split > 0 ? message.slice(split + 1).trim() : '', hint ?? ''].filter(Boolean).join(' '),
  );
  return [
    {
      label: split > 0 ? message.slice(0, split + 1) : message,
      ...(rest ? { detail: rest } : {}),
      iconPath: icon,
      alwaysShow: true,
    },
    ...more.map(continuation),
  ];
}

/** Letters that a line of a picker has room for. */
const NOTICE_LINE = 80;

/** One question with a quick pick. Throws Cancelled on Escape. */
export async function choose<T>(question: Omit<Question<T>, 'canGoBack'>): Promise<T> {
  const questions = new Questions(question.title);
  try {
    return (await questions.ask(question)) as T;
  } finally {
    questions.dispose();
  }
}

export const separator = (label: string): vscode.QuickPickItem => ({
  label,
  kind: vscode.QuickPickItemKind.Separator,
});

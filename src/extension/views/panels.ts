import * as vscode from 'vscode';
import { webviewOptions } from './panel.ts';

/** The panels of one kind, a page for each of what they are about. */
export abstract class Panels<T> implements vscode.Disposable, vscode.WebviewPanelSerializer {
  private readonly viewType: string;
  private readonly extension: vscode.Uri;
  private readonly open = new Map<string, vscode.WebviewPanel>();

  /** @param viewType one of PANELS */
  constructor(viewType: string, extension: vscode.Uri) {
    this.viewType = viewType;
    this.extension = extension;
  }

  /** Where a new one is shown. */
  protected get column(): vscode.ViewColumn {
    return vscode.ViewColumn.Active;
  }

  /** What of its kind it is: a path. */
  protected abstract keyOf(about: T): string;
  protected abstract titleOf(about: T): string;
  /** What a page's state says that it was about. */
  protected abstract find(state: unknown): Promise<T | undefined>;
  /**
   * @param moved tells that the page is about another from now on; false where that has a page of its own, which is
   *   shown then
   */
  protected abstract start(panel: vscode.WebviewPanel, about: T, moved: (other: T) => boolean): { dispose(): void };

  show(about: T): void {
    if (this.reveal(about)) return;
    const { viewType, extension } = this;
    const title = this.titleOf(about);
    this.add(vscode.window.createWebviewPanel(viewType, title, this.column, webviewOptions(extension)), about);
  }

  /** After a window's reload. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const about = await this.find(state);
    if (about) this.add(panel, about);
    else panel.dispose();
  }

  dispose(): void {
    for (const panel of [...this.open.values()]) panel.dispose();
  }

  private reveal(about: T): boolean {
    const shown = this.open.get(this.keyOf(about));
    shown?.reveal();
    return shown !== undefined;
  }

  private add(panel: vscode.WebviewPanel, about: T): void {
    let key = this.keyOf(about);
    const page = this.start(panel, about, (other) => {
      if (this.reveal(other)) return false;
      this.open.delete(key);
      key = this.keyOf(other);
      this.open.set(key, panel);
      return true;
    });
    this.open.set(key, panel);
    panel.onDidDispose(() => {
      page.dispose();
      this.open.delete(key);
    });
  }
}

/** Panels of a kind of which there is one page, about nothing in particular. */
export abstract class OnlyPanel extends Panels<string> {
  private readonly title: string;
  private readonly parseState: (state: unknown) => { ok: boolean };

  /** @param parseState whether a page's state is one of this kind's; a page that has kept none is, too */
  constructor(viewType: string, extension: vscode.Uri, title: string, parseState: (state: unknown) => { ok: boolean }) {
    super(viewType, extension);
    this.title = title;
    this.parseState = parseState;
  }

  override show(): void {
    super.show(this.title);
  }

  protected keyOf(): string {
    return this.title;
  }

  protected titleOf(): string {
    return this.title;
  }

  protected async find(state: unknown): Promise<string | undefined> {
    return this.parseState(state).ok || state === undefined ? this.title : undefined;
  }
}

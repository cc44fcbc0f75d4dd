import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { Checked } from '../../protocol/check.ts';
import type { ErrorData, PageRequest } from '../../protocol/index.ts';
import { type HostError, isCancelled, toErrorData, toHostError } from '../errors.ts';
import { COMMANDS } from '../ids.ts';
import type { Log } from '../log.ts';
import { webviewHtml, wordsHtml } from './html.ts';

export interface PanelPage {
  /** Bundle in dist/webview: `dashboard` or `tryout`. */
  name: string;
  title: string;
}

/** Options of every panel of ours: scripts from dist/webview and nothing from elsewhere. */
export function webviewOptions(extension: vscode.Uri): vscode.WebviewOptions & vscode.WebviewPanelOptions {
  return {
    enableScripts: true,
    localResourceRoots: [vscode.Uri.joinPath(extension, 'dist', 'webview')],
    enableFindWidget: true,
  };
}

/**
 * A webview panel with a typed wire: what arrives is checked, what does not fit is dropped and logged, and a request
 * that fails or is called off (null for its error) is answered by `failed`. Nothing is posted to a hidden page: it asks for everything when it comes back.
 * What any page may ask (log, reload, tell that it failed) is answered here.
 */
export class Panel<In extends { type: string }, Out> {
  readonly panel: vscode.WebviewPanel;
  /** A person closed it; the panel's own properties may no longer be asked for. */
  closed = false;
  private readonly log: Log;
  private readonly extension: vscode.Uri;
  private readonly page: PanelPage;

  constructor(
    panel: vscode.WebviewPanel,
    extension: vscode.Uri,
    page: PanelPage,
    log: Log,
    parse: (value: unknown) => Checked<In | PageRequest>,
    handle: (request: Exclude<In, PageRequest>) => Promise<void>,
    failed: (request: Exclude<In, PageRequest>, error: ErrorData | null, failure: HostError | null) => Out | null,
  ) {
    this.panel = panel;
    this.log = log;
    this.extension = extension;
    this.page = page;
    panel.onDidDispose(() => {
      this.closed = true;
    });
    panel.title = page.title;
    panel.iconPath = {
      light: vscode.Uri.joinPath(extension, 'media', 'luthier-light.svg'),
      dark: vscode.Uri.joinPath(extension, 'media', 'luthier-dark.svg'),
    };
    panel.webview.onDidReceiveMessage((value: unknown) => {
      const checked = parse(value);
      if (!checked.ok) {
        log.warn(`Dropped a message from the ${page.name}: ${checked.reason}`);
        return;
      }
      const { message } = checked;
      if (isPageRequest(message)) {
        this.answer(message);
        return;
      }
      const request = message as Exclude<In, PageRequest>;
      handle(request).catch((error: unknown) => {
        const failure = isCancelled(error) ? null : toHostError(error);
        if (failure) log.error(error instanceof Error ? error : failure);
        const answer = failed(request, failure && toErrorData(failure), failure);
        if (answer) this.post(answer);
      });
    });
    panel.webview.options = webviewOptions(extension);
    this.load();
  }

  /** Makes the page, or makes it again: VS Code loads what differs, and the nonce does. */
  private load(): void {
    const { panel, extension, page } = this;
    const folder = vscode.Uri.joinPath(extension, 'dist', 'webview');
    const uri = (file: string) => panel.webview.asWebviewUri(vscode.Uri.joinPath(folder, file)).toString();
    let guard: string;
    try {
      // 3 kB, and read before the page: it tells what becomes of the rest.
      guard = readFileSync(vscode.Uri.joinPath(folder, 'guard.js').fsPath, 'utf8');
    } catch (error) {
      this.log.error(`The ${page.name} cannot be shown: ${(error as Error).message}`);
      panel.webview.html = wordsHtml(page.title, FILES_MISSING);
      return;
    }
    panel.webview.html = webviewHtml({
      guard,
      title: page.title,
      cspSource: panel.webview.cspSource,
      script: uri(`${page.name}.js`),
      style: uri(`${page.name}.css`),
      codicons: uri('codicon.css'),
      nonce: randomBytes(16).toString('base64'),
      language: vscode.env.language,
    });
  }

  private answer(request: PageRequest): void {
    switch (request.type) {
      case 'log':
        logFromPage(this.log, request.level, request.message);
        return;
      case 'pageFailed':
        this.log.error(`The ${this.page.name} failed: ${request.message}\n${request.detail}`);
        return;
      case 'reload':
        this.load();
        return;
      case 'showLog':
        vscode.commands.executeCommand(COMMANDS.showLog).then(undefined, (error: Error) => this.log.error(error));
        return;
    }
  }

  get visible(): boolean {
    return !this.closed && this.panel.visible;
  }

  post(message: Out): void {
    if (!this.visible) return;
    this.panel.webview.postMessage(message).then(undefined, (error: Error) => this.log.debug(error.message));
  }
}

const FILES_MISSING =
  'Files of the Luthier extension are missing. Reload the window. If that does not help, reinstall Luthier.';

const PAGE_REQUESTS: Readonly<Record<PageRequest['type'], true>> = {
  log: true,
  pageFailed: true,
  reload: true,
  showLog: true,
};
const isPageRequest = (request: { type: string }): request is PageRequest => Object.hasOwn(PAGE_REQUESTS, request.type);

/** Lines that a page wants in the log. */
function logFromPage(log: Log, level: 'info' | 'warning' | 'error', message: string): void {
  if (level === 'error') log.error(message);
  else if (level === 'warning') log.warn(message);
  else log.info(message);
}

import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { Checked } from '../../protocol/check.ts';
import type { ErrorData } from '../../protocol/index.ts';
import { isCancelled, toErrorData, toHostError } from '../errors.ts';
import type { Log } from '../log.ts';
import { webviewHtml } from './html.ts';

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
 * that fails is answered by `failed`. Nothing is posted to a hidden page: it asks for everything when it comes back.
 */
export class Panel<In extends { type: string }, Out> {
  readonly panel: vscode.WebviewPanel;
  /** A person closed it; the panel's own properties may no longer be asked for. */
  closed = false;
  private readonly log: Log;

  constructor(
    panel: vscode.WebviewPanel,
    extension: vscode.Uri,
    page: PanelPage,
    log: Log,
    parse: (value: unknown) => Checked<In>,
    handle: (request: In) => Promise<void>,
    failed: (request: In, error: ErrorData) => Out,
  ) {
    this.panel = panel;
    this.log = log;
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
      handle(checked.message).catch((error: unknown) => {
        if (isCancelled(error)) return;
        const failure = toHostError(error);
        log.error(error instanceof Error ? error : failure);
        this.post(failed(checked.message, toErrorData(failure)));
      });
    });
    const folder = vscode.Uri.joinPath(extension, 'dist', 'webview');
    const uri = (file: string) => panel.webview.asWebviewUri(vscode.Uri.joinPath(folder, file)).toString();
    panel.webview.options = webviewOptions(extension);
    panel.webview.html = webviewHtml({
      title: page.title,
      cspSource: panel.webview.cspSource,
      script: uri(`${page.name}.js`),
      style: uri(`${page.name}.css`),
      codicons: uri('codicon.css'),
      nonce: randomBytes(16).toString('base64'),
      language: vscode.env.language,
    });
  }

  get visible(): boolean {
    return !this.closed && this.panel.visible;
  }

  post(message: Out): void {
    if (!this.visible) return;
    this.panel.webview.postMessage(message).then(undefined, (error: Error) => this.log.debug(error.message));
  }
}

/** Lines that a page wants in the log. */
export function logFromPage(log: Log, level: 'info' | 'warning' | 'error', message: string): void {
  if (level === 'error') log.error(message);
  else if (level === 'warning') log.warn(message);
  else log.info(message);
}

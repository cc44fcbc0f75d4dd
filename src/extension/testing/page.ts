import { EventEmitter, type Uri } from './vscode.ts';

/** A webview panel whose page is the test. */
export class Page {
  readonly received = new EventEmitter<unknown>();
  readonly disposed = new EventEmitter<void>();
  readonly posted: unknown[] = [];
  title = '';
  iconPath: unknown;
  isDisposed = false;
  shown = true;
  readonly webview = {
    html: '',
    options: {},
    cspSource: 'vscode-resource:',
    asWebviewUri: (uri: Uri) => uri,
    onDidReceiveMessage: this.received.event,
    postMessage: async (message: unknown) => this.posted.push(message),
  };
  readonly onDidDispose = this.disposed.event;
  readonly onDidChangeViewState = new EventEmitter<void>().event;
  get visible(): boolean {
    // As VS Code's does.
    if (this.isDisposed) throw new Error('Webview is disposed');
    return this.shown;
  }
  close(): void {
    this.isDisposed = true;
    this.disposed.fire();
  }
}

import { writeFile } from 'node:fs/promises';
/**
 * What stands for `vscode` in unit tests (vitest.config.ts): the few parts of the editor that host logic touches, with
 * the person and the window played by the test. Only tests import it by its path, to play; real code imports 'vscode'.
 */
import { vi } from 'vitest';

export * from './language.ts';

type Listener<T> = (value: T) => void;

/** An event with the means to fire it. */
export class EventEmitter<T> {
  private readonly listeners = new Set<Listener<T>>();
  readonly event = (listener: Listener<T>) => {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  };
  fire(value: T): void {
    for (const listener of [...this.listeners]) listener(value);
  }
  dispose(): void {
    this.listeners.clear();
  }
}

export class Uri {
  readonly scheme: string;
  readonly path: string;
  private constructor(scheme: string, path: string) {
    this.scheme = scheme;
    this.path = path;
  }
  static file = (path: string) => new Uri('file', path);
  static parse = (text: string) => {
    const url = new URL(text);
    return new Uri(url.protocol.slice(0, -1), decodeURIComponent(url.pathname));
  };
  static joinPath = (base: Uri, ...parts: string[]) => new Uri(base.scheme, [base.path, ...parts].join('/'));
  get fsPath(): string {
    return this.path;
  }
  toString(): string {
    return `${this.scheme}://${encodeURI(this.path)}`;
  }
}

export interface Item {
  label: string;
  description?: string;
  detail?: string;
  iconPath?: unknown;
  value?: unknown;
}

/** A quick pick as the test's person sees it: `accept` is Enter, `escape` is Escape or another picker in its place. */
export class QuickPick {
  title = '';
  placeholder = '';
  step: number | undefined;
  totalSteps: number | undefined;
  items: readonly Item[] = [];
  activeItems: readonly Item[] = [];
  selectedItems: readonly Item[] = [];
  buttons: readonly unknown[] = [];
  busy = false;
  ignoreFocusOut = false;
  matchOnDescription = false;
  matchOnDetail = false;
  canSelectMany = false;
  visible = false;
  private readonly accepted = new EventEmitter<void>();
  private readonly hidden = new EventEmitter<void>();
  private readonly pressed = new EventEmitter<unknown>();
  readonly onDidAccept = this.accepted.event;
  readonly onDidHide = this.hidden.event;
  readonly onDidTriggerButton = this.pressed.event;
  private readonly typed = new EventEmitter<string>();
  readonly onDidChangeValue = this.typed.event;

  /** What a person types above the items. */
  write(value: string): void {
    this.typed.fire(value);
  }
  show(): void {
    const before = shown.picker;
    shown.picker = this;
    shown.history.push(this);
    this.visible = true;
    if (before && before !== this) before.hide();
  }
  hide(): void {
    if (!this.visible) return;
    this.visible = false;
    if (shown.picker === this) shown.picker = null;
    this.hidden.fire();
  }
  dispose(): void {
    this.hide();
  }
  accept(label?: string): void {
    const item =
      label === undefined ? (this.activeItems[0] ?? this.items[0]) : this.items.find((i) => i.label === label);
    this.selectedItems = item ? [item] : [];
    this.accepted.fire();
  }
  /** Enter in a picker of many: what is ticked is the answer. */
  confirm(): void {
    this.accepted.fire();
  }
  back(): void {
    this.pressed.fire(QuickInputButtons.Back);
  }
}

/** What is on screen, and all pickers that have been. */
export const shown: { picker: QuickPick | null; history: QuickPick[] } = { picker: null, history: [] };

export const QuickInputButtons = { Back: { id: 'back' } };
export const QuickPickItemKind = { Separator: -1, Default: 0 };
export const TreeItemCollapsibleState = { None: 0, Collapsed: 1, Expanded: 2 };
export class DataTransferItem {
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
  asString = async () => String(this.value);
}
export class DataTransfer extends Map<string, DataTransferItem> {}
export class TreeItem {
  label: string;
  collapsibleState: number | undefined;
  constructor(label: string, collapsibleState?: number) {
    this.label = label;
    this.collapsibleState = collapsibleState;
  }
}
export class ThemeIcon {
  static File = new ThemeIcon('file');
  readonly id: string;
  readonly color: ThemeColor | undefined;
  constructor(id: string, color?: ThemeColor) {
    this.id = id;
    this.color = color;
  }
}
export class ThemeColor {
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
}

export class Position {
  readonly line: number;
  readonly character: number;
  constructor(line: number, character: number) {
    this.line = line;
    this.character = character;
  }
}
export class Range {
  readonly start: Position;
  readonly end: Position;
  constructor(start: Position, end: Position) {
    this.start = start;
    this.end = end;
  }
  /** What both have in common; a place at the end of one is in it. */
  intersection(other: Range): Range | undefined {
    const later = (a: Position, b: Position) => a.line > b.line || (a.line === b.line && a.character > b.character);
    const start = later(this.start, other.start) ? this.start : other.start;
    const end = later(this.end, other.end) ? other.end : this.end;
    return later(start, end) ? undefined : new Range(start, end);
  }
}
export class CodeLens {
  readonly range: Range;
  readonly command: unknown;
  constructor(range: Range, command: unknown) {
    this.range = range;
    this.command = command;
  }
}
export const TextEditorRevealType = { InCenter: 2 };
export const ViewColumn = { Active: -1, Beside: -2, One: 1 };
export const ProgressLocation = { Notification: 15 };

/** Documents that were shown: their path, and the 1-based line that the cursor was put on. */
export const opened: { path: string; line: number | null }[] = [];

export const window = {
  activeTextEditor: undefined as unknown,
  showInputBox: vi.fn(async (..._args: unknown[]): Promise<string | undefined> => undefined),
  showSaveDialog: vi.fn(async (..._args: unknown[]): Promise<Uri | undefined> => undefined),
  showOpenDialog: vi.fn(async (..._args: unknown[]): Promise<Uri[] | undefined> => undefined),
  showTextDocument: vi.fn(async (shown: Uri | { uri: Uri }, options?: { selection?: Range }) => {
    const uri = shown instanceof Uri ? shown : shown.uri;
    opened.push({ path: uri.fsPath, line: options?.selection ? options.selection.start.line + 1 : null });
    return { revealRange() {} };
  }),
  withProgress: vi.fn(
    async (_options: unknown, work: (progress: unknown, token: unknown) => Promise<unknown>): Promise<unknown> =>
      await work({ report() {} }, { onCancellationRequested: () => ({ dispose() {} }) }),
  ),
  createQuickPick: vi.fn(() => new QuickPick()),
  showQuickPick: vi.fn(async (..._args: unknown[]): Promise<unknown> => undefined),
  showInformationMessage: vi.fn(async (..._args: unknown[]): Promise<unknown> => undefined),
  showWarningMessage: vi.fn(async (..._args: unknown[]): Promise<unknown> => undefined),
  showErrorMessage: vi.fn(async (..._args: unknown[]): Promise<unknown> => undefined),
  showWorkspaceFolderPick: vi.fn(async (..._args: unknown[]): Promise<unknown> => undefined),
  tabGroups: { onDidChangeTabs: (listener: Listener<Tabs>) => changes.tabs.event(listener) },
};

interface Tabs {
  opened: { input: unknown }[];
  changed: { input: unknown }[];
}

/** What a document has become; tests fire them. */
export const changes = {
  tabs: new EventEmitter<Tabs>(),
  document: new EventEmitter<unknown>(),
  closed: new EventEmitter<unknown>(),
  settings: new EventEmitter<{ affectsConfiguration(name: string): boolean }>(),
  trust: new EventEmitter<void>(),
};
const never = () => ({ dispose() {} });

interface Configuration {
  get(name: string): unknown;
  inspect?(name: string): { workspaceValue?: unknown } | undefined;
  update?(name: string, value: unknown): Promise<void>;
}

/** Settings that differ from their defaults. */
export const configured = new Map<string, unknown>();

export const extensions = { all: [] as { packageJSON: unknown }[], getExtension: (_id: string): unknown => undefined };

export const workspace = {
  onDidChangeTextDocument: changes.document.event,
  onDidGrantWorkspaceTrust: changes.trust.event,
  onDidOpenTextDocument: never,
  onDidCloseTextDocument: changes.closed.event,
  onDidChangeConfiguration: changes.settings.event,
  isTrusted: true,
  workspaceFolders: undefined as { uri: Uri; name: string; index: number }[] | undefined,
  getWorkspaceFolder: (uri: Uri) =>
    workspace.workspaceFolders?.find((folder) => uri.fsPath.startsWith(`${folder.uri.fsPath}/`)),
  asRelativePath: (path: string) => path,
  openTextDocument: vi.fn(async (uri: Uri) => ({ uri, lineCount: Number.MAX_SAFE_INTEGER })),
  getConfiguration: (): Configuration => ({
    get: (name) => configured.get(name),
    inspect: () => undefined,
    update: async (name, value) => void configured.set(name, value),
  }),
  createFileSystemWatcher: (_pattern: unknown) => ({
    ...{ onDidChange: never, onDidCreate: never, onDidDelete: never },
    dispose() {},
  }),
  textDocuments: [] as unknown[],
  onDidSaveTextDocument: (_listener: unknown) => ({ dispose() {} }),
  findFiles: vi.fn(async (..._args: unknown[]): Promise<Uri[]> => []),
  fs: {
    createDirectory: vi.fn(async (_uri: Uri) => {}),
    writeFile: vi.fn(async (uri: Uri, bytes: Uint8Array) => await writeFile(uri.fsPath, bytes)),
  },
};

export const commands = { executeCommand: vi.fn(async (..._args: unknown[]): Promise<unknown> => undefined) };
export const ConfigurationTarget = { Global: 1, Workspace: 2 };
export const UIKind = { Desktop: 1, Web: 2 };
export const env = {
  language: 'en',
  remoteName: undefined as string | undefined,
  uiKind: 1,
  clipboard: { writeText: vi.fn(async (_text: string) => {}) },
};

/** A window as it was just opened. */
export function reset(): void {
  vi.clearAllMocks();
  shown.picker = null;
  shown.history = [];
  workspace.isTrusted = true;
  workspace.workspaceFolders = undefined;
  window.activeTextEditor = undefined;
  opened.length = 0;
  configured.clear();
}

/** A Memento in memory. */
export function memento(): { get(key: string): unknown; update(key: string, value: unknown): Promise<void> } {
  const values = new Map<string, unknown>();
  return {
    get: (key) => values.get(key),
    update: async (key, value) => void values.set(key, value),
  };
}

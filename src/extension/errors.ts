import {
  type ErrorCode,
  type ErrorData,
  isErrorCode,
  LuthierError,
  parseErrorData,
  TERMINAL_COMMANDS,
} from '../protocol/index.ts';
import type { CommandName } from './ids.ts';

/** Codes of what only the editor can meet; the engine's stand in protocol/errors.ts. */
export type HostErrorCode =
  | ErrorCode
  | 'engine-not-found'
  | 'engine-start'
  | 'engine-stopped'
  | 'engine-silent'
  | 'engine-gave-up'
  | 'node-not-found'
  | 'node-unusable'
  | 'node-download'
  | 'no-workspace'
  | 'untrusted'
  | 'endpoint-invalid'
  | 'endpoint-unreachable'
  | 'endpoint-silent'
  | 'endpoint-cut'
  | 'endpoint-refused'
  | 'endpoint-busy'
  | 'endpoint-failed'
  | 'run-unreachable'
  | 'run-readonly';

/** Ways on from a failure that are no command of ours. */
export type Way = CommandName | 'openSettings' | 'manageTrust' | 'showProblems' | 'goToLine';

/** A line of a document that a failure is about. */
export interface Place {
  /** The document's URI as text. */
  uri: string;
  /** 1-based. */
  line: number;
}

/**
 * A failure as a person reads it: what happened and where (`message`), what to do (`hint`), and the ways that
 * lead on (`actions`, shown as buttons; to `place` where there is one). Whatever else is thrown is a defect: logged whole, shown by its message.
 */
export class HostError extends Error {
  readonly code: HostErrorCode;
  readonly hint: string | undefined;
  readonly actions: readonly Way[];
  readonly place: Place | undefined;

  constructor(code: HostErrorCode, message: string, hint?: string, actions: readonly Way[] = [], place?: Place) {
    super(message);
    this.name = 'HostError';
    this.code = code;
    this.hint = hint;
    this.actions = place ? ['goToLine', ...actions] : actions;
    this.place = place;
  }
}

/** Thrown where a person pressed Escape or Cancel: every command ends quietly on it. */
export class Cancelled extends Error {
  constructor() {
    super('Cancelled');
    this.name = 'Cancelled';
  }
}

/** Whether `error` means that a person (or the editor, closing) called the work off. */
export function isCancelled(error: unknown): boolean {
  if (error instanceof Cancelled) return true;
  if (error instanceof HostError) return error.code === 'cancelled';
  // vscode.CancellationError and AbortError, told by name so that this file needs neither.
  return error instanceof Error && (error.name === 'Canceled' || error.name === 'AbortError');
}

/** Any thrown thing as a HostError; the first line of its message at most, so that no stack reaches a notification. */
export function toHostError(error: unknown): HostError {
  if (error instanceof HostError) return error;
  const data =
    error instanceof LuthierError
      ? error
      : error instanceof Error && 'data' in error
        ? parseErrorData(error.data)
        : null;
  if (data)
    return new HostError(data.code, data.message, inEditor(data.hint), data.code === 'internal' ? ['showLog'] : []);
  const message = error instanceof Error ? error.message : String(error);
  const line = message.split('\n', 1)[0]?.trim() || 'Something went wrong.';
  return new HostError('internal', line, 'Luthier: Show Log has the details.', ['showLog']);
}

const OF_TERMINAL = new RegExp(`\\bluthier (${TERMINAL_COMMANDS.join('|')})\\b`);

/** A hint of the engine's without the terminal's commands: here is none to type them into. */
export function inEditor(hint: string | undefined): string | undefined {
  const words = hint
    ?.replace(/Run “luthier data inspect [^”]*” to see/, 'Use Inspect Dataset to see')
    .split(/(?<=[.;])\s+/)
    .filter((sentence) => !OF_TERMINAL.test(sentence))
    .join(' ');
  return words || undefined;
}

/** As it crosses a wire: what only the editor knows has the code `internal` there. */
export function toErrorData(error: HostError): ErrorData {
  const code = isErrorCode(error.code) ? error.code : 'internal';
  const logged = error.actions.includes('showLog');
  return { code, message: error.message, ...(error.hint ? { hint: error.hint } : {}), ...(logged && { logged }) };
}

/** One paragraph for a notification: message, then hint. */
export function sentence(error: HostError): string {
  const message = /[.!?…]$/.test(error.message) ? error.message : `${error.message}.`;
  return error.hint ? `${message} ${error.hint}` : message;
}

/** Ways on that go with a code, where who throws names none. */
const WAYS: Partial<Record<HostErrorCode, readonly Way[]>> = {
  'node-not-found': ['openSettings'],
  'node-unusable': ['openSettings'],
  'node-download': ['openSettings'],
  'engine-start': ['openSettings'],
  'engine-stopped': ['restartEngine'],
  'engine-gave-up': ['restartEngine'],
  'model-not-found': ['chooseModel'],
  'model-unsupported': ['chooseModel'],
  'disk-full': ['cleanUpRuns'],
  untrusted: ['manageTrust'],
  internal: ['reportProblem'],
};

/** More than one line of a toast: VS Code folds it away where there is no button. */
const LINE = 70;

/**
 * A failure as a toast shows it: the fact, in one sentence, and the ways on. What more there is to say goes to the log,
 * so a toast that leaves something out leads there.
 */
export function asToast(error: HostError): { fact: string; ways: readonly Way[] } {
  const fact = firstSentence(error.message);
  const ways = [...new Set([...error.actions, ...(WAYS[error.code] ?? [])])].filter((way) => way !== 'showLog');
  const hasMore = fact.length < sentence(error).length;
  const needsLog = hasMore || fact.length > LINE || error.actions.includes('showLog');
  return { fact, ways: needsLog ? [...ways, 'showLog'] : ways };
}

/** Up to the first full stop that a new sentence follows; names of files and numbers have dots too. */
function firstSentence(text: string): string {
  const [first] = /^.*?[.!?…](?=\s+[\p{Lu}\p{N}“"'(])/su.exec(text.trim()) ?? [text.trim()];
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}

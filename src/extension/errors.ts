import { ERROR_CODES, type ErrorCode, type ErrorData } from '../protocol/index.ts';
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
  | 'run-unreachable'
  | 'run-readonly';

/**
 * A failure as a person reads it: what happened and where (`message`), what to do (`hint`), and the commands
 * that do it (`actions`, shown as buttons). Whatever else is thrown is a defect: logged whole, shown by its message.
 */
export class HostError extends Error {
  readonly code: HostErrorCode;
  readonly hint: string | undefined;
  readonly actions: readonly CommandName[];

  constructor(code: HostErrorCode, message: string, hint?: string, actions: readonly CommandName[] = []) {
    super(message);
    this.name = 'HostError';
    this.code = code;
    this.hint = hint;
    this.actions = actions;
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

const known = new Set<string>(ERROR_CODES);

/** The engine's `{code, message, hint}` out of a JSON-RPC error's `data`, or null when it is not that. */
export function parseErrorData(data: unknown): ErrorData | null {
  if (typeof data !== 'object' || data === null) return null;
  const { code, message, hint } = data as Record<string, unknown>;
  if (typeof code !== 'string' || typeof message !== 'string' || !known.has(code)) return null;
  return { code: code as ErrorCode, message, ...(typeof hint === 'string' ? { hint } : {}) };
}

/** Any thrown thing as a HostError; the first line of its message at most, so that no stack reaches a notification. */
export function toHostError(error: unknown): HostError {
  if (error instanceof HostError) return error;
  if (error instanceof Error && 'data' in error) {
    const data = parseErrorData(error.data);
    if (data)
      return new HostError(data.code, data.message, inEditor(data.hint), data.code === 'internal' ? ['showLog'] : []);
  }
  const message = error instanceof Error ? error.message : String(error);
  const line = message.split('\n', 1)[0]?.trim() || 'Something went wrong.';
  return new HostError('internal', line, 'Luthier: Show Log has the details.', ['showLog']);
}

/** A hint of the engine's without the terminal's commands: here is none to type them into. */
function inEditor(hint: string | undefined): string | undefined {
  const words = hint
    ?.replace(/“luthier data inspect [^”]*” lists/, 'Inspect Dataset lists')
    .split(/(?<=[.;])\s+/)
    .filter((sentence) => !/\bluthier (train|evaluate|predict|data|export|runs|models|cache|backends)\b/.test(sentence))
    .join(' ');
  return words || undefined;
}

/** As it crosses a wire: what only the editor knows has the code `internal` there. */
export function toErrorData(error: HostError): ErrorData {
  const code = known.has(error.code) ? (error.code as ErrorCode) : 'internal';
  return { code, message: error.message, ...(error.hint ? { hint: error.hint } : {}) };
}

/** One paragraph for a notification: message, then hint. */
export function sentence(error: HostError): string {
  const message = /[.!?…]$/.test(error.message) ? error.message : `${error.message}.`;
  return error.hint ? `${message} ${error.hint}` : message;
}

/** Code of a failed system call (`ENOENT`…), or undefined. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

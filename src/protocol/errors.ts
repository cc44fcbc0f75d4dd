/** Codes of everything that can be said to a person. One place, so that nothing is told twice in two ways. */
const ERROR_CODES = [
  // wrong use
  'usage',
  'recipe-invalid',
  'prompt-invalid',
  // data
  'data-unreadable',
  'data-invalid',
  // models
  'model-not-found',
  'model-invalid',
  'model-unsupported',
  'tokenizer-invalid',
  'download-failed',
  'export-mismatch',
  // the machine
  'not-enough-memory',
  'disk-full',
  'not-writable',
  'backend-unavailable',
  'device-lost',
  // runs
  'run-not-found',
  'run-busy',
  'run-invalid',
  'run-newer-format',
  'run-untrusted',
  'loss-not-finite',
  'interrupted',
  'cancelled',
  'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** An error as it crosses a wire: what happened and where (`message`), and what to do (`hint`). */
export interface ErrorData {
  code: ErrorCode;
  message: string;
  hint?: string;
  /** The editor's log says more, so that a page offers to show it. */
  logged?: boolean;
}

export const isErrorCode = (code: string): code is ErrorCode => (ERROR_CODES as readonly string[]).includes(code);

/** An error as it came over a wire, or null when it is none. */
export function parseErrorData(data: unknown): ErrorData | null {
  if (typeof data !== 'object' || data === null) return null;
  const { code, message, hint } = data as Record<string, unknown>;
  if (typeof code !== 'string' || typeof message !== 'string' || !isErrorCode(code)) return null;
  return { code, message, ...(typeof hint === 'string' ? { hint } : {}) };
}

/** What happened and what to do, on one line. */
export const inOneLine = ({ message, hint }: { message: string; hint?: string | undefined }): string =>
  [message, hint].filter(Boolean).join(' ');

/**
 * Every failure that a person may meet. `message` says what happened and where (row, column, key or file)
 * in one sentence; `hint` says what to do. Anything else that is thrown is a bug of ours.
 */
export class LuthierError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LuthierError';
    this.code = code;
    this.hint = hint;
  }

  toJSON(): ErrorData {
    return { code: this.code, message: this.message, ...(this.hint === undefined ? {} : { hint: this.hint }) };
  }
}

/** What to show for anything thrown: a LuthierError as it is, the rest as `internal` with its message alone. */
export function toErrorData(error: unknown): ErrorData {
  if (error instanceof LuthierError) return error.toJSON();
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'internal', message };
}

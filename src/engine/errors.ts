import type { ErrorCode, ErrorData } from '../protocol/index.ts';

/**
 * Every failure that a person may meet. `message` says what happened and where (row, column, key or file)
 * in one sentence; `hint` says what to do. Anything else that is thrown is a defect of ours.
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

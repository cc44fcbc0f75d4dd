/** Codes of everything that can be said to a person. One place, so that nothing is told twice in two ways. */
export const ERROR_CODES = [
  // wrong use
  'usage',
  'recipe-invalid',
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
}

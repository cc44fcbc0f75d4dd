import { type ErrorCode, LuthierError } from '../../protocol/index.ts';

interface Place {
  /** The key's path in the front matter, with dots; inputs by their names. */
  key: string;
  /** What of it is wrong: that which the key names, or the value as it is written. */
  part: 'key' | 'value';
  /** The file or variable that its value refers to. */
  target?: string;
}

/** What is wrong with a key of a template's front matter, and with which. */
export class KeyFault extends LuthierError {
  constructor(
    readonly place: Place,
    code: ErrorCode,
    message: string,
    hint?: string,
  ) {
    super(code, message, hint);
  }
}

/** An error with what stands in front of its message, at the same place. */
export const behind = (start: string, error: LuthierError): LuthierError => {
  const { code, message, hint } = error;
  return error instanceof KeyFault
    ? new KeyFault(error.place, code, `${start}: ${message}`, hint)
    : new LuthierError(code, `${start}: ${message}`, hint);
};

/** Does what is done with a key's value. @throws KeyFault for any LuthierError that is none, with its words */
export async function atValue<T>(key: string, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    if (!(error instanceof LuthierError) || error instanceof KeyFault || error.code === 'cancelled') throw error;
    throw new KeyFault({ key, part: 'value' }, error.code, error.message, error.hint);
  });
}

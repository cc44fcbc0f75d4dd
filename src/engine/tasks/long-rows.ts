import { counted, formatCount, formatPercent } from '../../protocol/index.ts';

/**
 * Says how many rows are longer than max_length.
 * @param noun what a row is called
 * @param becomes the sentence's end: what is done with the rest of them
 */
export const tellingLong =
  (noun: string, becomes: string) =>
  (rows: number, of: number, maxLength: number): string =>
    `${formatCount(rows)} of ${counted(of, noun)} (${formatPercent(rows / of)}) ${rows === 1 ? 'is' : 'are'} longer than ${counted(maxLength, 'token')} (max_length)${becomes}`;

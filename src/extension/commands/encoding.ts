import { basename } from 'node:path';
import type { DataSummary } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { HostError, isCancelled, toHostError } from '../errors.ts';
import { BACK, type Choice, type Notice, type Questions } from '../questions.ts';
import { askText } from '../ui.ts';
import { noticeOf } from './models.ts';
import { inspect } from './reading.ts';
import type { Source } from './source.ts';

const OTHER = '';

/**
 * Asks how a file is to be read whose encoding cannot be told for sure: by what each likely one makes of some words.
 * Gives the rows read by the answer; those that were read already where there is nothing to ask.
 */
export async function settleEncoding(
  luthier: Luthier,
  questions: Questions,
  source: Source,
  summary: DataSummary,
): Promise<{ source: Source; summary: DataSummary }> {
  const { encoding_guess: guess, encoding } = summary;
  if (!guess || guess.is_sure) return { source, summary };
  const likely = [{ encoding, sample: guess.sample }, ...guess.alternatives];
  const items: Choice<string>[] = [
    ...likely.map(({ encoding, sample }) => ({ label: `“${sample}”`, description: encoding, value: encoding })),
    { label: '$(edit) Another encoding…', value: OTHER },
  ];
  let notice: Notice | undefined;
  for (;;) {
    const answer = await questions.ask<string>({
      placeholder: `${basename(source.data.file)} is not in UTF-8. Which of these reads correctly?`,
      items,
      notice,
    });
    if (answer === BACK) continue;
    try {
      const named = answer === OTHER ? await askEncoding() : answer;
      const data = { ...source.data, encoding: named };
      const read = await inspect(luthier, questions, `Reading as ${named}…`, data);
      return { source: { ...source, data }, summary: read };
    } catch (error) {
      if (isCancelled(error) && answer !== OTHER) throw error;
      notice = isCancelled(error) ? undefined : noticeOf(luthier, toHostError(error));
    }
  }
}

/** The name of an encoding that is not among the likely ones. */
async function askEncoding(): Promise<string> {
  const name = await askText({
    title: 'Encoding',
    placeHolder: 'windows-1251',
    prompt: 'The name of the file’s encoding, such as mac-roman, cp850, gb18030, shift_jis or koi8-r.',
  });
  if (name.trim() === '') throw new HostError('usage', 'No encoding was named.');
  return name.trim();
}

import { expect, test } from 'vitest';
import { measuredText } from './format.ts';

const read = (text: string) => ({ text, loss: null });
const learnt = (text: string) => ({ text, loss: 1 });

test.each([
  ['begins with the word that its first token begins', [read('Hel'), learnt('lo'), learnt(' there')], 'Hello there'],
  [
    'has an ellipsis for what stands before',
    [read('Once upon a ti'), learnt('me, long'), learnt(' ago')],
    '…time, long ago',
  ],
  ['has one where a whole word stands before', [read('Once'), learnt(' upon'), learnt(' a time')], '…upon a time'],
  ['has none behind a token that only begins', [read('<|endoftext|>'), learnt('Once'), learnt(' upon')], 'Once upon'],
  ['has none where all of it is measured', [learnt('Once'), learnt('\nupon')], 'Once upon'],
  ['takes no sign for a part of a word', [read('(see '), learnt('above)')], '…above)'],
])('a text %s', (_, pieces, shown) => {
  expect(measuredText(pieces, true)).toBe(shown);
});

test('an answer begins where its turn does', () => {
  const turn = [read('<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n'), learnt('Because'), learnt(' so.')];
  expect(measuredText(turn, false)).toBe('Because so.');
});

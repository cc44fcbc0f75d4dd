import type { Tokenizer } from '../../text/tokenizer.ts';
import { type LanguageItem, labelsOf, piecesIn, windowsOf } from './items.ts';

/**
 * English of several kinds, in our own words: a model that forgets what its base knew foretells it worse. Figures of one
 * run are compared with each other alone, but keep it as it is all the same: people compare runs.
 */
const GENERAL_TEXT = `A river is a body of fresh water that flows towards a lake, a sea or another river. It begins at a source, which may be a spring, a melting glacier or a marsh, and it gathers water from the land around it, its basin. Where the ground is steep, the water runs fast and cuts a narrow valley; where it is flat, the river slows down, drops the sand and mud that it carries, and wanders in wide loops. Most large cities of the ancient world stood on rivers. They gave people water to drink and to grow food with, and they were the easiest roads for heavy goods long before there were railways.

When Anna opened the door, the kitchen was dark and smelled of apples. She put down her bag and listened. Somewhere upstairs a clock was ticking, slowly, as if it were tired. "Grandfather?" she called. Nobody answered. On the table lay a letter with her name on it, written in the careful hand that she had known all her life. She sat down without taking off her coat, turned the letter over twice, and did not dare to open it. Outside it had begun to rain again.

To make bread, mix five hundred grams of flour with a teaspoon of salt and half a teaspoon of dry yeast. Add about three hundred millilitres of warm water and knead the dough for ten minutes, until it is smooth and no longer sticks to your hands. Cover the bowl with a cloth and let it stand in a warm place for an hour. Then shape a loaf, let it rise once more, and bake it at two hundred and twenty degrees for half an hour. It is done when it sounds hollow if you knock on the bottom.

Question: Why is the sky blue?
Answer: Sunlight is a mixture of all colors. When it passes through the air, the molecules scatter short waves, which are blue, much more than long ones, which are red. So blue light reaches our eyes from every direction, and the sky looks blue. In the evening the light has a longer way through the air, most of the blue is lost on the way, and what is left is red.

def mean(values):
    """Return the arithmetic mean of a list of numbers."""
    if not values:
        raise ValueError("mean of an empty list")
    total = 0
    for value in values:
        total += value
    return total / len(values)

The committee met on Tuesday to discuss the new library. Members agreed that the old building, which dates from 1932, is too small and that its roof must be repaired before winter. Two plans were presented. The first would add a second floor at a cost of four million; the second would move the library to the empty school on Mill Street. A decision is expected next month, after the public has been heard.
`;

/** Tokens of a window; the same whatever a run's max_length is, where that is not less. */
const WINDOW = 256;

/** A fixed text that is no part of any dataset, as a model reads it: how much of its base is forgotten is measured there. */
export function generalText(tokenizer: Tokenizer, maxLength: number): LanguageItem[] {
  const bos = tokenizer.addedBos;
  const { ids } = tokenizer.encodeBare(GENERAL_TEXT);
  const all = Int32Array.from([...(bos === null ? [] : [bos]), ...ids]);
  return windowsOf(all.length, Math.min(WINDOW, maxLength)).map(({ start, end }) => {
    const window = all.slice(start, end);
    return {
      ...{ ids: window, labels: labelsOf(window, [{ start: 0, end: window.length }]), typeIds: null },
      ...{ row: 0, bytes: 0, ends: false, pieces: piecesIn(window, tokenizer) },
    };
  });
}

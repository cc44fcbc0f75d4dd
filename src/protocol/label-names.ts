import type { DataSummary } from './data.ts';

/** What stands in a template in the place of a label's name: setfit's mark, and transformers' hypothesis_template's. */
export const LABEL_PLACE = '{}';

/** As every door suggests them: setfit's own (get_templated_dataset), and the name alone. */
export const LABEL_TEMPLATES = [`This sentence is ${LABEL_PLACE}`, LABEL_PLACE];

/** What a label is called where nobody has named it, with or without a number. */
const PLACEHOLDER = /^(label|class|category)?\d*$|^(cat|group|cluster|target|topic|type|id)\d+$/iu;
/** Two letters, or one of a script in which that is a word. */
const WORD = /\p{L}\p{M}*\p{L}|\p{Script=Han}/u;

/** A label's name as it stands in a sentence. */
export const labelWords = (label: string): string => label.replaceAll('_', ' ').trim();

/** Whether a label's name says what it means: `0`, `LABEL_2`, `B` and an empty one do not. */
export const saysSomething = (label: string): boolean =>
  WORD.test(label) && !PLACEHOLDER.test(label.replace(/[\s_.:#-]/gu, ''));

/** Whether rows can be made of the names of all labels that were found: these say something, and a row is one text. */
export const areNamed = ({ classes, guess }: Pick<DataSummary, 'classes' | 'guess'>): boolean =>
  classes.length > 0 && guess.text_pair === undefined && classes.every(({ label }) => saysSomething(label));

import { counted, LABEL_PLACE, LuthierError, labelWords, type Recipe, saysSomething } from '../../protocol/index.ts';
import { listedSome, quoted } from '../data/problems.ts';
import type { TaskData, TaskRow } from '../data/types.ts';
import type { AnyTask, LabelledItem } from '../tasks/task.ts';
import type { Tokenizer } from '../text/tokenizer.ts';

/** Items that are learnt beside those of the training rows, and belong to no part of the data. */
export interface LabelRows {
  items: LabelledItem[];
  /** What a person should know of them before the start; null without the key. */
  note: { level: 'info' | 'warning'; message: string } | null;
}

/** Labels that a note names. */
const NAMED = 5;

/**
 * Rows made of the labels' names by the strategy's `label_templates`, as setfit's get_templated_dataset makes them: every
 * label by each template.
 * @throws LuthierError `recipe-invalid` for pairs of texts
 */
export function labelRows(
  task: Pick<AnyTask, 'name'>,
  { strategy }: Pick<Recipe, 'strategy'>,
  { labels, columns, train }: Pick<TaskData<TaskRow>, 'labels' | 'columns' | 'train'>,
  tokenizer: Tokenizer,
  maxLength: number,
): LabelRows {
  const templates = strategy.label_templates as readonly string[] | undefined;
  if (templates === undefined) return { items: [], note: null };
  if (columns.text_pair !== undefined)
    throw new LuthierError(
      'recipe-invalid',
      `strategy.label_templates makes single texts of the labels’ names, and rows here are pairs of texts (${quoted(columns.text ?? '')} and ${quoted(columns.text_pair)}).`,
      'Remove the key.',
    );
  const said = labels.flatMap((label, k) => (saysSomething(label) ? [{ label, k }] : []));
  const silent = labels.filter((label) => !saysSomething(label));
  const texts = said.flatMap(({ label, k }) =>
    templates.map((template) => ({ k, text: template.replaceAll(LABEL_PLACE, () => labelWords(label)) })),
  );
  const { encodings } = tokenizer.encodeAll(
    texts.map(({ text }) => text),
    maxLength,
  );
  const isOneOf = task.name !== 'multi_label_classification';
  const items = encodings.map(({ ids, typeIds }, i): LabelledItem => {
    const { k } = texts[i]!;
    return {
      ...{ ids, typeIds },
      labels: isOneOf ? Int32Array.of(k) : Float32Array.from(labels, (_, other) => (other === k ? 1 : 0)),
    };
  });
  const silence = `${silent.length === 1 ? `the label ${listedSome(silent, NAMED)} says` : `the labels ${listedSome(silent, NAMED)} say`} nothing`;
  if (items.length === 0)
    return {
      items,
      note: { level: 'warning', message: `label_templates: ${silence}, so that no rows are made of their names.` },
    };
  const shown = texts.slice(0, 2 * templates.length).map(({ text }) => text);
  const message = [
    `label_templates: ${counted(items.length, 'row')} made of the labels’ names ${items.length === 1 ? 'is' : 'are'} learnt beside the ${counted(train.length, 'training row')}: ${shown.map(quoted).join(', ')}${items.length > shown.length ? ', …' : ''}.`,
    'They count as rows nowhere else: not in validation, nor in what is shown of the data.',
    ...(silent.length > 0
      ? [`${silence[0]!.toUpperCase()}${silence.slice(1)}: no rows are made of ${silent.length === 1 ? 'it' : 'them'}.`]
      : []),
  ].join(' ');
  return { items, note: { level: silent.length > 0 ? 'warning' : 'info', message } };
}

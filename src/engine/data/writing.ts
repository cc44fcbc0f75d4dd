import type { Columns, Recipe } from '../../protocol/index.ts';
import type { ColumnStats } from './column-stats.ts';
import { type Pace, Stride } from './pace.ts';
import { type Problems, quoted } from './problems.ts';
import { isEmpty, type Table } from './table.ts';

const QUESTIONS = ['question', 'query'];
const CONTEXTS = ['context', 'passage', 'paragraph', 'document', 'article', 'story'];
const ANSWERS = ['answer', 'answers', 'answer_text'];
const SUMMARIES = ['summary', 'highlights', 'abstract', 'tldr'];

/** Share of the answers that stand in their contexts, from which rows look like question answering. */
const WITHIN = 0.8;
/** How many times longer than their summaries texts are. */
const LONGER = 3;

/** Says where labels are rather answers or summaries to be written: each different one would be learnt as a class. */
export async function reportWriting(
  table: Table,
  { label }: Columns,
  given: Columns,
  stats: readonly ColumnStats[],
  problems: Problems,
  pace?: Pace,
): Promise<void> {
  const of = stats.find(({ name }) => name === label);
  if (!of) return;
  const named = (names: readonly string[]) =>
    stats.find((column) => column !== of && !table.nested.has(column.name) && names.includes(lower(column)));
  const tell = (looks: string, task: Recipe['task'], columns: Columns) =>
    problems.add(
      given.label === undefined ? 'warning' : 'info',
      'looks-like-writing',
      `${looks} Here each different “${of.name}” is a class. For a model that writes them, put "task": ${JSON.stringify(task)} and "columns": ${JSON.stringify(columns)} into the recipe, with a base model that writes.`,
      { column: of.name },
    );
  const [question, context] = [named(QUESTIONS), named(CONTEXTS)];
  if (ANSWERS.includes(lower(of)) && question && context) {
    const { within, rows } = await countWithin(table, of.name, context.name, pace);
    if (rows === 0 || within < WITHIN * rows) return;
    const share = within === rows ? 'every row' : `${within.toLocaleString('en')} of ${rows.toLocaleString('en')} rows`;
    tell(
      `In ${share}, ${quoted(of.name)} is part of ${quoted(context.name)}, which looks like question answering.`,
      'conversational',
      { prompt: question.name, input: context.name, completion: of.name },
    );
    return;
  }
  const text = named([...CONTEXTS, 'text']);
  if (!SUMMARIES.includes(lower(of)) || !text || text.mean_length < LONGER * of.mean_length || of.mean_words < 2)
    return;
  tell(`${quoted(of.name)} looks like a summary of ${quoted(text.name)}.`, 'text-generation', {
    prompt: text.name,
    completion: of.name,
  });
}

const lower = ({ name }: ColumnStats): string => name.toLowerCase();

async function countWithin(
  table: Table,
  answer: string,
  context: string,
  pace: Pace | undefined,
): Promise<{ within: number; rows: number }> {
  const [inner, outer] = [table.columns.indexOf(answer), table.columns.indexOf(context)];
  const stride = new Stride(pace);
  const count = { within: 0, rows: 0 };
  for (const row of table.rows) {
    const wait = stride.step(row.bytes);
    if (wait) await wait;
    const value = row.value(inner);
    if (isEmpty(value)) continue;
    count.rows++;
    if (row.value(outer)?.toLowerCase().includes(value.trim().toLowerCase())) count.within++;
  }
  return count;
}

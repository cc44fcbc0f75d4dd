import {
  type Columns,
  capitalized,
  counted,
  type DataProblem,
  describeCardNeed,
  formatBytes,
  formatCount,
  formatPercent,
  type LabelsWritten,
  namesLine,
  RECIPE_VERSION,
  type RecipeInput,
  type RunEstimate,
  recipeKeysOf,
  type StrategySuggestion,
  suggestedTraining,
  type TaskName,
  taskOf,
} from '../../protocol/index.ts';
import { formatDuration, linesOf, shorten } from '../format.ts';

/** What a person would write for this data; all that is left out has its default. */
export function suggestRecipe(options: {
  task: TaskName;
  model: string;
  dataset: string;
  columns: Columns;
  /** How several labels of a row are written. */
  how?: LabelsWritten;
  rows: number;
  suggestion: StrategySuggestion;
  backend: string;
}): RecipeInput {
  const { rows, suggestion } = options;
  return {
    version: RECIPE_VERSION,
    ...recipeKeysOf(options.task),
    ...options.how,
    model: options.model,
    dataset: options.dataset,
    ...(Object.keys(options.columns).length > 0 ? { columns: options.columns } : {}),
    strategy: suggestion.strategy,
    ...suggestedTraining(rows, suggestion, options.model, options.task),
    ...(options.backend === 'auto' ? {} : { backend: options.backend as NonNullable<RecipeInput['backend']> }),
  };
}

/** What a run of a recipe is called: `tickets · bert`, numbered where that is taken. Undefined when the recipe does not say. */
export function suggestRunName(recipe: unknown, taken: readonly string[]): string | undefined {
  const { dataset, model } = (typeof recipe === 'object' && recipe !== null ? recipe : {}) as Partial<RecipeInput>;
  const data = typeof dataset === 'string' ? dataset : dataset?.train;
  if (typeof data !== 'string' || typeof model !== 'string') return undefined;
  const last = (path: string) => path.split(/[\\/]/).filter(Boolean).at(-1) ?? '';
  const base = `${last(data).replace(/\.[^.]+$/, '')} · ${last(model)}`;
  if (!taken.includes(base)) return base;
  for (let n = 2; ; n++) if (!taken.includes(`${base} ${n}`)) return `${base} ${n}`;
}

/** The recipe as a file's text. */
export const recipeText = (recipe: RecipeInput): string => `${JSON.stringify(recipe, null, 2)}\n`;

/** Share of unknown pieces from which a model does not fit the texts. */
const MOST_UNKNOWN = 0.05;
/**
 * What was found in the rows that a dataset was made of, and then in the dataset: what was found in the rows, in the
 * person's own words for columns, stands for both.
 */
export function mergeProblems(source: readonly DataProblem[], made: readonly DataProblem[]): DataProblem[] {
  const known = new Set(source.map(({ code }) => code));
  return [...source, ...made.filter(({ code }) => !known.has(code))];
}

/** Of a message that is shown at all: some six lines. */
const MOST_LETTERS = 440;

export interface SummaryLine {
  icon: string;
  text: string;
  detail?: string;
  /** Further lines of a long message. */
  more?: string[];
}

/** What is said before a run starts: rows, classes, share truncated, time, memory, and every problem. */
export function summaryLines(estimate: RunEstimate, task: TaskName): SummaryLine[] {
  const { row, label } = taskOf(task);
  const isTags = task === 'token-classification';
  const noun = row === 'row' ? 'text' : row;
  const lines: SummaryLine[] = [];
  const classes = estimate.classes.map(({ label, count }) => `${shorten(label, 30)} ${formatCount(count)}`);
  lines.push({
    icon: 'table',
    text: `${counted(estimate.rows - estimate.validation_rows, `training ${row}`)}, ${formatCount(estimate.validation_rows)} held out for validation`,
  });
  const [detail, ...more] = linesOf(shorten(classes.join(' · '), 200));
  if (estimate.classes.length > 0) {
    lines.push({
      icon: 'tag',
      text: counted(estimate.classes.length, ...label),
      ...(detail ? { detail } : {}),
      ...(more.length > 0 ? { more } : {}),
    });
  }
  lines.push({
    icon: 'fold',
    text:
      estimate.truncated_rows === 0
        ? `No ${noun} ${isTags ? 'is longer than the model reads at once' : 'will be cut'}`
        : `${formatCount(estimate.truncated_rows)} of ${counted(estimate.rows, noun)} ${estimate.truncated_rows === 1 ? 'is' : 'are'} longer than ${counted(estimate.max_length, 'token')} and will be ${isTags ? 'read in overlapping windows' : 'cut'}`,
  });
  lines.push({
    icon: 'clock',
    text: `About ${formatDuration(estimate.seconds)} for ${counted(estimate.total_steps, 'step')}`,
  });
  lines.push({
    icon: 'chip',
    text: `About ${formatBytes(estimate.peak_memory_bytes)} of memory (${formatBytes(estimate.free_memory_bytes)} free), ${formatBytes(estimate.disk_bytes)} of disk (${formatBytes(estimate.free_disk_bytes)} free)`,
  });
  if (estimate.card) lines.push({ icon: 'chip', text: capitalized(describeCardNeed(estimate.card)) });
  const isSaid = estimate.problems.some(({ code }) => code === 'language-mismatch' || code === 'unknown-tokens');
  if (estimate.unknown_token_share > MOST_UNKNOWN && !isSaid) {
    lines.push({
      icon: 'warning',
      text: `${formatPercent(estimate.unknown_token_share)} of the text is unknown to this model. Is the model for another language?`,
    });
  }
  const icons = { error: 'error', warning: 'warning', info: 'info' };
  for (const problem of estimate.problems) {
    const place = problem.line !== undefined && !namesLine(problem) ? `line ${problem.line}` : '';
    const [text, detail, ...more] = placedLines(problem.message, place);
    lines.push({
      icon: icons[problem.severity],
      text: text!,
      ...(detail ? { detail } : {}),
      ...(more.length > 0 ? { more } : {}),
    });
  }
  return lines;
}

/** A message in lines, the last with where it is. */
function placedLines(message: string, place: string): string[] {
  const lines = linesOf(shorten(message, MOST_LETTERS));
  if (place === '') return lines;
  if (lines.length === 1) return [...lines, place];
  return [...lines.slice(0, -1), `${lines.at(-1)}, ${place}`.replace('., ', ', ')];
}

/** What keeps a run from starting, or null. */
export const blockingProblem = (estimate: RunEstimate): string | null =>
  estimate.problems.find((problem) => problem.severity === 'error')?.message ?? null;

import { shellQuoted } from '../../files/shell.ts';
import {
  type Change,
  FEW_ROWS_FOLDS,
  type Finding,
  findingsOf,
  type RunRecord,
  trainingData,
} from '../../protocol/index.ts';
import { bold, dim, yellow } from './output.ts';

type Told = Pick<RunRecord, 'findings' | 'model' | 'recipe' | 'recipe_path' | 'sets'>;

/**
 * What a run says about itself as lines for a terminal, each finding with the command of what to try next.
 * @param run as it is typed
 * @param short how a path is shown
 */
export function findingLines(record: Told, run: string, short: (path: string) => string): string[] {
  return findingsOf(record).flatMap((finding) => {
    const command = finding.change && commandFor(finding.change, record, run, short);
    return [line(finding), ...(command === undefined ? [] : [dim(`  Next: ${command}`)])];
  });
}

const line = ({ severity, title, text }: Finding): string =>
  `${severity === 'warning' ? yellow(title) : bold(title)}. ${text}`;

/** None for what its text has said already: the lines of rows. */
function commandFor(change: Change, record: Told, run: string, short: (path: string) => string): string | undefined {
  switch (change.kind) {
    case 'recipe':
      return trainCommand(
        record,
        short,
        Object.entries(change.set).map(([key, value]) => `${key}=${value}`),
      );
    case 'folds':
      return `${trainCommand(record, short)} --folds ${FEW_ROWS_FOLDS}`;
    case 'data':
      return `luthier data inspect ${shellQuoted(short(trainingData(record.recipe.dataset)))}`;
    case 'rows':
      return undefined;
    case 'evaluate':
      return record.model === null ? undefined : evaluateCommand(record, run, short);
  }
}

/** The command that measures a run's model, on rows that it has not learned: a file of them that its recipe names, or any. */
function evaluateCommand({ recipe: { dataset } }: Told, run: string, short: (path: string) => string): string {
  const { validation = undefined, test = undefined } = typeof dataset === 'string' ? {} : dataset;
  const rows = validation ?? test;
  const split = rows !== undefined && rows === test ? ' --split test' : '';
  return `luthier evaluate ${run} --data ${rows === undefined ? 'ROWS' : shellQuoted(short(rows))}${split}`;
}

/**
 * The command that trains a run's recipe again, with what `--set` put in the place of its file's keys.
 * @param changes as `key=value`; a key of theirs is not set twice
 */
export function trainCommand(
  { recipe_path, sets = [] }: Pick<RunRecord, 'recipe_path' | 'sets'>,
  short: (path: string) => string,
  changes: readonly string[] = [],
): string {
  const keyOf = (set: string) => set.slice(0, set.indexOf('=')).trim();
  const changed = new Set(changes.map(keyOf));
  const all = [...sets.filter((set) => !changed.has(keyOf(set))), ...changes];
  const name = recipe_path === null ? 'RECIPE' : shellQuoted(short(recipe_path));
  return ['luthier train', name, ...all.map((set) => `--set ${shellQuoted(set)}`)].join(' ');
}

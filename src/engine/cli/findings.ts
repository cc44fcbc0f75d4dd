import {
  type Change,
  FEW_ROWS_FOLDS,
  type Finding,
  findingsOf,
  type RunRecord,
  trainingData,
} from '../../protocol/index.ts';
import { bold, dim, yellow } from './output.ts';

type Told = Pick<RunRecord, 'findings' | 'recipe' | 'recipe_path'>;

/**
 * What a run says about itself as lines for a terminal, each finding with the command of what to try next.
 * @param short how a path is shown
 */
export function findingLines(record: Told, short: (path: string) => string): string[] {
  return findingsOf(record).flatMap((finding) => {
    const command = finding.change && commandFor(finding.change, record, short);
    return [line(finding), ...(command === undefined ? [] : [dim(`  Next: ${command}`)])];
  });
}

const line = ({ severity, title, text }: Finding): string =>
  `${severity === 'warning' ? yellow(title) : bold(title)}. ${text}`;

/** None for what its text has said already: the lines of rows. */
function commandFor(
  change: Change,
  { recipe, recipe_path }: Told,
  short: (path: string) => string,
): string | undefined {
  const train = `luthier train ${recipe_path === null ? 'RECIPE' : quoted(short(recipe_path))}`;
  const { dataset } = recipe;
  switch (change.kind) {
    case 'recipe':
      return `${train} ${Object.entries(change.set)
        .map(([key, value]) => `--set ${key}=${value}`)
        .join(' ')}`;
    case 'folds':
      return `${train} --folds ${FEW_ROWS_FOLDS}`;
    case 'data':
      return `luthier data inspect ${quoted(short(trainingData(dataset)))}`;
    case 'rows':
      return undefined;
  }
}

/** As a shell takes it. */
const quoted = (path: string): string => (/[\s'"$`\\]/.test(path) ? `'${path.replaceAll("'", "'\\''")}'` : path);

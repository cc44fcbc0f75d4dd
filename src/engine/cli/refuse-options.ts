import { LuthierError } from '../../protocol/index.ts';

/** Options of `train` that say how one run goes. */
const OF_ONE_RUN = ['folds', 'seeds', 'out', 'name', 'detach', 'queue'] as const;

type Given = Partial<Record<(typeof OF_ONE_RUN)[number] | 'write', string | boolean>>;

/** What `train` does in the place of one run, why its options do not fit that, and what to remove of it instead. */
const INSTEAD = {
  'range-test': {
    refused: [...OF_ONE_RUN, 'write'],
    why: (option: string) => `--range-test tries learning rates and keeps no run, so ${option} has no meaning.`,
    or: '--range-test',
  },
  search: {
    refused: OF_ONE_RUN,
    why: (option: string) => `${option} is for one run, and this recipe has a search, which makes many.`,
    or: 'the recipe’s “search”',
  },
} as const;

/** @throws LuthierError `usage` for an option of one run beside what is no run */
export function refuseRunOptions(instead: keyof typeof INSTEAD, options: Given): void {
  const { refused, why, or } = INSTEAD[instead];
  const given = refused.find((option) => options[option] !== undefined && options[option] !== false);
  if (given === undefined) return;
  throw new LuthierError('usage', why(`--${given}`), `Remove --${given}, or ${or}.`);
}

import { type Check, isKey, isNumber, isString, oneOf, optional, type Rules, recordOf, shape, union } from './check.ts';

/** What can be found in a run, in the order in which it matters (src/engine/runs/diagnosis). */
export const FINDING_CODES = [
  'learning-rate-high',
  'learning-rate-low',
  'overfitting',
  'still-falling',
  'few-rows-of-classes',
  'class-imbalance',
  'doubtful-labels',
  'few-held-out',
  'fewer-bits',
] as const;

export type FindingCode = (typeof FINDING_CODES)[number];

/** What a finished run says about itself: what was seen, the figures behind it, and what to try next. */
export interface Finding {
  code: FindingCode;
  /** A warning where the model is likely worse for it. */
  severity: 'info' | 'warning';
  /** In a few words, without a full stop. */
  title: string;
  /** In sentences, with the figures. */
  text: string;
  /** The same figures by name, for programs. */
  figures: Record<string, number>;
  change?: Change;
}

/** What to try next. Nothing of it starts by itself. */
export type Change =
  /** Another run of the recipe with other values: its keys, those of the strategy as `strategy.KEY`. */
  | { kind: 'recipe'; title: string; set: RecipeChange }
  /** To look at the rows with the highest loss. */
  | { kind: 'rows'; title: string }
  /** To look at the dataset. */
  | { kind: 'data'; title: string }
  | { kind: 'folds'; title: string }
  /** To measure the written model. */
  | { kind: 'evaluate'; title: string };

/** A run's folder may be from elsewhere: no other key is written into a recipe because it says so. */
export const CHANGED_KEYS = [
  'learning_rate',
  'num_train_epochs',
  'max_steps',
  'class_weight',
  'strategy.body_learning_rate',
] as const;

export type RecipeChange = Partial<Record<(typeof CHANGED_KEYS)[number], number | 'balanced'>>;

const isValue: Check = (value, at) =>
  value === 'balanced' ? null : isNumber(value, at) && `${at} is neither a number nor "balanced"`;

const changes: Rules<Change, 'kind'> = {
  recipe: { title: isString, set: recordOf(isValue, oneOf(...CHANGED_KEYS)) },
  rows: { title: isString },
  data: { title: isString },
  folds: { title: isString },
  evaluate: { title: isString },
};

const isFinding = shape({
  code: oneOf(...FINDING_CODES),
  severity: oneOf('info', 'warning'),
  title: isString,
  text: isString,
  figures: recordOf(isNumber, isKey),
  change: optional(union('kind', changes)),
});

/** A record's findings, those that fit: what a newer version found and this one does not know is left out. */
export const findingsOf = ({ findings }: { findings?: readonly unknown[] }): Finding[] =>
  (findings ?? []).filter((finding): finding is Finding => isFinding(finding, 'finding') === null);

/** A recipe, as a person wrote it or with every default, with a change's values in it. */
export function changedRecipe<R extends { strategy?: object }>(recipe: R, set: RecipeChange): R {
  const changed: Record<string, unknown> = { ...recipe };
  for (const [key, value] of Object.entries(set)) {
    const [, own] = /^strategy\.(.+)$/.exec(key) ?? [];
    if (own === undefined) changed[key] = value;
    else changed.strategy = { ...(changed.strategy as object | undefined), [own]: value };
  }
  return changed as R;
}

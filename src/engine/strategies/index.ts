import { z } from 'zod';
import {
  capitalized,
  type Strategy,
  type StrategySuggestion,
  TASKS,
  type TaskName,
  taskOf,
} from '../../protocol/index.ts';
import { bitfit } from './bitfit.ts';
import { fewShot } from './few-shot.ts';
import { freeze } from './freeze.ts';
import { full } from './full.ts';
import { gradualUnfreeze } from './gradual-unfreeze.ts';
import { head } from './head.ts';
import type { Facts, PretrainingKeys, StrategyKind } from './kind.ts';
import { lora } from './lora.ts';
import { prefixTuning } from './prefix-tuning.ts';
import { promptTuning } from './prompt-tuning.ts';

export { WrongKey } from './kind.ts';

/** Every strategy by its `type`, in the order in which they are offered. */
export const STRATEGIES: Readonly<Record<string, StrategyKind>> = {
  full,
  freeze,
  'gradual-unfreeze': gradualUnfreeze,
  lora,
  bitfit,
  'prompt-tuning': promptTuning,
  'prefix-tuning': prefixTuning,
  'few-shot': fewShot,
  head,
};

/** A strategy as a recipe has it, by its `type`. */
export const strategySchema = z.discriminatedUnion(
  'type',
  Object.values(STRATEGIES).map(({ schema }) => schema) as [StrategyKind['schema']],
);

/** The strategy that a recipe calls so; own keys alone: "constructor" is none. */
export const strategyNamed = (type: unknown): StrategyKind | undefined =>
  typeof type === 'string' && Object.hasOwn(STRATEGIES, type) ? STRATEGIES[type] : undefined;

export const kindOf = ({ type }: Strategy): StrategyKind => strategyNamed(type)!;

/** What a strategy is pre-trained on; undefined where on nothing, or where a run's record has no strategy that is known. */
export const pretrainingOf = (strategy: Strategy | undefined): PretrainingKeys | undefined =>
  strategy && strategyNamed(strategy.type)?.pretraining?.(strategy);

/** The strategies as a person may choose from them for a task, the recommended first. */
export function suggestStrategies(rows: number, model: Facts, task?: TaskName): StrategySuggestion[] {
  const hasClassifier = !taskOf(task).writes;
  const ofClasses = (task ?? TASKS[0].name) === TASKS[0].name;
  const facts = {
    ...{ ...model, writes: !hasClassifier, readsEveryToken: task === 'token-classification' },
    classes: ofClasses ? model.classes : undefined,
  };
  const fitting = Object.values(STRATEGIES).filter(
    (kind) =>
      (hasClassifier || !kind.needsClassifier) &&
      !(kind.needsEncoder && model.isDecoder) &&
      !(kind.needsWriter && hasClassifier) &&
      !kind.notFor?.includes(task ?? TASKS[0].name),
  );
  const suggested = fitting.map((kind) => {
    const strategy = kind.suggest(facts, rows);
    const learning_rate = kind.learningRate?.(facts);
    const reason = kind.reason?.(rows, facts);
    return {
      title: kind.title,
      detail: kind.detail(strategy, facts),
      strategy,
      isRecommended: kind.isRecommended?.(rows, facts) ?? false,
      ...(reason === undefined ? {} : { reason }),
      ...(learning_rate === undefined ? {} : { learning_rate }),
    };
  });
  return suggested.sort((a, b) => Number(b.isRecommended) - Number(a.isRecommended));
}

/** What pairs were measured beside (bench/NOTES.md, “Few rows”). */
const MEASURED = ['full', 'lora'];

/**
 * A sentence for a recipe that trains single rows where so few of each class teach more in another way, as is recommended
 * then; null where it says nothing better.
 */
export function betterForFewRows(strategy: Strategy, rows: number, facts: Facts, task: TaskName): string | null {
  const [{ strategy: recommended, reason } = {}] = suggestStrategies(rows, facts, task);
  // A head alone is the quick way, which was chosen knowingly.
  if (!recommended || !reason || [recommended.type, 'head'].includes(strategy.type)) return null;
  const words = `${capitalized(reason)}. "strategy": {"type": "${recommended.type}"} learns so`;
  return MEASURED.includes(strategy.type)
    ? `${words}; measured with so few rows, it was more accurate than "${strategy.type}".`
    : `${words}.`;
}

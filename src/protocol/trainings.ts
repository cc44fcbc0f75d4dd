import type { Metrics, RunEvent, SeedResult } from './events.ts';
import { stageName } from './folds.ts';
import type { RunRecord } from './run.ts';

export const MOST_SEEDS = 100;
/** As recipe-schema.ts has it: seeds are 32-bit numbers. */
const SEEDS = 2 ** 32;

/** Whether a recipe can be trained with so many seeds in one run. */
export const isSeedCount = (count: number): boolean => Number.isInteger(count) && count >= 2 && count <= MOST_SEEDS;

/** A recipe's own seed, and those that follow it. */
export const seedsFrom = (seed: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => (seed + i) % SEEDS);

/** Several trainings in one run, as all who show them see them: the folds of a cross-validation, or seeds. */
export interface Trainings {
  what: 'fold' | 'seed';
  /** Folds by their number from 1 on, or the seeds, in the order in which they are trained. */
  names: readonly number[];
  count: number;
  /** Whether a model is trained on all rows after them. */
  final: boolean;
  /** Those that are finished. */
  results: readonly TrainingResult[];
  /** Sample standard deviation of each metric; empty before two are finished. */
  deviations: Metrics;
}

export interface TrainingResult extends Omit<SeedResult, 'seed'> {
  /** The fold's number, or the seed. */
  name: number;
}

type Parts = Pick<RunRecord, 'folds' | 'seeds'>;

/** The trainings of a run that has several; null for any other. */
export function trainingsOf({ folds, seeds }: Parts): Trainings | null {
  if (folds)
    return {
      what: 'fold',
      names: Array.from({ length: folds.count }, (_, i) => i + 1),
      ...{ count: folds.count, final: folds.final, deviations: folds.deviations },
      results: folds.results.map(({ fold, ...result }) => ({ name: fold, ...result })),
    };
  if (seeds)
    return {
      what: 'seed',
      names: seeds.values,
      ...{ count: seeds.values.length, final: false, deviations: seeds.deviations },
      results: seeds.results.map(({ seed, ...result }) => ({ name: seed, ...result })),
    };
  return null;
}

/** Steps that a run's finished trainings took; 0 where it has only one. Events count from 1 in each. */
export const stepsOfFinished = (run: Parts): number =>
  (trainingsOf(run)?.results ?? []).reduce((sum, { steps = 0 }) => sum + steps, 0);

/** Which of a run's trainings an event is of, from 1 on; undefined for the run's own, and for a model of all rows. */
export const trainingAt = ({ seeds }: Parts, { fold, seed }: Pick<RunEvent, 'fold' | 'seed'>): number | undefined =>
  seeds && seed !== undefined ? seeds.values.indexOf(seed) + 1 || undefined : fold;

/** "Fold 2 of 5", "Seed 43 (2 of 3)"; "Model of all rows" once the folds are finished. */
export const trainingName = (trainings: Trainings, at: number | undefined): string =>
  trainings.what === 'seed' && at !== undefined
    ? `Seed ${trainings.names[at - 1]} (${at} of ${trainings.count})`
    : stageName(trainings, at);

/** What begins a line of the log: "Fold 2", "Seed 43"; null for the run's own. */
export const eventPrefix = ({ fold, seed }: Pick<RunEvent, 'fold' | 'seed'>): string | null =>
  fold !== undefined ? `Fold ${fold}` : seed !== undefined ? `Seed ${seed}` : null;

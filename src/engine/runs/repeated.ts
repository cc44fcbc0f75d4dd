import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeJson } from '../../files/write-file.ts';
import { homeProblem } from '../../guard/index.ts';
import {
  type EvaluationReport,
  type MetricKey,
  type Metrics,
  meanOf,
  type Recipe,
  type RunEvent,
  type RunRecord,
  type StepsOfRun,
  stepsOfFinished,
} from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { writeRecord } from '../../runs/record.ts';
import type { FoldPart } from '../data/folds.ts';
import type { LoopOptions } from '../train/loop.ts';
import type { LoopState } from '../train/loop-state.ts';
import type { Trainer } from '../train/types.ts';
import { EventLog } from './event-log.ts';
import { ignoreExisting, requireNone } from './folder.ts';
import type { Journal } from './journal.ts';

/** One training of a run that has several. */
export interface Stage {
  /** Of a cross-validation, from 1 on; null for the model of all rows. */
  fold?: number | null;
  /** The rows of a fold; without it those that the recipe splits off. */
  part?: FoldPart;
  /** In the place of the recipe's. */
  seed?: number;
  /** Where its checkpoints are: the run's folder, or the training's in it. */
  folder: string;
}

/** A stage that is measured, with its number: the fold's, or the seed. */
export type Measured = Stage & { number: number };

/** What a training that is finished came to. */
export interface Result {
  metrics: Metrics;
  /** Rows that it was measured on. */
  n: number;
  /** Optimiser steps that it took. */
  steps?: number;
  /** Where it is not written yet. */
  report?: EvaluationReport;
}

/**
 * A run of several trainings: what it keeps beside itself, a folder for each with record, metrics and evaluation, so
 * that it is looked at as a run. One that is finished is not trained again, whatever happens after it.
 */
export abstract class Repeated {
  protected readonly folder: string;
  protected readonly record: () => RunRecord;
  /** The folder of all trainings in the run's. */
  protected abstract readonly name: string;
  #log: EventLog | null = null;

  constructor(folder: string, record: () => RunRecord) {
    this.folder = folder;
    this.record = record;
  }

  /** The next training, or null when all is done. Its folder is there. @param isModelDone whether the run's model is written */
  abstract next(isModelDone: boolean): Promise<Stage | null>;

  /** Its number, under which its folder and its events are; null for one that is the run's own. */
  abstract numberOf(stage: Stage): number | null;

  /** Whether the run's model is that of this training. */
  abstract writesModel(stage: Stage): boolean;

  /** Where this stage's steps stand among those of the whole run. */
  steps(stage: Stage, trainer: Trainer): StepsOfRun {
    const before = stepsOfFinished(this.record());
    return { before, total: before + trainer.totalSteps + this.stepsToCome(stage, trainer) };
  }

  /** Steps of the stages after this one, as far as they can be foreseen: each says its own when it begins. */
  protected abstract stepsToCome(stage: Stage, trainer: Trainer): number;

  /** What its loop does otherwise than that of a run. */
  abstract loop(stage: Stage, recipe: Recipe): Partial<LoopOptions>;

  /** Takes up what an earlier process reported. */
  abstract recall(journal: Journal): Promise<void>;

  /** Takes a report that a training makes: for its own folder, or its run's. */
  abstract report(stage: Stage, report: EvaluationReport, journal: Journal): Promise<void>;

  /** What a training that is finished came to. @param best of its evaluations, as the loop chose it */
  abstract outcome(stage: Measured, trainer: Trainer, best: LoopState['best']): Promise<Result>;

  /** The reports of all that are finished together, where they are the run's. */
  abstract pooled(): Promise<EvaluationReport | null>;

  /** Adds what a training came to to the record. */
  protected abstract add(number: number, result: Omit<Result, 'report'>): void;

  /** The place of a training in its own record. */
  protected abstract placeOf(number: number): Partial<RunRecord> & Pick<RunRecord, 'name'>;

  /** What its events carry. */
  protected abstract tagOf(number: number): Pick<RunEvent, 'fold' | 'seed'>;

  begin(stage: Stage): void {
    this.#log = this.numberOf(stage) === null ? null : EventLog.open(join(stage.folder, FILES.metrics));
  }

  /** Keeps what a training says in its own folder, too, and gives it as the run says it. */
  tell(stage: Stage, event: RunEvent): RunEvent {
    const number = this.numberOf(stage);
    if (number === null) return event;
    this.#log?.append(event);
    return event.event === 'state' ? event : { ...event, ...this.tagOf(number) };
  }

  end(): void {
    this.#log?.close();
    this.#log = null;
  }

  /** Writes the training's evaluation and record, and its results into the run's; its checkpoints go. */
  async finish(stage: Measured, { metrics, n, report }: Result, trainer: Trainer): Promise<void> {
    if (report) await writeJson(join(stage.folder, FILES.evaluation), { [report.split]: report });
    const record = this.record();
    const { folds: _, seeds: __, ...rest } = record;
    await writeRecord(stage.folder, {
      ...rest,
      id: `${record.id}-${this.name.replace(/s$/, '')}-${stage.number}`,
      ...{ state: 'done', finished_at: new Date().toISOString() },
      ...{ step: trainer.step, total_steps: trainer.totalSteps },
      best: { step: trainer.step, metrics },
      model: null,
      ...this.placeOf(stage.number),
    });
    this.add(stage.number, { metrics, n, steps: trainer.step });
    await rm(join(stage.folder, FILES.checkpoints), { recursive: true, force: true });
  }

  /** Makes the folder of a training. @throws LuthierError `run-untrusted` where it is a link */
  protected async make(number: number): Promise<string> {
    const folder = this.folderOf(number);
    requireNone(await homeProblem(this.folder, this.name, String(number), FILES.checkpoints));
    for (const path of [join(this.folder, this.name), folder]) await mkdir(path).catch(ignoreExisting);
    return folder;
  }

  protected folderOf(number: number): string {
    return join(this.folder, this.name, String(number));
  }
}

const over = (results: readonly Result[], of: (values: number[]) => number): Metrics =>
  Object.fromEntries(
    Object.keys(results[0]?.metrics ?? {}).map((key) => [
      key,
      of(results.map(({ metrics }) => metrics[key as MetricKey] ?? 0)),
    ]),
  );

/** The plain mean over trainings, as scikit-learn's cross_val_score is averaged. */
export const meansOf = (results: readonly Result[]): Metrics => over(results, meanOf);

/** The sample standard deviation over trainings. */
export const deviationsOf = (results: readonly Result[]): Metrics =>
  results.length < 2
    ? {}
    : over(results, (values) =>
        Math.sqrt(values.reduce((sum, x) => sum + (x - meanOf(values)) ** 2, 0) / (values.length - 1)),
      );

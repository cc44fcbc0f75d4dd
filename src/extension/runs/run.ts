import {
  FINISHED_STATES,
  type RunEvent,
  type RunRecord,
  type RunState,
  type StartEvent,
  type StepEvent,
  stepsOfFinished,
  taskOf,
  trainingAt,
  trainingName,
  trainingsOf,
  WORKING_STATES,
} from '../../protocol/index.ts';
import type { ReadRecord } from '../../runs/record.ts';

export { bestMetric, datasetName, decisiveMetric } from '../../runs/figures.ts';

/** How far a working run is, from its newest events. */
export interface LiveProgress {
  step: number;
  totalSteps: number;
  /** Of several trainings: steps of those before the one at work. */
  before?: number;
  loss: number | null;
  etaSeconds: number | null;
  /** Of several trainings the one at work ("Fold 2 of 5"). */
  stage?: string;
}

/** A run as this window knows it. */
export interface Run {
  /** Absolute path of its folder; its identity. */
  folder: string;
  /** The `.luthier` folder that it is in. */
  home: string;
  record: RunRecord;
  /** As a person is told: `interrupted` where the record says working and nobody answers. */
  state: RunState;
  /** Why it may not be changed; null when it may. */
  readOnly: string | null;
  damaged: boolean;
  /**
   * Not made on this machine by this person: it came with its folder, was moved, or is from 0.1.0. It can be looked at,
   * and starts only when somebody says so.
   */
  foreign: boolean;
  /** The process took our call and has not answered for a while. */
  silent: boolean;
  progress: LiveProgress | null;
}

/** Why a run may only be looked at, as its folder was read. */
export const refusalOf = ({ problem }: ReadRecord): Pick<Run, 'readOnly' | 'damaged'> => ({
  readOnly: problem && `This run ${problem.says}`,
  damaged: problem?.code === 'run-invalid',
});

/** How far a run is after one of its events; steps count over all of its trainings. */
export function progressAt({ record, progress }: Run, event: RunEvent & (StepEvent | StartEvent)): LiveProgress {
  const trainings = trainingsOf(record);
  const at = trainingAt(record, event);
  const isStart = event.event === 'start';
  // Who has not heard a training's start has read the record after it.
  const { before, total } = isStart
    ? (event.of_run ?? { before: 0, total: event.total_steps })
    : {
        before: progress?.before ?? stepsOfFinished(record),
        total: progress?.totalSteps || record.total_steps,
      };
  return {
    step: before + event.step,
    totalSteps: total,
    before,
    loss: isStart ? null : event.loss,
    etaSeconds: isStart ? null : event.eta_s,
    ...(trainings ? { stage: trainingName(trainings, at) } : {}),
  };
}

export const isWorking = (run: Run): boolean => WORKING_STATES.has(run.state);
export const isFinished = (run: Run): boolean => FINISHED_STATES.has(run.state);
export const isOver = (run: Run): boolean => isFinished(run) || run.state === 'interrupted';

/** Whether a person can go on with it: it was interrupted, or it failed after its first steps. */
export const isResumable = (run: Run): boolean =>
  run.readOnly === null && (run.state === 'interrupted' || (run.state === 'failed' && run.record.started_at !== null));

export const hasModel = (run: Run): boolean => run.record.model !== null && isOver(run);

/** Whether its model writes, so that it can complete what a person writes. */
export const hasWriter = (run: Run): boolean => hasModel(run) && taskOf(run.record.recipe.task).writes !== undefined;

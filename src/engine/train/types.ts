import type {
  EvaluationReport,
  Incident,
  Note,
  PretrainingFacts,
  Recipe,
  Sample,
  SolvedHead,
  StartEvent,
} from '../../protocol/index.ts';
import type { FoldPart } from '../data/folds.ts';
import type { DataRules } from '../data/repeats.ts';
import type { KeptTemplate } from '../recipes/template.ts';
import type { PhaseStart } from '../strategies/phase-starts.ts';
import type { LossScaleState } from './loss-scale.ts';

/** Is called between two pieces of work, with how many are done of how many; what it throws ends the work. */
export type Between = (done: number, total: number) => Promise<void>;

/** What one optimiser step did. */
export interface StepResult {
  step: number;
  epoch: number;
  loss: number;
  learning_rate: number;
  /** Global norm before clipping; NaN of a step that was skipped. */
  grad_norm: number;
  /** Its gradients were too large for float16, so that no parameter has changed. */
  skipped?: {
    /** What the loss is multiplied by from now on. */
    loss_scale: number;
  };
  /** Real tokens of the step, padding not counted. */
  tokens: number;
}

/** How well a model foretells the text by which forgetting is measured. */
export interface GeneralText {
  /** Tokens that were measured. */
  tokens: number;
  perplexity: number;
}

/** All that a run needs to go on as if it had never stopped; data order and dropout masks follow from seed and step. */
export interface TrainerState {
  step: number;
  /** Trained parameters and their AdamW moments by name (`<name>`, `<name>.exp_avg`, `<name>.exp_avg_sq`). Live views of the engine's memory: use them before the next step. */
  parameters: Map<string, { shape: readonly number[]; data: Float32Array }>;
  moments: Map<string, { shape: readonly number[]; data: Float32Array }>;
  /** Which of the strategy's phases the next step belongs to. */
  phase: number;
  /** Rows of a micro-batch, where they are fewer than the recipe says since more did not fit: dropout masks follow from it. */
  micro_batch?: number | undefined;
  /** Where steps compute in float16. */
  loss_scale?: LossScaleState | undefined;
  /** Written beside them and compared on resume: a difference means that losses will not be equal bit for bit. */
  fingerprint: { executor: string; num_threads: number; cpu: string; library: string };
}

/** What the loop drives. Built by train/trainer.ts; knows nothing of run folders, sockets or people. */
export interface Trainer {
  /** What its rows are read through, with everything that it takes in. */
  readonly template?: KeptTemplate | undefined;
  readonly labels: string[];
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
  readonly numParameters: number;
  readonly numTrainableParameters: number;
  readonly numTrainRows: number;
  readonly numValidationRows: number;
  readonly numTestRows: number;
  readonly executor: string;
  readonly numThreads: number;
  /** Where the strategy begins to train other parameters, in the run's order; none where it never does. */
  readonly phaseStarts?: readonly PhaseStart[] | undefined;
  /** What the first steps are for, where a prompt is pre-trained; the others begin behind them. */
  readonly pretraining?: PretrainingFacts | undefined;
  /** Bits of the frozen layers that evaluations compute with, where they are fewer than those of the written model. */
  readonly frozenBits?: number | undefined;
  /** What the steps' losses are of, where not of rows. */
  readonly lossOf?: StartEvent['loss_of'];
  /** How often each label stands in the training rows, in the labels' order; undefined where rows have none. */
  readonly labelCounts?: readonly number[] | undefined;
  /** How often each class of a report stands there, where classes are not labels. */
  readonly classCounts?: ReadonlyMap<string, number> | undefined;
  /** The classifier as it was last solved, a new object each time; undefined where it is trained by steps. */
  readonly solved?: SolvedHead | undefined;
  /** Steps done so far. */
  readonly step: number;
  /** Steps that the same recipe would take on so many training rows, where each is as many items as those here. */
  stepsOn(rows: number): number;
  /** The rate of a step by its 0-based number; replaced where rates themselves are tried (range-test.ts). */
  schedule?: (recipe: Recipe, step: number, totalSteps: number) => number;
  /**
   * Does one optimiser step. Throws LuthierError `loss-not-finite` without touching parameters when loss or gradient is NaN or infinite.
   * @param between called while a first step still computes what all need (frozen layers' outputs), as in `evaluate`;
   * when it throws, no step was done
   */
  trainStep(between?: () => Promise<void>): Promise<StepResult>;
  /**
   * @param between called after each batch with the rows done and all rows; lets requests come in, and ends the
   * evaluation by throwing
   */
  evaluate(split: 'validation' | 'test', between?: Between): Promise<EvaluationReport>;
  /**
   * What the model answers to a few validation rows as it is now; undefined where its task does not write.
   * @param between called before each token but an answer's first; what it throws ends the work
   */
  samples?: ((between: () => Promise<void>) => Promise<Sample[]>) | undefined;
  /**
   * How the model as it is foretells a fixed text that is no part of the dataset; undefined where its task does not write.
   * @param between called after each batch; what it throws ends the work
   */
  general?: ((between: () => Promise<void>) => Promise<GeneralText>) | undefined;
  /** Brings into the engine's memory what an executor keeps to itself; to be awaited before `state`. */
  collect(): Promise<void>;
  state(): TrainerState;
  /** @param state of a checkpoint, with the phase where it says one */
  restore(state: {
    step: number;
    phase?: number | undefined;
    micro_batch?: number | undefined;
    loss_scale?: LossScaleState | undefined;
    parameters: Map<string, Float32Array>;
    moments: Map<string, Float32Array>;
  }): void;
  /** Replaces the trained parameters alone (the best ones, before the model is written). */
  loadParameters(parameters: Map<string, Float32Array>): void;
  /**
   * Writes a Hugging Face folder and checks that it answers as the trained model does; throws `export-mismatch` when
   * not. What LoRA trained is also written by itself, into a folder `adapter` beside it (model-files/save-adapter.ts).
   */
  saveModel(folder: string): Promise<void>;
  dispose(): void;
}

/** train/trainer.ts: `export async function createTrainer(options: TrainerOptions): Promise<Trainer>`. */
export interface TrainerOptions {
  /** Complete, with absolute paths. */
  recipe: Recipe;
  /** Folder that relative names in the recipe are looked up from. */
  base: string;
  /** How rows of data are understood: 1 for a run that 0.1.0 started; default 2. */
  rules?: DataRules | undefined;
  /** In a cross-validation: the rows that this training sees; the recipe's validation_split is not used then. */
  part?: FoldPart | undefined;
  /** The run's own copy of the recipe's template; without it, the file is read. */
  template?: KeptTemplate | undefined;
  /** Begins with the rows, whatever the strategy is pre-trained on. */
  skipsPretraining?: true;
  note: Note;
  /** Hears what went wrong on a graphics card and was helped; `note` does where it is left out. */
  incident?: ((incident: Incident) => void) | undefined;
}

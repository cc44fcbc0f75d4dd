import type { Incident, Note, Recipe } from '../../protocol/index.ts';
import type { TaskData, TaskRow } from '../data/types.ts';
import type { JsonRecord } from '../hub/json-file.ts';
import type { ModelFolder } from '../hub/model-folder.ts';
import type { BaseModel } from '../model-files/save-adapter.ts';
import type { Architecture } from '../models/architecture.ts';
import type { KeptTemplate } from '../recipes/template.ts';
import type { AnyTask } from '../tasks/task.ts';
import type { Executor } from '../tensor/executors/executor.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { Encoded } from './encode.ts';
import type { Lessons } from './lessons.ts';
import type { Pretraining } from './pretraining.ts';

/** What a trainer is made of, which createTrainer (trainer.ts) makes ready. */
export interface TrainerParts {
  task: AnyTask;
  /** Complete; its batch is no larger than the training rows. */
  recipe: Recipe;
  dataset: TaskData<TaskRow>;
  /** The same rows as items of the task. */
  encoded: Encoded;
  lessons: Lessons;
  /** What the first steps learn from, where a prompt is pre-trained. */
  pretraining: Pretraining | null;
  /** With what the strategy adds to the base model. */
  architecture: Architecture;
  /** Tokens that a text is cut to: the recipe's max_length, within the model's positions. */
  maxLength: number;
  tokenizer: Tokenizer;
  executor: Executor;
  /** The base model's folder, the settings in its generation_config.json, and its name. */
  folder: ModelFolder;
  generation: JsonRecord | undefined;
  base: BaseModel;
  /** What the rows were read through. */
  template: KeptTemplate | undefined;
  note: Note;
  incident: (incident: Incident) => void;
  /** What would fit into so many bytes of a graphics card. */
  whatFits: (bytes: number) => string;
  /** Steps on so many items of training rows, and of the labels' names. */
  stepsOnItems: (own: number, named: number) => number;
}

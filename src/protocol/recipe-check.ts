import type { TaskName } from './tasks.ts';

/** What is wrong with a recipe as it stands in an editor: where, why, and what would mend it. */

/** Characters `start` to `end` of the recipe's text (UTF-16, as JavaScript and VS Code count) are to become `text`. */
export interface RecipeEdit {
  start: number;
  end: number;
  text: string;
}

export interface RecipeFix {
  title: string;
  edits: RecipeEdit[];
  /** The one that is most likely meant. */
  preferred?: boolean;
}

/** A fix that takes a person's choice: what is chosen goes, as JSON, between `before` and `after`. */
export interface RecipeChoice {
  what: 'model' | 'column';
  title: string;
  /** The columns to choose among. */
  names?: string[];
  /** What a model is chosen for, where the recipe names a task. */
  task?: TaskName;
  start: number;
  end: number;
  before: string;
  after: string;
}

export type RecipeProblemCode =
  | 'syntax'
  | 'duplicate-key'
  | 'unknown-key'
  | 'missing-key'
  | 'wrong-value'
  | 'newer-version'
  | 'missing-model'
  | 'missing-file'
  | 'missing-column'
  | 'data'
  | 'model'
  | 'template';

export interface RecipeProblem {
  /** `error`: training would be refused. */
  severity: 'error' | 'warning' | 'info';
  code: RecipeProblemCode;
  message: string;
  hint?: string;
  start: number;
  end: number;
  fixes: RecipeFix[];
  choices: RecipeChoice[];
}

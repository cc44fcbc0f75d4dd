import { basename } from 'node:path';
import type * as vscode from 'vscode';
import type { RunEstimate, StrategySuggestion, TaskName } from '../../protocol/index.ts';
import { type Choice, continuation, separator } from '../questions.ts';
import { blockingProblem, type SummaryLine, summaryLines } from '../recipes/suggest.ts';
import { severityIcon } from '../severity.ts';
import { foldsChoice } from './folds.ts';
import type { Source } from './source.ts';

/** What a person makes of a summary. */
export type Decision = 'start' | 'folds' | 'edit' | 'model' | 'columns' | 'again';

/** What is asked before anything starts. */
export interface SummaryQuestion {
  placeholder: string;
  items: Choice<Decision>[];
  active: Choice<Decision>;
}

/** Said where something keeps the run from starting. */
export const BLOCKED = 'This cannot start as it is';

/**
 * What a run will take, and how it may begin.
 * @param about the rows, what they are for, the method that was chosen, and where the extension's icons are
 */
export function summaryQuestion(
  estimate: RunEstimate,
  about: { source: Source; task: TaskName; method: StrategySuggestion; extensionUri: vscode.Uri },
): SummaryQuestion {
  const { source, task, method, extensionUri } = about;
  const blocked = blockingProblem(estimate);
  const misfit = misfits(estimate);
  const start: Choice<Decision> = {
    label: '$(play) Start fine-tuning',
    description: [basename(source.data.file), source.lines].filter(Boolean).join(', '),
    value: 'start',
  };
  const edit: Choice<Decision> = { label: '$(edit) Edit the recipe first', value: 'edit' };
  const folds = blocked ? null : foldsChoice(estimate, task);
  const begin: Choice<Decision>[] = blocked
    ? []
    : folds?.first
      ? [folds.choice, start]
      : [start, ...(folds ? [folds.choice] : [])];
  const other: Choice<Decision> = { label: '$(library) Choose another model…', value: 'model' };
  const isGrave = ({ icon }: { icon: string }) => icon === 'error' || icon === 'warning';
  const { title, reason } = method;
  const why: SummaryLine[] = reason ? [{ icon: 'beaker', text: title, detail: `Recommended: ${reason}` }] : [];
  const all = [...why, ...summaryLines(estimate, task)];
  const shown = (lines: SummaryLine[]): Choice<Decision>[] =>
    lines.flatMap(({ icon, text, detail, more = [] }) => {
      const severity = icon === 'error' || icon === 'warning' ? icon : null;
      const first = {
        label: severity ? text : `$(${icon}) ${text}`,
        ...(severity ? { iconPath: severityIcon(extensionUri, severity) } : {}),
        ...(detail ? { detail } : {}),
        alwaysShow: true,
      };
      return [first, ...more.map((line) => continuation(line))];
    });
  const problems = [...all.filter(({ icon }) => icon === 'error'), ...all.filter(({ icon }) => icon === 'warning')];
  return {
    placeholder: blocked ? BLOCKED : misfit ? 'The model may not fit these texts' : 'Press Enter to start',
    items: [
      ...(misfit ? [other] : []),
      ...begin,
      edit,
      ...(problems.length > 0 ? [separator(problems.length === 1 ? 'Problem' : 'Problems'), ...shown(problems)] : []),
      separator('What it will take'),
      ...shown(all.filter((line) => !isGrave(line))),
    ],
    active: misfit ? other : (begin[0] ?? edit),
  };
}

/** Share of unknown pieces from which a model hardly reads the texts: a few odd words and numbers are no reason to stop. */
const MOST_UNKNOWN = 0.25;

/** Whether the model hardly fits the texts: then no Enter pressed in passing may start it. */
const misfits = (estimate: RunEstimate): boolean =>
  estimate.unknown_token_share > MOST_UNKNOWN || estimate.problems.some(({ code }) => code === 'language-mismatch');

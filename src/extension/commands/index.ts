import * as vscode from 'vscode';
import type { ActionOutcome, RecipeChoice } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { isCancelled } from '../errors.ts';
import { COMMANDS, type CommandName, INTERNAL_COMMANDS } from '../ids.ts';
import { chooseInRecipe } from '../recipes/code-actions.ts';
import { showError } from '../ui.ts';
import { removeBroken, revealBroken } from './broken.ts';
import { compareModels, compareWays } from './compare.ts';
import {
  chooseCompletionModel,
  completionsMenu,
  showCompletionCounts,
  suggestCompletions,
  useForCompletions,
} from './completions.ts';
import { addDataset, inspectDataset, openDataset, removeDataset } from './datasets.ts';
import {
  openCompletionsWalkthrough,
  openWalkthrough,
  refresh,
  restartEngine,
  selectBackend,
  setHuggingFaceToken,
  showLog,
} from './engine.ts';
import { tryExample } from './example.ts';
import { findLearningRate } from './find-rate.ts';
import { fineTuneDataset, fineTuneSelection } from './fine-tune.ts';
import { fineTuneFiles } from './fine-tune-files.ts';
import { learnFromCompletions, reviewLearned } from './learn.ts';
import { measureCompletions } from './measure-completions.ts';
import { chooseModel } from './models.ts';
import { newPromptTemplate, openPromptingGuide } from './new-prompt.ts';
import {
  chooseTemplateModel,
  compareTemplate,
  copyTemplateAsJavaScript,
  copyTemplateAsPython,
  setEndpointKey,
  tryTemplate,
} from './prompts.ts';
import { reportProblem } from './report.ts';
import { cancelRun, moveDownInQueue, moveUpInQueue, pauseRun, resumeRun, startNow, stopRun } from './run-control.ts';
import { cleanUpRuns, deleteRun, noteRun, renameRun, revealRun } from './run-record.ts';
import { tagRun } from './run-tags.ts';
import {
  compareRuns,
  duplicateRecipe,
  evaluateOnFile,
  exportRun,
  openDashboard,
  predictOnFile,
  showRunsTable,
  tryModel,
} from './run-use.ts';
import { crossValidate, startRun } from './start.ts';
import { tryBaseModel } from './try-base.ts';
import { updateModel } from './update-model.ts';
import { useTemplateInTraining } from './use-template.ts';

type Command = (luthier: Luthier, ...args: unknown[]) => Promise<void>;

/** Every command; one that is missing does not compile. */
const handlers: Record<CommandName, Command> = {
  fineTuneSelection,
  fineTuneDataset,
  fineTuneFiles,
  measureCompletions,
  tryExample,
  addDataset,
  openDataset,
  inspectDataset,
  compareWays,
  compareModels,
  removeDataset,
  startRun,
  crossValidate,
  findLearningRate,
  openDashboard,
  compareRuns,
  showRunsTable,
  tryModel,
  tryBaseModel,
  evaluateOnFile,
  predictOnFile,
  pauseRun,
  resumeRun,
  startNow,
  stopRun,
  cancelRun,
  moveUpInQueue,
  moveDownInQueue,
  exportRun,
  renameRun,
  noteRun,
  tagRun,
  deleteRun,
  cleanUpRuns,
  revealRun,
  duplicateRecipe,
  revealBroken,
  removeBroken,
  refresh,
  chooseModel,
  selectBackend,
  showLog,
  reportProblem,
  restartEngine,
  setHuggingFaceToken,
  tryTemplate,
  compareTemplate,
  chooseTemplateModel,
  copyTemplateAsPython,
  copyTemplateAsJavaScript,
  useTemplateInTraining,
  setEndpointKey,
  newPromptTemplate,
  openPromptingGuide,
  completionsMenu,
  suggestCompletions,
  chooseCompletionModel,
  useForCompletions,
  showCompletionCounts,
  learnFromCompletions,
  reviewLearned,
  updateModel,
  openWalkthrough,
  openCompletionsWalkthrough,
};

/**
 * Registers them all. A command that fails says so once; one that was called off says nothing. What came of it is the
 * command's result, for a page that waits for it.
 */
export function registerCommands(luthier: Luthier): vscode.Disposable {
  const register = (id: string, command: Command) =>
    vscode.commands.registerCommand(id, async (...args: unknown[]): Promise<ActionOutcome> => {
      try {
        await command(luthier, ...args);
        return 'done';
      } catch (error) {
        showError(error, luthier.log);
        return isCancelled(error) ? 'cancelled' : 'failed';
      }
    });
  const registrations = (Object.keys(COMMANDS) as CommandName[]).map((name) =>
    register(COMMANDS[name], handlers[name]),
  );
  registrations.push(
    register(INTERNAL_COMMANDS.chooseInRecipe, (own, ...args) =>
      chooseInRecipe(own, ...(args as [vscode.Uri, number, RecipeChoice])),
    ),
    register(INTERNAL_COMMANDS.completionAccepted, async (own, id) => own.completions.accepted(id)),
  );
  return vscode.Disposable.from(...registrations);
}

import { isAbsolute } from 'node:path';
import * as vscode from 'vscode';
import { append, formatBytes, formatCompact, type ModelEntry, taskOf } from '../../protocol/index.ts';
import { pickFolder } from '../commands/models.ts';
import type { Luthier } from '../context.ts';
import { type Choice, Questions, separator } from '../questions.ts';
import { describeRunItem } from '../runs/present.ts';
import { hasWriter, type Run } from '../runs/run.ts';
import { saveSetting, setting } from '../settings.ts';
import { tell } from '../ui.ts';
import { modelFolderOf } from '../views/run-panels.ts';
import { languageName } from './languages.ts';
import { ALL_LANGUAGES } from './models.ts';

const STARTER = 'starters/decoder';

/** Chosen instead of a model. */
const OTHERS = Symbol('as all others');
const FOLDER = Symbol('a folder');

/** How a language stands in a sentence. */
export const inWords = (language: string): string =>
  language === ALL_LANGUAGES ? 'all languages' : languageName(language);

/**
 * Asks which model completes, and in which languages.
 * @param language what is completed at the moment; undefined where nothing is open
 * @throws Cancelled
 */
export async function chooseModelFor(luthier: Luthier, language: string | undefined): Promise<void> {
  const { completions } = luthier;
  await completions.state.ready();
  const questions = new Questions('Model for Completions');
  try {
    const target = await askLanguage(luthier, questions, language);
    const items = await modelItems(luthier, questions, target);
    const now = completions.models.choices[target];
    const answer = await questions.ask<string | typeof OTHERS | typeof FOLDER>({
      placeholder:
        target === ALL_LANGUAGES
          ? 'Which model completes what you write?'
          : `Which model completes ${inWords(target)}?`,
      items,
      active: items.find(({ value }) => value !== undefined && value === now),
    });
    const model = answer === FOLDER ? await pickFolder() : answer;
    await use(luthier, typeof model === 'string' ? model : null, target);
  } finally {
    questions.dispose();
  }
}

/**
 * Completes a language, or all of them, with a model from now on, and says so.
 * @param model a folder or a starter's name; null as with all other languages
 */
export async function use(luthier: Luthier, model: string | null, language: string): Promise<void> {
  const { completions } = luthier;
  await completions.models.use(model, [language]);
  await switchOn(language);
  const name = model === null ? null : completions.models.nameOf(model);
  const undo = 'Undo';
  const text =
    name === null
      ? `${inWords(language)} is now completed as all other languages are.`
      : `${name} now completes ${language === ALL_LANGUAGES ? describeLanguages() : inWords(language)}. Alt+\\ asks for suggestions.`;
  void tell('information', text, undo).then(async (answer) => {
    if (answer === undo) await completions.models.rollback();
  });
}

/** A language that a model was chosen for is to be completed. */
async function switchOn(language: string): Promise<void> {
  const languages = setting('luthier.completions.languages');
  if (!setting('luthier.completions.enabled')) await saveSetting('luthier.completions.enabled', true);
  if (language === ALL_LANGUAGES || languages.includes(language)) return;
  await saveSetting('luthier.completions.languages', [...languages, language]);
}

/** `Prompty, Plain Text and Markdown`. */
function describeLanguages(): string {
  const names = setting('luthier.completions.languages').map(languageName);
  const last = names.pop();
  return names.length > 0 ? `${names.join(', ')} and ${last}` : (last ?? 'nothing yet');
}

async function askLanguage(luthier: Luthier, questions: Questions, language: string | undefined): Promise<string> {
  const { choices } = luthier.completions.models;
  // Where there is none yet, it is for everything.
  if (language === undefined || language === ALL_LANGUAGES || Object.keys(choices).length === 0) return ALL_LANGUAGES;
  const own = Object.hasOwn(choices, language);
  const items: Choice<string>[] = [
    {
      label: `Only ${languageName(language)}`,
      value: language,
      ...(own ? { description: 'has a model of its own' } : {}),
    },
    { label: 'All languages without a model of their own', value: ALL_LANGUAGES },
  ];
  return (await questions.ask({ placeholder: 'Choose a model for which languages?', items })) as string;
}

type ModelChoice = Choice<string | typeof OTHERS | typeof FOLDER>;

/** Runs first: a model of one's own is what completions are for. */
async function modelItems(luthier: Luthier, questions: Questions, target: string): Promise<ModelChoice[]> {
  const items: ModelChoice[] = [];
  const { choices } = luthier.completions.models;
  const others = choices[ALL_LANGUAGES];
  if (target !== ALL_LANGUAGES && others !== undefined)
    items.push({
      label: 'The same as for all other languages',
      description: luthier.completions.models.nameOf(others),
      value: OTHERS,
    });
  await luthier.load();
  const runs = luthier.runs.all().filter(hasWriter);
  if (runs.length > 0) append(items, [separator('Trained here'), ...runs.map(runItem)]);
  const listed = await questions.work('Looking for models…', (signal) => {
    const folders = [
      ...setting('luthier.modelFolders'),
      ...(vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath),
    ];
    return luthier.engine.service.request('models/list', { folders }, { signal });
  });
  const own = new Set(runs.map((run) => modelFolderOf(run)));
  const writing = listed.filter(
    ({ tasks, problem, labels, path }) =>
      problem === null &&
      labels === null &&
      tasks[0] !== undefined &&
      taskOf(tasks[0]).writes !== undefined &&
      !own.has(path),
  );
  const [starters, rest] = [writing.filter(isStarter), writing.filter((model) => !isStarter(model))];
  if (rest.length > 0) append(items, [separator('On this machine'), ...rest.map(modelItem)]);
  if (starters.length > 0) append(items, [separator('Comes with Luthier'), ...starters.map(modelItem)]);
  items.push(separator('Others'), { label: '$(folder-opened) Choose a folder…', value: FOLDER });
  return items;
}

const isStarter = ({ source }: ModelEntry): boolean => source === 'starter';

const runItem = (run: Run): ModelChoice => ({
  label: run.record.name,
  description: describeRunItem(run, null),
  value: modelFolderOf(run),
});

const modelItem = (model: ModelEntry): ModelChoice => ({
  label: model.name,
  description: [
    model.model_type,
    model.num_parameters > 0 ? `${formatCompact(model.num_parameters)} parameters` : '',
    formatBytes(model.bytes),
  ]
    .filter(Boolean)
    .join(' · '),
  // A starter is told by its name: its folder has another one with each version of Luthier.
  value: model.source === 'starter' || !isAbsolute(model.path) ? model.name : model.path,
  ...(model.name === STARTER ? { detail: 'Small and quick, and knows little: fine-tune it on your own texts' } : {}),
});

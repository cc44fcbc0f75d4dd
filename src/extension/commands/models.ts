import * as vscode from 'vscode';
import {
  append,
  formatBytes,
  formatCompact,
  type ModelEntry,
  modelsFor,
  purposeOf,
  type TaskName,
} from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { Cancelled, type HostError, isCancelled, toHostError } from '../errors.ts';
import { BACK, type Choice, type Notice, type Question, Questions, separator } from '../questions.ts';
import { saveSetting, setting } from '../settings.ts';
import { severityIcon } from '../severity.ts';
import { askText, tell, withProgress } from '../ui.ts';
import { modelPlaces } from '../views/base-choices.ts';
import { removeBroken, revealBroken } from './broken.ts';
import { requireTrust } from './select.ts';

type Answer = { name: string } | { broken: ModelEntry } | 'download' | 'folder';

const SOURCES: Record<ModelEntry['source'], string> = {
  starter: 'Comes with Luthier',
  folder: 'Folders',
  cache: 'Hugging Face cache',
  run: 'Trained here',
};

/**
 * Asks for a model: starters, folders, those in the Hugging Face cache and trained ones, or one to download by its
 * name. Gives its name as a recipe writes it, or BACK. A dialog that is cancelled and a download that fails lead back
 * to the question.
 * @param options.task decides which models are offered, and which first; all of them where none is given
 * @param options.before the answer of an earlier round, offered again
 */
export async function askModel(
  luthier: Luthier,
  questions: Questions,
  position: Pick<Question<Answer>, 'step' | 'totalSteps' | 'canGoBack' | 'notice'> = {},
  options: { task?: TaskName; before?: string | undefined } = {},
): Promise<string | typeof BACK> {
  const { task, before } = options;
  const all = await listModels(luthier, questions);
  const models = task === undefined ? all : modelsFor(task, all);
  const wanted = before ?? defaultModel(all, models);
  // A folder's model is listed under the folder's name, which says nothing to a recipe that stands elsewhere.
  const listed = models.find(({ name, problem }) => name === wanted && problem === null);
  const preferred = listed ? nameOf(listed) : wanted;
  const items: Choice<Answer>[] = [];
  for (const source of Object.keys(SOURCES) as ModelEntry['source'][]) {
    const group = models.filter((model) => model.source === source);
    if (group.length > 0) append(items, [separator(SOURCES[source]), ...group.map(modelItem)]);
  }
  const isPreferred = ({ value }: Choice<Answer>) =>
    typeof value === 'object' && 'name' in value && value.name === preferred;
  if (!items.some(isPreferred)) {
    items.unshift({
      label: preferred,
      ...(before ? {} : { description: 'luthier.defaultModel' }),
      value: { name: preferred },
    });
  }
  items.push(
    separator('Others'),
    { label: '$(folder-opened) Choose a folder…', value: 'folder' },
    { label: '$(cloud-download) Download from Hugging Face by name…', value: 'download' },
  );
  const active = items.find(isPreferred);
  const answer = await questions.ask<Answer>({
    ...position,
    placeholder: 'Which base model?',
    items,
    active,
  });
  if (answer === BACK) return BACK;
  if (typeof answer === 'object' && 'name' in answer) return answer.name;
  const { notice: _, ...place } = position;
  if (typeof answer === 'object') {
    await offerRemoval(luthier, answer.broken);
    return await askModel(luthier, questions, place, options);
  }
  try {
    return answer === 'folder' ? await pickFolder() : await downloadModel(luthier);
  } catch (error) {
    const failure = isCancelled(error) ? null : toHostError(error);
    if (failure) luthier.log.error(error as Error);
    const notice = failure && noticeOf(luthier, failure);
    return await askModel(luthier, questions, { ...place, ...(notice ? { notice } : {}) }, options);
  }
}

function listModels({ engine }: Luthier, questions: Questions): Promise<ModelEntry[]> {
  return questions.work('Looking for models…', (signal) =>
    engine.service.request('models/list', { folders: modelPlaces() }, { signal }),
  );
}

/** The setting's, unless it is known not to be for this task: then the first that is. */
function defaultModel(all: readonly ModelEntry[], offered: readonly ModelEntry[]): string {
  const wanted = setting('luthier.defaultModel');
  const [first] = offered.filter(({ problem }) => problem === null);
  const isKnown = all.some(({ name }) => name === wanted);
  return first === undefined || !isKnown || offered.some(({ name }) => name === wanted) ? wanted : nameOf(first);
}

/** The name by which a recipe, and an answer, means a model of the list. */
const nameOf = ({ name, path, source }: ModelEntry): string => (source === 'folder' || source === 'run' ? path : name);

/** A failure as a line of the question that it leads back to. */
export const noticeOf = (luthier: Luthier, { message, hint }: HostError): Notice => ({
  message,
  hint,
  icon: severityIcon(luthier.extension.extensionUri, 'error'),
});

/** Says why a model cannot be used, and what can be done with its folder. */
async function offerRemoval(luthier: Luthier, { name, path, source, problem }: ModelEntry): Promise<void> {
  const [reveal, remove] = ['Reveal', 'Remove…'];
  // A run's model goes with its run, and what comes with Luthier with Luthier.
  const buttons = source === 'cache' || source === 'folder' ? [reveal, remove] : [reveal];
  const answer = await tell('warning', `${name} cannot be used.`, { modal: true, detail: problem ?? '' }, ...buttons);
  const broken = { path, problem: problem ?? '' };
  if (answer === reveal) await revealBroken(luthier, broken);
  if (answer !== remove) return;
  try {
    await removeBroken(luthier, broken);
  } catch (error) {
    if (!isCancelled(error)) throw error;
  }
}

function modelItem(model: ModelEntry): Choice<Answer> {
  if (model.problem !== null) {
    return {
      label: `$(warning) ${model.name}`,
      description: 'Cannot be used',
      detail: model.problem,
      value: { broken: model },
    };
  }
  const size = [
    model.languages === null ? '' : model.languages.map(languageName).join(', '),
    model.model_type,
    model.num_parameters > 0 ? `${formatCompact(model.num_parameters)} parameters` : '',
    formatBytes(model.bytes),
  ];
  return {
    label: model.name,
    description: size.filter(Boolean).join(' · '),
    detail: purposeOf(model),
    value: { name: nameOf(model) },
  };
}

/** `en` as “English”, in the language that VS Code is shown in. */
function languageName(code: string): string {
  if (code === 'multilingual') return 'Many languages';
  try {
    return new Intl.DisplayNames([vscode.env.language, 'en'], { type: 'language' }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** Asks for a model's folder. Throws Cancelled on Escape. */
export async function pickFolder(): Promise<string> {
  const picked = await vscode.window.showOpenDialog({
    title: 'Model Folder (with config.json, tokenizer.json and model.safetensors)',
    openLabel: 'Use Model',
    canSelectFolders: true,
    canSelectFiles: false,
  });
  if (!picked?.[0]) throw new Cancelled();
  return picked[0].fsPath;
}

/** Downloads a model by its Hugging Face name, with progress and cancel; gives the name. */
export async function downloadModel(luthier: Luthier): Promise<string> {
  const name = await askText({
    title: 'Download a Model from Hugging Face',
    placeHolder: 'google-bert/bert-base-uncased',
    prompt: 'The name as shown on the model’s page. Its files are kept in the Hugging Face cache.',
    validateInput: (text) =>
      /^[\w.-]+(\/[\w.-]+)?$/.test(text.trim())
        ? undefined
        : 'Enter OWNER/MODEL, with letters, digits, dots and hyphens.',
  });
  await withProgress(`Downloading ${name.trim()}`, (signal, progress) =>
    luthier.engine.service.request('models/download', { name: name.trim() }, { signal, onProgress: progress }),
  );
  return name.trim();
}

/** Asks for a model by itself. @throws Cancelled when that is dismissed */
export async function pickModel(luthier: Luthier, options: Parameters<typeof askModel>[3] = {}): Promise<string> {
  const questions = new Questions('Choose Model');
  try {
    const name = await askModel(luthier, questions, {}, options);
    if (name === BACK) throw new Cancelled();
    return name;
  } finally {
    questions.dispose();
  }
}

/** Chooses the model that fine-tuning starts from when nothing else is said. */
export async function chooseModel(luthier: Luthier): Promise<void> {
  requireTrust();
  const name = await pickModel(luthier);
  await saveSetting('luthier.defaultModel', name);
  void tell('information', `Fine-tuning now starts from ${name}.`);
}

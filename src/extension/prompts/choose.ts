import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import { pickFolder } from '../commands/models.ts';
import { Cancelled, isCancelled, toHostError } from '../errors.ts';
import { type Choice, Questions, separator } from '../questions.ts';
import { describeRunItem } from '../runs/present.ts';
import { setting } from '../settings.ts';
import { askText } from '../ui.ts';
import { hostOf } from './endpoint-address.ts';
import type { EndpointKeys } from './endpoint-keys.ts';
import { revisionsOf } from './git.ts';
import { listChatModels } from './language-models.ts';
import { type ColumnRef, columnId, type ModelRef, runRef, type TemplateModels, type VersionRef } from './models.ts';
import { listEndpointModels } from './remote.ts';

interface Choosing {
  models: TemplateModels;
  keys: EndpointKeys;
}

type Answer = { model: ModelRef } | { version: VersionRef } | 'folder' | 'endpoint';

/** Asks which model answers. Throws Cancelled. */
export async function chooseTemplateModel(choosing: Choosing, title: string): Promise<ModelRef> {
  const questions = new Questions(title);
  try {
    const items = await questions.work('Looking for models…', () => modelItems(choosing));
    const answer = (await questions.ask<Answer>({ placeholder: 'Which model should answer?', items })) as Answer;
    return await followed(answer, choosing, questions);
  } finally {
    questions.dispose();
  }
}

/**
 * Asks what else is compared: another model with the file's template, or another version of the template with the
 * model of the first column. Throws Cancelled.
 */
export async function chooseColumn(
  choosing: Choosing,
  document: vscode.TextDocument,
  columns: readonly ColumnRef[],
): Promise<ColumnRef> {
  const questions = new Questions('Add to Comparison');
  const known = new Set(columns.map(columnId));
  const first = columns[0]?.model ?? choosing.models.starter;
  try {
    const items = await questions.work('Looking for models and versions…', async () => {
      const [models, versions] = await Promise.all([modelItems(choosing), versionItems(document)]);
      return [...versions, ...models].filter(({ value }) => {
        if (typeof value !== 'object') return true;
        return !known.has(
          columnId('model' in value ? { model: value.model, version: null } : { model: first, version: value.version }),
        );
      });
    });
    const answer = (await questions.ask<Answer>({ placeholder: 'What should be compared?', items })) as Answer;
    if (typeof answer === 'object' && 'version' in answer) return { model: first, version: answer.version };
    return { model: await followed(answer, choosing, questions), version: null };
  } finally {
    questions.dispose();
  }
}

async function followed(answer: Answer, { keys }: Choosing, questions: Questions): Promise<ModelRef> {
  if (answer === 'folder') return await chooseFolder();
  if (answer === 'endpoint') return await chooseEndpointModel(keys, questions);
  return (answer as { model: ModelRef }).model;
}

async function modelItems({ models }: Choosing): Promise<Choice<Answer>[]> {
  const { starter } = models;
  const item = (label: string, description: string, model: ModelRef): Choice<Answer> => ({
    label,
    description,
    value: { model },
  });
  const trained = models.trained();
  const bases = new Map<string, Choice<Answer>>();
  for (const run of trained) {
    const base = await models.baseOf(runRef(run));
    if (base && nameIn(base) !== nameIn(starter))
      bases.set(columnId({ model: base, version: null }), item(nameIn(base), 'base model', base));
  }
  const working = models.training();
  const chat = await listChatModels().catch(() => []);
  return [
    ...group(
      'Trained here',
      trained.map((run) => item(run.record.name, describeRunItem(run, null), runRef(run))),
    ),
    ...group(
      'Still training',
      working.map((run) =>
        item(run.record.name, `best checkpoint so far, step ${run.record.best!.step}`, {
          ...{ kind: 'checkpoint', folder: run.folder, name: run.record.name },
        }),
      ),
    ),
    ...group('Base models', [item(nameIn(starter), 'comes with Luthier', starter), ...bases.values()]),
    ...group(
      'VS Code’s language models',
      chat.map(({ id, name, vendor }) =>
        item(name, `${vendor}; prompts leave this machine`, { kind: 'vscode', id, name }),
      ),
    ),
    ...group<Answer>('Others', [
      { label: '$(folder-opened) A model’s folder…', value: 'folder' },
      {
        label: '$(cloud) An OpenAI-compatible endpoint…',
        description: shownEndpoint(),
        detail: 'Ollama, llama.cpp, vLLM or a service; its address is luthier.prompts.endpoint.url',
        value: 'endpoint',
      },
    ]),
  ];
}

const nameIn = (model: ModelRef): string => ('name' in model ? model.name : model.model);

function shownEndpoint(): string {
  try {
    return hostOf(setting('luthier.prompts.endpoint.url'));
  } catch (error) {
    return toHostError(error).message;
  }
}

const group = <T>(title: string, items: readonly Choice<T>[]): Choice<T>[] =>
  items.length > 0 ? [separator(title), ...items] : [];

/** Other templates of the same folder, and this one as it was committed. */
async function versionItems(document: vscode.TextDocument): Promise<Choice<Answer>[]> {
  const { uri } = document;
  if (uri.scheme !== 'file') return [];
  const folder = vscode.Uri.file(dirname(uri.fsPath));
  const pattern = new vscode.RelativePattern(folder, '*.{prompty,prompt.md}');
  const [files, revisions] = await Promise.all([
    vscode.workspace.findFiles(pattern, null, 50).then(
      (found) => found,
      () => [],
    ),
    revisionsOf(uri),
  ]);
  const name = basename(uri.fsPath);
  const others = files
    .filter((file) => file.toString() !== uri.toString())
    .sort((a, b) => a.path.localeCompare(b.path));
  return [
    ...group<Answer>('Other versions of the template, with the first model', [
      ...others.map((file) => ({
        label: basename(file.fsPath),
        description: 'in the same folder',
        value: { version: { kind: 'file' as const, uri: file.toString() } },
      })),
      ...revisions.map(({ commit, subject, date }) => {
        const when = date ? date.toLocaleDateString(vscode.env.language, { dateStyle: 'medium' }) : '';
        const short = commit.slice(0, 7);
        return {
          label: subject,
          description: [short, when].filter(Boolean).join(' · '),
          value: {
            version: { kind: 'git' as const, commit, title: `${name}${when ? ` as of ${when}` : ''} (${short})` },
          },
        };
      }),
    ]),
  ];
}

async function chooseFolder(): Promise<ModelRef> {
  const path = await pickFolder();
  return { kind: 'folder', path, name: basename(path) };
}

/** Asks the server which models it has; where it does not say, the name is typed. */
async function chooseEndpointModel(keys: EndpointKeys, questions: Questions): Promise<ModelRef> {
  const url = setting('luthier.prompts.endpoint.url');
  const host = hostOf(url);
  const endpoint = {
    url,
    key: await keys.get(url),
    silenceMs: 1000 * setting('luthier.prompts.endpoint.timeoutSeconds'),
  };
  let names: string[] = [];
  let problem = '';
  try {
    names = await questions.work(`Asking ${host} for its models…`, (signal) => listEndpointModels(endpoint, signal));
  } catch (error) {
    if (isCancelled(error)) throw error;
    const failure = toHostError(error);
    // What a person has to set first is told; a server that only lists no models can still have one.
    if (failure.code !== 'endpoint-failed' && failure.code !== 'endpoint-invalid') throw failure;
    problem = failure.message;
  }
  // Once a model of it is chosen; the secret storage is asked for nothing before.
  const chosen = async (model: string): Promise<ModelRef> => ({
    ...{ kind: 'endpoint', url: await keys.keepAddress(url), model },
  });
  if (names.length > 0) {
    const model = (await questions.ask<string>({
      placeholder: `Which model of ${host}?`,
      items: names.map((name) => ({ label: name, value: name })),
    })) as string;
    return await chosen(model);
  }
  const typed = await askText({
    title: `Model of ${host}`,
    prompt: problem ? `${problem} Type the model’s name.` : `${host} names no models. Type the model’s name.`,
    ignoreFocusOut: true,
  });
  if (!typed.trim()) throw new Cancelled();
  return await chosen(typed.trim());
}

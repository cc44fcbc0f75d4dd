import { basename, dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { exists, listFolder } from '../../files/folders.ts';
import { slug, uniqueName } from '../../files/names.ts';
import { writeFileAtomically } from '../../files/write-file.ts';
import { counted, type DataSummary } from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { DATA_EXTENSIONS, type Dataset, isDataFile, rowsFile } from '../datasets/dataset.ts';
import { asToast, Cancelled, isCancelled, toHostError } from '../errors.ts';
import { guessColumns, MOST_LABELS, newTemplate, type TemplateData } from '../prompts/new-template.ts';
import { KINDS, type KindId, LANGUAGES, type Language, WORDS } from '../prompts/templates/kinds.ts';
import { kindOf } from '../prompts/templates/write.ts';
import { BACK, type Choice, type Notice, Questions, separator } from '../questions.ts';
import { confirm, tell } from '../ui.ts';
import { datasetItem, datasetsFor } from './datasets.ts';
import { noticeOf } from './models.ts';
import { requireTrust } from './select.ts';

const TITLE = 'New Prompt Template';
const SUFFIX = '.prompty';

interface ChosenKind {
  id: KindId;
  language: Language;
}

/** What has been answered so far; null is an answer: no dataset. */
interface Answers {
  kind?: ChosenKind;
  data?: { dataset: Dataset; summary: DataSummary } | null;
  columns?: Record<string, string>;
}

/** While the window lives: who called it off, or could not write the file, need not answer again. */
let remembered: Answers = {};

/** Asks what the template is for and which rows fill it, writes it, and opens it. */
export async function newPromptTemplate(luthier: Luthier, ...args: unknown[]): Promise<void> {
  requireTrust();
  const given = await givenDataset(luthier, args);
  const questions = new Questions(TITLE);
  let answers: Required<Answers>;
  try {
    answers = await ask(luthier, questions, given);
  } finally {
    questions.dispose();
  }
  await write(luthier, answers);
}

/** The dataset that was clicked, in the tree or in the explorer. */
async function givenDataset(luthier: Luthier, args: readonly unknown[]): Promise<Dataset | null> {
  const [clicked] = args;
  if (clicked instanceof vscode.Uri) return isDataFile(clicked.fsPath) ? fileDataset(luthier, clicked.fsPath) : null;
  if (typeof clicked !== 'object' || clicked === null) return null;
  const [dataset] = await datasetsFor(luthier, [clicked], TITLE);
  return dataset ?? null;
}

async function fileDataset(luthier: Luthier, path: string): Promise<Dataset> {
  const listed = (await luthier.datasets.list()).find((one) => one.path === path);
  return listed ?? { kind: 'added', path, name: basename(path), record: null, summary: null };
}

async function ask(luthier: Luthier, questions: Questions, given: Dataset | null): Promise<Required<Answers>> {
  let notice: Notice | undefined;
  const totalSteps = given ? 1 : 2;
  for (;;) {
    const items = kindItems();
    const kind = await questions.ask<ChosenKind>({
      placeholder: 'What should the prompt do?',
      items,
      active: items.find(({ value }) => JSON.stringify(value) === JSON.stringify(remembered.kind)),
      ...{ step: 1, totalSteps, notice },
    });
    if (kind === BACK) continue;
    notice = undefined;
    remembered = { ...remembered, kind };
    for (let isBack = false; !isBack; ) {
      try {
        const data = given
          ? { dataset: given, summary: await inspect(luthier, questions, given) }
          : await askData(luthier, questions, notice);
        if (data === BACK) {
          isBack = true;
          continue;
        }
        remembered = { ...remembered, data };
        const columns = data ? await askColumns(questions, kind, data.summary) : {};
        if (columns === BACK) {
          // Which rows fill it is not asked where they were clicked.
          isBack = given !== null;
          continue;
        }
        return { kind, data, columns };
      } catch (error) {
        if (isCancelled(error)) throw error;
        // A file that cannot be read leads back to its question; what the template is for stays answered.
        notice = noticeOf(luthier, toHostError(error));
        if (given) isBack = true;
      }
    }
  }
}

const NAMES: Record<Language, string> = { en: 'English', zh: '中文' };

/** In the editor's language first. */
function kindItems(): Choice<ChosenKind>[] {
  const own: Language = vscode.env.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
  const languages = [own, ...LANGUAGES.filter((one) => one !== own)];
  return languages.flatMap((language) => [
    separator(NAMES[language]),
    ...KINDS.map(({ id }) => {
      const { title, description } = WORDS[language][id];
      return { label: title, detail: description, value: { id, language } };
    }),
  ]);
}

async function askData(
  luthier: Luthier,
  questions: Questions,
  notice: Notice | undefined,
): Promise<NonNullable<Answers['data']> | null | typeof BACK> {
  const datasets = await luthier.datasets.list();
  const items: Choice<Dataset | 'file' | 'none'>[] = [
    ...(datasets.length > 0 ? [separator('Datasets'), ...datasets.map(datasetItem), separator('Others')] : []),
    { label: '$(folder-opened) Choose a file…', value: 'file' },
    { label: '$(circle-slash) No dataset', description: 'With an example that you replace', value: 'none' },
  ];
  const before = remembered.data;
  const answer = await questions.ask<Dataset | 'file' | 'none'>({
    placeholder: 'Which rows should fill it?',
    items,
    active: items.find(({ value }) =>
      before === null ? value === 'none' : typeof value === 'object' && value.path === before?.dataset.path,
    ),
    ...{ step: 2, totalSteps: 2, canGoBack: true, notice },
  });
  if (answer === BACK || answer === 'none') return answer === 'none' ? null : BACK;
  const dataset = answer === 'file' ? await chooseFile(luthier) : answer;
  if (!dataset) return await askData(luthier, questions, notice);
  return { dataset, summary: await inspect(luthier, questions, dataset) };
}

async function chooseFile(luthier: Luthier): Promise<Dataset | null> {
  const files = await vscode.window.showOpenDialog({
    title: 'File with Rows',
    openLabel: 'Use File',
    filters: { 'Files with rows': DATA_EXTENSIONS },
  });
  return files?.[0] ? await fileDataset(luthier, files[0].fsPath) : null;
}

const inspect = (luthier: Luthier, questions: Questions, dataset: Dataset): Promise<DataSummary> =>
  questions.work(`Reading ${dataset.name}…`, (signal) => luthier.datasets.inspect(dataset, { signal }));

/** Columns that are not plain are asked for, one after the other. */
async function askColumns(
  questions: Questions,
  { id, language }: ChosenKind,
  summary: DataSummary,
): Promise<Record<string, string> | typeof BACK> {
  const { inputs } = kindOf(id);
  const columns = guessColumns(inputs, summary);
  for (const { key } of inputs) {
    if (columns[key] !== undefined || summary.columns.length === 0) continue;
    const answer = await questions.ask<string>({
      placeholder: `Which column is the ${key}?`,
      items: [
        ...summary.columns.map(({ name, examples }) => ({ label: name, detail: examples[0] ?? '', value: name })),
        { label: '$(circle-slash) None of them', detail: WORDS[language][id].examples[key]!, value: '' },
      ],
      canGoBack: true,
    });
    if (answer === BACK) return BACK;
    if (answer !== '') columns[key] = answer;
  }
  return columns;
}

/** Writes the template where the person says; what cannot be written there is offered another place. */
async function write(luthier: Luthier, { kind, data, columns }: Required<Answers>): Promise<void> {
  const { id, language } = kind;
  for (;;) {
    const path = await askPath(kind, data?.dataset ?? null);
    const filled: TemplateData | null = data && { path: data.dataset.path, summary: data.summary, columns };
    try {
      await writeFileAtomically(path, newTemplate(id, language, path, filled));
    } catch (error) {
      const { fact } = asToast(toHostError(error));
      luthier.log.error(fact);
      const again = 'Choose Another Place';
      if ((await tell('error', fact, again)) !== again) throw new Cancelled();
      continue;
    }
    await vscode.window.showTextDocument(vscode.Uri.file(path), { preview: false });
    luthier.achieved('prompted');
    const classes = data && kindOf(id).labels ? data.summary.classes.length : 0;
    if (classes > MOST_LABELS)
      void tell('information', `The template has the ${MOST_LABELS} most frequent of ${counted(classes, 'label')}.`);
    return;
  }
}

async function askPath({ id, language }: ChosenKind, dataset: Dataset | null): Promise<string> {
  const folder = folderFor(dataset);
  const stem = slug(
    [WORDS[language][id].prefix[0]!, dataset?.name.replace(/\.[^.]+$/, '') ?? ''].join(' '),
    60,
    'prompt',
  );
  const taken = await listFolder(folder).then(
    (entries) => entries.map(({ name }) => name.replace(/\.prompty$/i, '')),
    () => [],
  );
  const uri = await vscode.window.showSaveDialog({
    title: TITLE,
    saveLabel: 'Create',
    defaultUri: vscode.Uri.file(join(folder, uniqueName(stem, taken) + SUFFIX)),
    filters: { 'Prompt template': ['prompty'] },
  });
  if (!uri) throw new Cancelled();
  if (uri.fsPath.toLowerCase().endsWith(SUFFIX)) return uri.fsPath;
  // The dialog has asked about the name as it was typed.
  const path = uri.fsPath + SUFFIX;
  if (await exists(path))
    await confirm(
      `Replace ${basename(path)}?`,
      'A file of this name is there already. Its content is lost.',
      'Replace',
    );
  return path;
}

/** Beside the data, or in the first folder of the workspace. */
function folderFor(dataset: Dataset | null): string {
  const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
  const file = dataset && dataset.kind !== 'made' ? vscode.Uri.file(rowsFile(dataset)) : null;
  const isInside = file !== null && vscode.workspace.getWorkspaceFolder(file) !== undefined;
  if (file && (isInside || folders.length === 0)) return dirname(file.fsPath);
  return folders[0]?.uri.fsPath ?? dirname(file?.fsPath ?? join(process.cwd(), 'x'));
}

/** The guide to good prompts, in the editor's language where there is one. */
export async function openPromptingGuide(luthier: Luthier): Promise<void> {
  const isChinese = vscode.env.language.toLowerCase().startsWith('zh');
  const page = vscode.Uri.joinPath(
    luthier.extension.extensionUri,
    'docs',
    isChinese ? 'prompting.zh.md' : 'prompting.md',
  );
  await vscode.commands.executeCommand('markdown.showPreview', page);
}

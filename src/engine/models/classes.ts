import { LuthierError } from '../../protocol/index.ts';
import type { ModelFolder } from '../hub/model-folder.ts';
import { type Architecture, answerNames } from './architecture.ts';
import { mapWeights } from './names.ts';

type Folder = Pick<ModelFolder, 'path' | 'config' | 'weights'>;

/** What models of other tasks do, by the end of their class's name in config.json's `architectures`. */
const OTHER_TASKS: Readonly<Record<string, string>> = {
  ForTokenClassification: 'labels the tokens of a text',
  ForQuestionAnswering: 'finds answers in a text',
  ForMultipleChoice: 'chooses among several texts',
  ForNextSentencePrediction: 'says whether one sentence follows another',
};

/** Weights of heads that fill in masks. */
const MASKED_HEAD = /^(?:cls\.predictions|lm_head|vocab_)/;

/**
 * Names of the classes that a model folder's classifier answers with, by the row of its weights.
 * @throws LuthierError `model-unsupported` for a model of another task, `model-invalid` for one whose classifier is
 *   missing, incomplete or at odds with config.json; nothing that is no text classifier gives an answer
 */
export function classesOf(folder: Folder, architecture: Architecture): string[] {
  const { path, config } = folder;
  const architectures = Array.isArray(config.architectures) ? config.architectures.map(String) : [];
  const own = architecture.className.replace(/^.*(?=For)/, '');
  const isClassifier = architectures.length === 0 || architectures.some((it) => it.endsWith(own));
  const task = Object.keys(OTHER_TASKS).find((end) => end !== own && architectures.some((it) => it.endsWith(end)));
  if (!isClassifier && task !== undefined) {
    throw new LuthierError(
      'model-unsupported',
      `${path} ${OTHER_TASKS[task]} (architectures in config.json: ${architectures.join(', ')}); it cannot classify texts.`,
      'You can fine-tune it as a base model (luthier train); the run’s model then classifies texts.',
    );
  }
  // A language model's outputs are its vocabulary, and its head is looked for with the weights.
  if (isClassifier && architecture.outputs !== undefined) return [];
  const { files, missingHead } = mapWeights(architecture, folder.weights.names());
  const answers = answerNames(architecture);
  if (missingHead.some((name) => answers.includes(name))) {
    // Decoders are not asked for one.
    const hasMaskedHead = architecture.isCausal || folder.weights.names().some((name) => MASKED_HEAD.test(name));
    throw new LuthierError(
      'model-invalid',
      `${path} contains a pretrained model without a trained classifier${hasMaskedHead ? '' : ' or masked-language head'}, so it has no classes to answer with.`,
      `Fine-tune it first (luthier train), then name the run or its model folder.${hasMaskedHead ? '' : ' To fill in masks, name a model whose class is like BertForMaskedLM, such as bert-base-uncased.'}`,
    );
  }
  if (!isClassifier) {
    throw new LuthierError(
      'model-unsupported',
      `${path} is not a text classifier: architectures in config.json names ${architectures.join(', ')}.`,
      `If it is one, set architectures to ["${architecture.className}"] there.`,
    );
  }
  if (missingHead.length > 0) {
    throw new LuthierError(
      'model-invalid',
      `${path} lacks ${missingHead[0]}, which a text classifier needs: its classifier is for another task, or the file is incomplete.`,
      'Download or copy the model again, or fine-tune it first (luthier train).',
    );
  }
  const rows = folder.weights.shape(files.get(answers[0]!)!)[0] ?? 0;
  if (own === 'ForSequenceClassification') refuseOtherProblems(folder, answers[0]!, rows);
  const names = classNames(config, `${path}/config.json`);
  if (names === null) return defaultNames(rows);
  if (names.labels.length !== rows) {
    throw new LuthierError(
      'model-invalid',
      `${path}: ${names.key} in config.json names ${count(names.labels.length, 'class', 'classes')}, but ${answers[0]} has ${count(rows, 'row')}.`,
      'The two are from different models. Use both from the same model, or fine-tune the model (luthier train).',
    );
  }
  return names.labels;
}

function refuseOtherProblems({ path, config }: Folder, answers: string, rows: number): void {
  const type = problemOf(config);
  if (type === 'multi_label_classification') return;
  if (type === 'regression' ? rows === 1 : type === 'single_label_classification' && rows > 1) return;
  const said =
    config.problem_type == null
      ? 'config.json names no problem_type'
      : `problem_type in config.json is ${JSON.stringify(type)}`;
  const what =
    type === 'regression'
      ? 'it answers with several numbers, which is not supported'
      : type === 'single_label_classification'
        ? 'it chooses among one class'
        : 'this kind of answer is unknown';
  throw new LuthierError(
    'model-unsupported',
    `${path}: ${said} and ${answers} has ${count(rows, 'row')}, so ${what}.`,
    'Models that choose one class ("problem_type": "single_label_classification"), any number of labels ("multi_label_classification"), or answer with one number ("regression", "num_labels": 1) are supported.',
  );
}

/**
 * Class names by id as a config.json gives them: by id2label, by label2id alone, or by their number alone, which very
 * old files call `_num_labels`; transformers then calls them LABEL_0, LABEL_1… Null where it says nothing of classes.
 * @throws LuthierError `model-invalid` when ids are left out or two classes share a name
 */
function classNames(config: Folder['config'], file: string): { key: string; labels: string[] } | null {
  const { id2label, label2id } = config;
  const pairs = isMap(id2label)
    ? Object.entries(id2label).map(([id, name]) => [Number(id), String(name)] as const)
    : isMap(label2id)
      ? Object.entries(label2id).map(([name, id]) => [Number(id), name] as const)
      : null;
  if (pairs === null || pairs.length === 0) {
    const key = ['num_labels', '_num_labels'].find((it) => config[it] != null);
    if (key === undefined) return null;
    const n = config[key];
    if (typeof n === 'number' && Number.isInteger(n) && n >= 1 && n <= MAX_CLASSES)
      return { key, labels: defaultNames(n) };
    throw new LuthierError('model-invalid', `${file}: ${key} is ${JSON.stringify(n)}, not a number of classes.`);
  }
  const key = isMap(id2label) ? 'id2label' : 'label2id';
  const labels = new Array<string | undefined>(pairs.length).fill(undefined);
  for (const [id, name] of pairs) {
    if (!Number.isInteger(id) || id < 0 || id >= labels.length || labels[id] !== undefined) {
      throw new LuthierError(
        'model-invalid',
        `${file}: ${key} does not number its ${count(labels.length, 'class', 'classes')} from 0 without gaps.`,
        'Download or copy the file from the model again.',
      );
    }
    labels[id] = name;
  }
  const twice = labels.find((name, id) => labels.indexOf(name) !== id);
  if (twice !== undefined) {
    throw new LuthierError(
      'model-invalid',
      `${file}: ${key} gives two classes the name ${JSON.stringify(twice)}, so answers cannot be told apart.`,
      'Give each class a different name there.',
    );
  }
  return { key, labels: labels as string[] };
}

/** What a text classifier's config.json says that it does; one with a single label gives a number, as in transformers. */
const problemOf = (config: Folder['config']): unknown =>
  config.problem_type ?? (numLabelsOf(config) === 1 ? 'regression' : 'single_label_classification');

/** How many labels a config.json names; undefined where it says nothing of them. */
export function numLabelsOf({ id2label, label2id, num_labels }: Folder['config']): number | undefined {
  const names = isMap(id2label) ? id2label : isMap(label2id) ? label2id : null;
  return names ? Object.keys(names).length : typeof num_labels === 'number' ? num_labels : undefined;
}

/** Far above any classifier's; a number of classes is not yet memory, but names for them are. */
const MAX_CLASSES = 1_000_000;

/** Lists count too: some tools write id2label as one. */
const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const defaultNames = (n: number): string[] => Array.from({ length: n }, (_, id) => `LABEL_${id}`);

const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/**
 * Rows of a folder's classifier for a run's classes, matched by name, so that training goes on from it; null when the
 * run's classifier starts from new weights. `note` says which it is, for the log.
 * @param problem what the run's model does, as config.json will say it
 */
export function classifierRows(
  folder: Folder,
  architecture: Architecture,
  labels: readonly string[],
  problem: unknown,
): { rows: number[] | null; note: string | null } {
  if (architecture.outputs !== undefined) return { rows: null, note: null };
  const fresh = 'The classifier starts from new weights';
  if (!mapWeights(architecture, folder.weights.names()).files.has(answerNames(architecture)[0]!)) {
    return { rows: null, note: `${fresh}: the model has none yet.` };
  }
  let stored: string[];
  try {
    stored = classesOf(folder, architecture);
  } catch (error) {
    if (!(error instanceof LuthierError)) throw error;
    const reason = error.message.replace(`${folder.path}: `, '').replace(`${folder.path} `, 'the model ');
    return { rows: null, note: `${fresh}, because the model’s own cannot be used: ${reason}` };
  }
  if (problem !== undefined && problem !== problemOf(folder.config))
    return { rows: null, note: `${fresh}: the model’s own is for ${String(problemOf(folder.config))}.` };
  // What a number is called changes nothing.
  const rows = labels.length === 1 && stored.length === 1 ? [0] : labels.map((label) => stored.indexOf(label));
  if (stored.length !== labels.length || rows.includes(-1)) {
    const shown = stored.slice(0, 5).join(', ') + (stored.length > 5 ? `, and ${stored.length - 5} more` : '');
    return { rows: null, note: `${fresh}: the model’s own is for other classes (${shown}).` };
  }
  return rows.every((row, i) => row === i)
    ? { rows, note: 'Training continues with the model’s own classifier, which has the same classes.' }
    : {
        rows,
        note: 'Training continues with the model’s own classifier; its classes are in a different order and are matched by name.',
      };
}

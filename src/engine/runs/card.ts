import { basename, dirname, isAbsolute, join } from 'node:path';
import { stringify } from 'yaml';
import { readAllAgain } from '../../code/cache.ts';
import { peftPythonFor } from '../../code/pipeline.ts';
import { writeFileAtomically } from '../../files/write-file.ts';
import {
  counted,
  type EvaluationReport,
  FORGETS_MUCH,
  type Forgetting,
  forgetsMuch,
  formatChange,
  formatCount,
  formatInterval,
  formatMetric,
  largest,
  learnsPrompt,
  measured,
  metricOf,
  type Pooling,
  type Recipe,
  type RunRecord,
  type Split,
  saysInFewerBits,
  taskNameOf,
  taskOf,
} from '../../protocol/index.ts';
import { parseModelName } from '../hub/cache.ts';
import { readJsonRecord } from '../hub/json-file.ts';
import { type ModelCard, readModelCard } from '../hub/model-card.ts';
import { CARD_FILE, CONFIG_FILE, type ModelConfig, TEMPLATE_FILE } from '../hub/model-folder.ts';
import { resolveModel } from '../hub/resolve.ts';
import { eightBitFigures, eightBitLayers, eightBitOf } from '../model-files/eight-bit.ts';
import { poolingOfModel } from '../models/config.ts';
import { parseRecipe } from '../recipes/recipe.ts';
import { taskNamed } from '../tasks/registry.ts';
import type { AnyTask } from '../tasks/task.ts';

export interface CardFacts {
  record: RunRecord;
  /** SHA-256 of the dataset's files. */
  dataHash: string;
  rows: { train: number; validation: number; test: number };
  reports: Partial<Record<Split, EvaluationReport>>;
}

/**
 * Writes the model card of a run's model, and of its adapter where it has one: what it was made of, by which recipe, and
 * how well it does, in words and in the front matter that the Hugging Face hub reads. It names files, never their
 * folders, and quotes no text of the dataset: a card is made to be shown.
 * @param base folder that the recipe's names are looked up from
 * @throws LuthierError `disk-full`, `not-writable`
 */
export async function writeModelCards(
  folders: { model: string; adapter: string | null },
  base: string,
  facts: CardFacts,
): Promise<void> {
  const origin = await originOf(facts.record.recipe, base);
  const config = await readJsonRecord(join(folders.model, CONFIG_FILE)).catch(() => ({}));
  await writeCard(folders.model, modelCard('transformers', origin, facts, config));
  if (folders.adapter !== null) await writeCard(folders.adapter, modelCard('peft', origin, facts));
}

const writeCard = (folder: string, text: string): Promise<void> => writeFileAtomically(join(folder, CARD_FILE), text);

/** The base model as a card names it. */
interface Origin {
  /** For people: a starter's or hub name, or a folder's own name. */
  name: string;
  /** Names on the hub that it is, or comes from. */
  hub: string[];
  isOnHub: boolean;
  card: ModelCard;
}

async function originOf({ model }: Recipe, base: string): Promise<Origin> {
  const { path, source } = await resolveModel(model, { base });
  const card = await readModelCard(path);
  const onHub = source === 'cache' ? parseModelName(model) : undefined;
  if (onHub !== undefined) return { name: onHub.id, hub: [onHub.id], isOnHub: true, card };
  // A run's model is called "model"; the run's folder says more.
  const name =
    source === 'starter' ? `Luthier’s ${model}` : basename(path) === 'model' ? basename(dirname(path)) : basename(path);
  return { name, hub: card.baseModels, isOnHub: false, card };
}

function modelCard(
  library: 'transformers' | 'peft',
  origin: Origin,
  facts: CardFacts,
  config: ModelConfig = {},
): string {
  const { record, dataHash, rows } = facts;
  const { recipe, labels } = record;
  const task = taskNamed(taskNameOf(recipe));
  const { row } = taskOf(task.name);
  const isAdapter = library === 'peft';
  const hasPrompt = learnsPrompt(recipe.strategy);
  const license = origin.card.license;
  const parts = [
    `# ${line(record.name)}`,
    `${isAdapter ? `A ${hasPrompt ? 'learned prompt' : 'low-rank adapter'} (peft) that turns this base model into a ${task.save.noun}:` : `A ${task.save.noun}, fine-tuned from`} ${line(origin.name)}. It ${task.save.does(labels.length)}${labels.length > 1 ? `: ${labels.slice(0, 50).map(code).join(', ')}${labels.length > 50 ? `, and ${labels.length - 50} more` : ''}` : ''}.`,
    '## Use',
    isAdapter ? adapterUse(task, labels.length) : hasPrompt ? promptUse(task, recipe.strategy.type) : modelUse(task),
    ...templateNote(record),
    ...poolingNote(poolingOfModel(config)),
    ...eightBitNote(config),
    '## Data',
    [
      `- ${datasetName(recipe)}: ${counted(rows.train, `training ${row}`)}, ${counted(rows.validation, `validation ${row}`)}${rows.test > 0 ? `, ${counted(rows.test, `test ${row}`)}` : ''}`,
      `- SHA-256 of its files: \`${dataHash}\``,
    ].join('\n'),
    '## Results',
    results(facts),
    ...(record.frozen_bits ? [saysInFewerBits(record.frozen_bits)] : []),
    ...(record.forgetting ? [forgetting(record.forgetting)] : []),
    '## Recipe',
    `${fence('json', JSON.stringify(portableRecipe(recipe), null, 2))}`,
    `Trained with Luthier ${record.environment?.luthier ?? ''} on ${record.environment?.executor ?? 'an unknown backend'}, ${record.step} of ${record.total_steps} steps; the weights are those of step ${record.best?.step ?? record.step}.`,
    '## Licence',
    license === null
      ? `The base model’s folder names no licence; check where ${line(origin.name)} comes from.`
      : `The base model’s licence is ${code(license)}. The dataset may have its own terms.`,
  ];
  return `---\n${stringify(frontMatter(hasPrompt ? 'peft' : library, origin, facts), { lineWidth: 0 })}---\n${parts.join('\n\n')}\n`;
}

function frontMatter(library: string, origin: Origin, facts: CardFacts): Record<string, unknown> {
  const { card, isOnHub } = origin;
  // An adapter fits the very model that it was trained on, not what that came from.
  const hub = library === 'peft' && !isOnHub ? [] : origin.hub;
  const { record, reports } = facts;
  const measured = (['validation', 'test'] as const).flatMap((split) => {
    const report = reports[split];
    return report === undefined ? [] : [evaluationEntry(record.recipe, report)];
  });
  return {
    library_name: library,
    pipeline_tag: taskNamed(taskNameOf(record.recipe)).save.pipeline,
    ...(hub.length === 0 ? {} : { base_model: hub.length === 1 ? hub[0] : hub }),
    ...(card.license === null ? {} : { license: card.license }),
    ...(card.languages === null ? {} : { language: card.languages }),
    tags: ['luthier', record.recipe.strategy.type],
    metrics: taskOf(taskNameOf(record.recipe)).metrics.flatMap((key) => metricOf(key)?.hub ?? []),
    ...(measured.length === 0 ? {} : { 'model-index': [{ name: record.name, results: measured }] }),
  };
}

function evaluationEntry(recipe: Recipe, report: EvaluationReport): object {
  const metrics = finite(report).flatMap(({ key, name, hub }) =>
    hub === undefined ? [] : [{ type: hub, value: round(report.metrics[key]!), name }],
  );
  return {
    task: { type: taskNamed(taskNameOf(recipe)).save.pipeline },
    dataset: { name: datasetName(recipe), type: 'private', split: report.split },
    metrics,
  };
}

const finite = ({ metrics }: EvaluationReport) => measured(metrics).filter(({ key }) => Number.isFinite(metrics[key]));

function results({ reports }: CardFacts): string {
  const tables = (['validation', 'test'] as const).flatMap((split) => {
    const report = reports[split];
    if (report === undefined) return [];
    const body = finite(report).map(({ key, name }) => {
      const interval = report.intervals[key];
      const range = interval ? formatInterval(key, interval) : '–';
      return `| ${name} | ${formatMetric(key, report.metrics[key]!)} | ${range} |`;
    });
    const chosen =
      split === 'validation'
        ? ' The weights were chosen on these rows, so results on new rows may be slightly worse.'
        : '';
    return [
      `${split === 'validation' ? 'Validation' : 'Test'} rows: n = ${formatCount(report.n)}.${chosen}`,
      ['| metric | value | 95 % interval |', '|---|---|---|', ...body].join('\n'),
    ];
  });
  return tables.length === 0 ? 'Not measured: the run had no validation rows.' : tables.join('\n\n');
}

const forgetting = (known: Forgetting): string => {
  const { tokens, before, after } = known;
  const figures = `What is left of the base model: perplexity of a fixed English text that is no part of the dataset (${counted(tokens, 'token')}) is ${formatMetric('perplexity', after)}, with the base model ${formatMetric('perplexity', before)} (${formatChange(before, after)}).`;
  return forgetsMuch(known) ? `${figures} ${FORGETS_MUCH}` : figures;
};

/** For programs. */
const round = (value: number): number => Number(value.toFixed(4));

/** Names of files without their folders. */
function datasetName({ dataset }: Recipe): string {
  const files = typeof dataset === 'string' ? [dataset] : Object.values(dataset);
  return files.map((file) => line(basename(file))).join(', ');
}

/** What a person has to know to ask the model as it was taught. */
const templateNote = ({ template }: RunRecord): string[] =>
  template === undefined
    ? []
    : [
        `It learned its rows through a prompt template, which is in \`${TEMPLATE_FILE}\` (${line(basename(template.path))} when it was trained). Fill it and ask with the text that it makes; Luthier does so by itself.`,
      ];

/** What in it is not as its class usually has it. */
const poolingNote = (pooling: Pooling | undefined): string[] =>
  pooling === 'mean'
    ? [
        'It reads a text by the mean of its tokens’ states. The last layer takes that mean and was added to the base model’s: its attention is the same for all tokens, and its feed-forward part adds nothing. So it loads and runs as any model of its class, with one layer more than the base model.',
      ]
    : pooling === 'cls'
      ? [
          'It reads a text by its first token’s state as the last layer gives it; the layer before the classifier passes it on.',
        ]
      : [];

/** How Luthier computes its predictions, where that is not as everybody else does. */
function eightBitNote(config: ModelConfig): string[] {
  const check = eightBitOf(config);
  if (!check?.used) return [];
  return [
    `Luthier computes its predictions with ${eightBitLayers(check)}: ${eightBitFigures(check)}. Evaluations, the results below among them, and other programs compute in float.`,
  ];
}

/** Only what differs from the defaults, and paths by their last part: what another person needs to do it again. */
function portableRecipe(recipe: Recipe): Record<string, unknown> {
  const file = (path: string) => (isAbsolute(path) ? basename(path) : path);
  const { model, dataset, template } = recipe;
  const named = {
    model: file(model),
    ...(template !== undefined && { template: file(template) }),
    dataset:
      typeof dataset === 'string'
        ? file(dataset)
        : Object.fromEntries(Object.entries(dataset).map(([part, path]) => [part, file(path)])),
  };
  const plain: Record<string, unknown> = { ...parseRecipe(named) };
  const changed = Object.entries(recipe).filter(
    ([key, value]) => !(key in named) && JSON.stringify(value) !== JSON.stringify(plain[key]),
  );
  return { task: recipe.task, ...named, ...Object.fromEntries(changed) };
}

const modelUse = ({ name, save: { pipeline } }: AnyTask): string => {
  const { writes } = taskOf(name);
  const verb = writes ? 'write' : 'classify';
  const text = writes ? 'The beginning of a text' : 'A text to classify';
  const [python, js] =
    writes === 'message'
      ? ['[{"role": "user", "content": "A message"}]', "[{ role: 'user', content: 'A message' }]"]
      : [`"${text}"`, `'${text}'`];
  return [
    fence(
      'python',
      `from transformers import pipeline\n${verb} = pipeline("${pipeline}", model="PATH/TO/THIS/FOLDER")\nprint(${verb}(${python}))`,
    ),
    'In JavaScript, with `onnx/model.onnx` in the same folder (`luthier export RUN --format onnx`):',
    fence(
      'js',
      [
        `import { pipeline${writes ? ', Tensor' : ''} } from '@huggingface/transformers';`,
        `const ${verb} = await pipeline('${pipeline}', 'PATH/TO/THIS/FOLDER', { dtype: 'fp32' });`,
        ...(writes ? readAllAgain(`${verb}.model`) : []),
        `console.log(await ${verb}(${js}));`,
      ].join('\n'),
    ),
  ].join('\n\n');
};

const promptUse = ({ name }: AnyTask, strategy: string): string =>
  [
    'The model reads a learned prompt in front of each text. It is no part of the weights, which are in `base/`, and transformers alone would answer without it: load the folder with peft.',
    fence('python', peftPythonFor('PATH/TO/THIS/FOLDER', name, strategy)),
    'There is no ONNX format of it.',
  ].join('\n\n');

const adapterUse = ({ save: { autoModel } }: AnyTask, labels: number): string =>
  fence(
    'python',
    `from peft import AutoPeftModelFor${autoModel}\nmodel = AutoPeftModelFor${autoModel}.from_pretrained("PATH/TO/THIS/FOLDER"${labels > 0 ? `, num_labels=${labels}` : ''})`,
  );

function fence(language: string, text: string): string {
  const ticks = '`'.repeat(largest(text.match(/`+/g) ?? [], (run) => run.length + 1, 3));
  return `${ticks}${language}\n${text}\n${ticks}`;
}

/** A name from outside on one line, its Markdown as plain text. */
const line = (text: string): string =>
  text
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .replace(/[\\`*_{}[\]<>#|!]/g, '\\$&');

/** The same as code, where backslashes stand for themselves. */
const code = (text: string): string => {
  const plain = text.replace(/[\p{C}\s]+/gu, ' ').trim();
  const ticks = '`'.repeat(1 + largest(plain.match(/`+/g) ?? [], (run) => run.length, 0));
  return ticks.length === 1 ? `\`${plain}\`` : `${ticks} ${plain} ${ticks}`;
};

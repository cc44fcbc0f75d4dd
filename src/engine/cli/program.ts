import { Command, Option } from 'commander';
import { COMPLETION_EXTENTS, TASKS } from '../../protocol/index.ts';
import { VERSION } from '../version.ts';
import { withColumns, withSeveralLabels } from './column-options.ts';
import { generationOptions } from './generation-options.ts';
import { forTerminal } from './output.ts';
import { answerWrongUse } from './wrong-use.ts';

const BACKENDS = ['auto', 'onnxruntime', 'webgpu', 'tensorflow', 'wasm'];
/** How a model that answers is named. */
const MODEL = 'model folder, run (id, name or folder), starter or Hugging Face name';

type Run = (action: () => Promise<number>) => () => Promise<void>;

/** Without a default of commander's, which help would show as `[]`. */
const collect = (value: string, before: string[] = []) => [...before, value];
const encoding = () =>
  new Option(
    '--encoding <name>',
    'encoding of the data files, such as windows-1252, mac-roman or gb18030 (default: detected)',
  );
const task = () =>
  new Option('--task <task>', 'task that the rows are for; recognised otherwise').choices(
    TASKS.map(({ name }) => name),
  );
const backend = () => new Option('--backend <name>', 'backend to use').choices(BACKENDS);
const json = () => new Option('--json', 'print one JSON object per line on stdout');

/** How a model writes, and where. */
function writing(command: Command): Command {
  for (const option of generationOptions()) command.addOption(option);
  return command.addOption(backend()).addOption(json());
}

/** Where and how the fields of labelled rows stand in a file, and how to read it. */
const labelled = (command: Command, isRead?: Parameters<typeof withColumns>[1]): Command =>
  withSeveralLabels(withColumns(command, isRead)).addOption(encoding());

/**
 * The commands of the terminal, each with its arguments and options. Their code is loaded when one is chosen.
 * @param run does what a command does
 * @param strategies what `train --help` says of them
 * @param onRefused hears which command was used wrongly
 */
export function buildProgram(run: Run, strategies = '', onRefused: (command: Command) => void = () => {}): Command {
  const program = new Command('luthier')
    .description('Fine-tune language models on your own machine.')
    .version(VERSION)
    .configureOutput({ outputError: (text, write) => write(forTerminal(text)) })
    .exitOverride();

  program
    .command('train')
    .argument('[recipe]', 'recipe file (*.recipe.json); without one, Luthier asks what it needs')
    .description('train a model from a recipe')
    .option('--set <key=value>', 'override a key of the recipe; can be repeated', collect)
    .option('--out <dir>', 'folder for the run (default: .luthier/runs/ beside the recipe)')
    .addOption(backend())
    .addOption(encoding())
    .option('--name <name>', 'display name of the run')
    .option(
      '--folds <k>',
      'cross-validate: split the rows into k folds and train once for each, evaluated on that fold',
    )
    .option('--no-final', 'with --folds: do not train a final model on all rows')
    .option('--range-test', 'find a learning rate: at most 100 steps with growing rates; nothing is saved')
    .option('--write', 'with a recipe that has a search: write the best recipe beside it')
    .option('--seeds <n>', 'train with n seeds, the recipe’s and those that follow it, and say mean and spread')
    .option('--queue', 'wait until no other run is in progress, in line with those of the editor')
    .option('--detach', 'start the run in the background and return at once')
    .addOption(json())
    .addHelpText('after', strategies)
    .action((recipe, options) =>
      run(async () => (await import('./train.ts')).train(recipe, { set: [], ...options }))(),
    );

  const compared = (command: Command): Command =>
    labelled(
      command
        .argument('<data>', 'file or dataset that the candidates learn from, all with the same split')
        .option('--minutes <n>', 'time for all candidates together (default: as long as it takes)')
        .option('--set <key=value>', 'a key of each candidate’s recipe that can take it; can be repeated', collect)
        .addOption(task()),
    ).addOption(json());
  compared(program.command('compare-ways'))
    .description('train in several ways on the same rows, and choose one by quality and time')
    .requiredOption('--model <model>', 'base model: starter, folder or Hugging Face name')
    .option('--strategies <list>', 'ways to compare, with commas (default: all but variants of another)')
    .action((data, options) =>
      run(async () => (await import('./compare.ts')).compareWays(data, { set: [], ...options }))(),
    );
  compared(program.command('compare-models'))
    .description('train several base models on the same rows, and choose one by quality and time')
    .option(
      '--models <list>',
      'base models to compare, with commas (default: starters, model folders and the Hugging Face cache)',
    )
    .action((data, options) =>
      run(async () => (await import('./compare.ts')).compareModels(data, { set: [], ...options }))(),
    );

  labelled(
    program
      .command('evaluate')
      .argument('<model>', MODEL)
      .description('evaluate a trained model on labelled rows')
      .requiredOption('--data <file>', 'file or dataset with texts and labels, or sentences and their tags')
      .addOption(
        new Option('--split <split>', 'which rows of a dataset').choices(['validation', 'test']).default('test'),
      ),
    // How they would be split is no matter here.
    ({ role }) => role !== 'split',
  )
    .addOption(backend())
    .addOption(json())
    .action((model, options) => run(async () => (await import('./evaluate.ts')).evaluate(model, options))());

  withColumns(program.command('predict'), ({ name }) => ['text', 'text_pair', 'tokens'].includes(name))
    .argument('<model>', MODEL)
    .description('predict the class of texts from --text, --file or standard input (one per line)')
    .option('--text <text>', 'text to classify; can be repeated', collect)
    .option('--text-pair <text>', 'second text of a pair, one for each --text', collect)
    .option('--file <file>', 'file with one text per line (.txt), or table with a text column')
    .option('--float', 'compute in float, even where the model was found to answer nearly the same in 8 bits')
    .addOption(encoding())
    .addOption(backend())
    .addOption(json())
    .action((model, options) =>
      run(async () => (await import('./predict.ts')).predict(model, { text: [], textPair: [], ...options }))(),
    );

  const generate = program
    .command('generate')
    .argument('<model>', MODEL)
    .description('continue the prompts of --text, --file or standard input (one per line)')
    .option('--text <text>', 'prompt; can be repeated', collect)
    .option(
      '--suffix <text>',
      'what stands behind the gap that is filled (fill-in-the-middle), one for each --text',
      collect,
    )
    .option('--file <file>', 'file with one prompt per line (.txt), or table with a column of prompts')
    .option('--text-column <name>', 'column of the table with the prompts (default: prompt, or text)')
    .option(
      '--template',
      'fill the template that the model learned its rows through; without it texts go in as they are',
    )
    .addOption(encoding());
  writing(generate).action((model, options) =>
    run(async () => (await import('./generate.ts')).generate(model, { text: [], ...options }))(),
  );

  program
    .command('complete')
    .argument('<model>', MODEL)
    .description('suggest what comes next at a place of a file, or behind what standard input has')
    .option('--file <file>', 'text file to complete')
    .option('--offset <n>', 'characters in front of the cursor (default: all)')
    .option('--language <id>', 'language by the editor’s name, such as typescript (default: by the file’s name)')
    .addOption(
      new Option('--extent <what>', 'what to suggest at most (default: by language and place)').choices(
        COMPLETION_EXTENTS,
      ),
    )
    .option('--max-tokens <n>', 'tokens to suggest at most')
    .option('--candidates <n>', 'different suggestions at most (default: 1)')
    .option('--budget-ms <n>', 'milliseconds after which what is there is suggested')
    .option('--context-tokens <n>', 'tokens in front of the cursor that the model sees at most (default: 512)')
    .addOption(backend())
    .addOption(json())
    .action((model, options) => run(async () => (await import('./complete.ts')).complete(model, options))());

  const chat = program
    .command('chat')
    .argument('<model>', MODEL)
    .description('talk to a model through its chat template, a line at a time')
    .option('--system <text>', 'system text, in front of the dialogue')
    .option('--tools <file>', 'JSON with the tools that the model may call, as in OpenAI’s files');
  writing(chat).action((model, options) => run(async () => (await import('./chat.ts')).chat(model, options))());

  const prompt = program.command('prompt').description('render prompt templates (.prompty), and ask models with them');
  const filled = (command: Command): Command =>
    command
      .argument('<file>', 'template')
      .option('--data <file>', 'file or dataset whose rows fill the template, each one unless --row names one')
      .option('--row <n>', 'row of --data, or of the dataset that the template names; from 1 on')
      .option('--set <name=value>', 'value of an input; can be repeated', collect);
  filled(prompt.command('render'))
    .description('show what a model would read: of the sample, of a row, or of each row of --data')
    .option('--model <model>', 'model whose chat template and tokens are used')
    .addOption(
      new Option('--as <language>', 'a program that asks the model, for transformers or transformers.js').choices([
        'python',
        'javascript',
      ]),
    )
    .addOption(json())
    .action((file, options) =>
      run(async () => (await import('./prompt-template.ts')).renderTemplate(file, { set: [], ...options }))(),
    );
  const ask = filled(prompt.command('run'))
    .description('ask a model with what a template makes')
    .option(
      '--model <model>',
      'model folder, run (id, name or folder), starter or Hugging Face name (default: the template’s)',
    );
  writing(ask).action((file, options) =>
    run(async () => (await import('./prompt-template.ts')).runTemplate(file, { set: [], ...options }))(),
  );

  const data = program.command('data').description('inspect data, and make datasets of your own files');
  labelled(data.command('inspect'))
    .argument('<file>', 'CSV, TSV, JSON, JSON Lines, Markdown table, CoNLL, or lines of label and text')
    .description('show the columns, classes or tags, and problems of a file')
    .addOption(task())
    .option(
      '--model <name>',
      'model by whose tokenizer and chat template it is shown what is learnt of texts and conversations',
    )
    .option('--max-length <tokens>', 'tokens that they are cut to there')
    .addOption(json())
    .action((file, options) => run(async () => (await import('./data.ts')).inspect(file, options))());

  data
    .command('collect')
    .argument('[folder]', 'folder of your own files (default: the current one)')
    .description('make a dataset, and a recipe, of your own files, for inline completions')
    .option('--language <id>', 'language as VS Code calls it, such as typescript; can be repeated', collect)
    .option('--name <name>', 'name of the dataset and of the recipe', 'my-files')
    .option('--max-file-bytes <n>', 'leave larger files out (default: 262144)')
    .option('--max-bytes <n>', 'text to learn from at most; files are drawn (default: 1048576)')
    .option('--seed <n>', 'by which files are drawn and held out (default: 42)')
    .option('--completions <file>', 'learn from completions, too (learned.jsonl of the editor)')
    .option('--model <name>', 'base model of the recipe', 'starters/decoder')
    .option('--survey', 'only show the languages there are, and what is left out')
    .addOption(json())
    .action((folder, options) => run(async () => (await import('./collect.ts')).collect(folder ?? '.', options))());

  program
    .command('export')
    .argument('<run>', 'run (id, name or folder)')
    .description("export a run's model as a Hugging Face folder, or with ONNX for transformers.js")
    .addOption(
      new Option('--format <format>', 'format to write').choices(['safetensors', 'onnx']).default('safetensors'),
    )
    .option('--out <dir>', 'folder to write to')
    .addOption(json())
    .action((name, options) => run(async () => (await import('./export.ts')).exportRun(name, options))());

  program
    .command('replay')
    .argument('<run>', 'run of data collect’s recipe (id, name or folder)')
    .description('measure what a model’s suggestions would save in typing its held-out files')
    .option('--lines <n>', 'lines to type (default: 60)')
    .option('--seed <n>', 'by which they are drawn (default: 42)')
    .addOption(json())
    .action((name, options) => run(async () => (await import('./replay.ts')).replayRun(name, options))());

  addRuns(program.command('runs').description('list, inspect and control runs'), run);

  const models = program.command('models').description('list and download base models');
  models
    .command('list')
    .description('list starters, model folders, the Hugging Face cache and trained models')
    .addOption(json())
    .action((options) => run(async () => (await import('./models.ts')).listModels(options))());
  models
    .command('download')
    .argument('<name>', 'Hugging Face name, such as google-bert/bert-base-uncased')
    .description('download a model from the Hugging Face hub (or HF_ENDPOINT) into its cache')
    .option('--revision <revision>', 'branch, tag or commit')
    .addOption(json())
    .action((name, options) => run(async () => (await import('./models.ts')).downloadByName(name, options))());

  const cache = program
    .command('cache')
    .description('stored outputs of frozen layers, which make training a head again faster');
  cache
    .command('list')
    .description('list the stored files, their folder and the size limit')
    .addOption(json())
    .action((options) => run(async () => (await import('./cache.ts')).listCache(options))());
  cache
    .command('clear')
    .description('delete all stored files; they are computed again when needed')
    .addOption(json())
    .action((options) => run(async () => (await import('./cache.ts')).clearCache(options))());

  program
    .command('backends')
    .description('show which backends work on this machine, and why others do not')
    .option('--measure', 'measure the speed of each')
    .addOption(json())
    .action((options) => run(async () => (await import('./backends.ts')).listBackends(options))());

  program
    .command('bench')
    .argument('[case...]', 'cases to run (default: the short list)')
    .description('compare speed with PyTorch')
    .option('--all', 'run every case')
    .option('--setup-peers', 'create the Python environment for PyTorch without asking')
    .addOption(json())
    .allowUnknownOption()
    .action((_cases, _options, command: Command) =>
      run(async () => (await import('./bench.ts')).bench(rawArguments(command)))(),
    );

  answerWrongUse(program, onRefused);
  return program;
}

function addRuns(runs: Command, run: Run): void {
  runs
    .command('list')
    .description('list the runs here, newest first')
    .addOption(new Option('--csv', 'write all runs with recipe values, metrics and intervals as CSV').conflicts('json'))
    .addOption(json())
    .action((options) =>
      run(async () =>
        options.csv ? (await import('./runs-table.ts')).printCsv() : (await import('./runs.ts')).listRuns(options),
      )(),
    );
  const one = (name: string, description: string) =>
    runs.command(name).argument('<run>', 'run (id, name or folder)').description(description).addOption(json());
  one('show', 'show a run and its metrics').action((id, options) =>
    run(async () => (await import('./runs.ts')).showRun(id, options))(),
  );
  one('tag', 'add tags to a run')
    .argument('<tag...>', 'tags; white space within one between quotes')
    .option('--remove', 'take them off instead')
    .action((id, tags, options) => run(async () => (await import('./runs-table.ts')).tagRun(id, tags, options))());
  one('resume', 'resume an interrupted or paused run')
    .option('--queue', 'wait until no other run is in progress, in line with those of the editor')
    .option('--detach', 'resume in the background and return at once')
    .option('--yes', 'do not ask before resuming a run that this machine does not know')
    .option('--new', 'start a new run with its recipe instead')
    .action((id, options) => run(async () => (await import('./runs.ts')).resumeRun(id, options))());
  one('pause', 'write a checkpoint and pause').action((id, options) =>
    run(async () => (await import('./runs.ts')).steerRun(id, 'pause', options))(),
  );
  one('stop', 'end a run early and keep its best weights').action((id, options) =>
    run(async () => (await import('./runs.ts')).steerRun(id, 'stop', options))(),
  );
  one('remove', 'delete a run and its model, after asking')
    .option('--yes', 'do not ask')
    .action((id, options) => run(async () => (await import('./runs.ts')).removeRun(id, options))());
  runs
    .command('clean')
    .description('delete the checkpoints of finished runs, after asking; their models are kept')
    .option('--yes', 'do not ask')
    .addOption(json())
    .action((options) => run(async () => (await import('./runs.ts')).cleanRuns(options))());
  one('cancel', 'discard a run: end it and keep only its record and metrics').action((id, options) =>
    run(async () => (await import('./runs.ts')).steerRun(id, 'cancel', options))(),
  );
}

/** Everything after the command's name, as it was written. */
function rawArguments(command: Command): string[] {
  const args = process.argv.slice(2);
  return args.slice(args.indexOf(command.name()) + 1);
}

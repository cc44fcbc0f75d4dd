import { Command, CommanderError, Option } from 'commander';
import { VERSION } from '../version.ts';
import { EXIT, forTerminal, reportError } from './output.ts';

const BACKENDS = ['auto', 'onnxruntime', 'webgpu', 'tensorflow', 'wasm'];

const TRAIN_HELP = `
Strategies (recipe key "strategy", or --set strategy.type=lora --set strategy.r=16):
  full     every weight
  freeze   the layers above num_frozen_layers
  lora     low-rank adapters (r, lora_alpha, lora_dropout, target_modules) and the classifier, as peft does
  head     pooler and classifier alone
load_in_8bit=true (freeze, lora) computes frozen layers in 8 bits while training. docs/recipe.md lists every key.`;

/**
 * The command line. Each command's code is loaded when it is chosen, so that `train` begins at once.
 * @param args without the program's name
 * @returns the exit code: 0 done, 1 failed, 2 wrong use, 130 interrupted
 */
export async function main(args: string[]): Promise<number> {
  let code: number = EXIT.done;
  const run = (action: () => Promise<number>) => async () => {
    code = await action();
  };
  const program = buildProgram(run);
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    return reportError(error);
  }
}

type Run = (action: () => Promise<number>) => () => Promise<void>;

const collect = (value: string, before: string[]) => [...before, value];
const encoding = () =>
  new Option(
    '--encoding <name>',
    "encoding of the data's files, such as windows-1252, mac-roman or gb18030 (default: guessed)",
  );
const json = () => new Option('--json', 'one JSON object a line on stdout');

export function buildProgram(run: Run): Command {
  const program = new Command('luthier')
    .description('Fine-tune language models on your own machine.')
    .version(VERSION)
    .configureOutput({ outputError: (text, write) => write(forTerminal(text)) })
    .showHelpAfterError('(luthier --help lists the commands)')
    .exitOverride();

  program
    .command('train')
    .argument('[recipe]', 'recipe file (*.recipe.json); without one, questions are asked')
    .description('train a model by a recipe')
    .option('--set <key=value>', 'replace a key of the recipe; may be repeated', collect, [])
    .option('--out <dir>', "the run's folder (default: .luthier/runs/ beside the recipe)")
    .addOption(new Option('--backend <name>', 'what computes').choices(BACKENDS))
    .addOption(encoding())
    .option('--name <name>', "the run's name, as shown to people")
    .option('--folds <k>', 'cross-validate: train once for each of k parts of the rows, measured on it')
    .option('--no-final', 'with --folds: train no model on all rows afterwards')
    .option('--detach', 'start the run and come back at once')
    .addOption(json())
    .addHelpText('after', TRAIN_HELP)
    .action((recipe, options) => run(async () => (await import('./train.ts')).train(recipe, options))());

  program
    .command('evaluate')
    .argument('<model>', 'model folder, run (id or folder), starter or Hugging Face name')
    .description('measure a trained model on labelled rows')
    .requiredOption('--data <file>', 'file, or data set, with text and label')
    .addOption(new Option('--split <part>', 'which part of a data set').choices(['validation', 'test']).default('test'))
    .option('--text-column <name>', 'column that holds the text')
    .option('--text-pair-column <name>', 'column that holds the second text of a pair')
    .option('--label-column <name>', 'column that holds the class')
    .addOption(encoding())
    .addOption(new Option('--backend <name>', 'what computes').choices(BACKENDS))
    .addOption(json())
    .action((model, options) => run(async () => (await import('./evaluate.ts')).evaluate(model, options))());

  program
    .command('predict')
    .argument('<model>', 'model folder, run (id or folder), starter or Hugging Face name')
    .description('say the class of texts: from --text, --file, or standard input, one a line')
    .option('--text <text>', 'a text; may be repeated', collect, [])
    .option('--text-pair <text>', 'the second text of a pair, for each --text', collect, [])
    .option('--file <file>', 'a file with one text a line (.txt), or a table with a text column')
    .option('--text-column <name>', "the table's column that holds the text")
    .option('--text-pair-column <name>', "the table's column that holds the second text of a pair")
    .addOption(encoding())
    .addOption(new Option('--backend <name>', 'what computes').choices(BACKENDS))
    .addOption(json())
    .action((model, options) => run(async () => (await import('./predict.ts')).predict(model, options))());

  const data = program.command('data').description('look at data');
  data
    .command('inspect')
    .argument('<file>', 'CSV, TSV, JSON, JSON Lines, Markdown table or label-and-text lines')
    .description('show columns, classes and problems of a file')
    .option('--text-column <name>', 'column that holds the text')
    .option('--text-pair-column <name>', 'column that holds the second text of a pair')
    .option('--label-column <name>', 'column that holds the class')
    .addOption(encoding())
    .addOption(json())
    .action((file, options) => run(async () => (await import('./data.ts')).inspect(file, options))());

  program
    .command('export')
    .argument('<run>', 'run (id or folder)')
    .description("write a run's model as a Hugging Face folder, or with ONNX for transformers.js")
    .addOption(new Option('--format <format>', 'what to write').choices(['safetensors', 'onnx']).default('safetensors'))
    .option('--out <dir>', 'where to write it')
    .addOption(json())
    .action((name, options) => run(async () => (await import('./export.ts')).exportRun(name, options))());

  addRuns(program.command('runs').description('look at runs and steer them'), run);

  const models = program.command('models').description('models to start from');
  models
    .command('list')
    .description('list starters, models in the Hugging Face cache, and trained ones')
    .addOption(json())
    .action((options) => run(async () => (await import('./models.ts')).listModels(options))());
  models
    .command('download')
    .argument('<name>', 'Hugging Face name, such as google-bert/bert-base-uncased')
    .description('fetch a model from the Hugging Face hub (or HF_ENDPOINT) into its cache')
    .option('--revision <revision>', 'branch, tag or commit')
    .addOption(json())
    .action((name, options) => run(async () => (await import('./models.ts')).downloadByName(name, options))());

  const cache = program.command('cache').description('what frozen layers gave, kept for training a head again');
  cache
    .command('list')
    .description('list what is kept, where, and how large it may grow')
    .addOption(json())
    .action((options) => run(async () => (await import('./cache.ts')).listCache(options))());
  cache
    .command('clear')
    .description('remove all of it; it is computed again when needed')
    .addOption(json())
    .action((options) => run(async () => (await import('./cache.ts')).clearCache(options))());

  program
    .command('backends')
    .description('show what can compute here, and why not')
    .option('--measure', 'measure the speed of each')
    .addOption(json())
    .action((options) => run(async () => (await import('./backends.ts')).listBackends(options))());

  program
    .command('bench')
    .argument('[case...]', 'cases to run (default: the short list)')
    .description('measure against PyTorch')
    .option('--all', 'run every case')
    .option('--setup-peers', 'make the Python environment of the peers without asking')
    .addOption(json())
    .allowUnknownOption()
    .action((_cases, _options, command: Command) =>
      run(async () => (await import('./bench.ts')).bench(rawArguments(command)))(),
    );

  // What they inherit is copied at the time they are made.
  for (const command of everyCommand(program)) {
    command.exitOverride().configureOutput({ outputError: (text, write) => write(forTerminal(text)) });
  }
  return program;
}

function addRuns(runs: Command, run: Run): void {
  runs
    .command('list')
    .description('list the runs here, newest first')
    .addOption(json())
    .action((options) => run(async () => (await import('./runs.ts')).listRuns(options))());
  const one = (name: string, description: string) =>
    runs.command(name).argument('<run>', 'run (id or folder)').description(description).addOption(json());
  one('show', 'show a run and its measures').action((id, options) =>
    run(async () => (await import('./runs.ts')).showRun(id, options))(),
  );
  one('resume', 'go on with an interrupted or paused run')
    .option('--detach', 'start it and come back at once')
    .option('--yes', 'resume a run that is not known on this machine without asking')
    .option('--new', 'start a new run with its recipe instead')
    .action((id, options) => run(async () => (await import('./runs.ts')).resumeRun(id, options))());
  one('pause', 'write a checkpoint and wait').action((id, options) =>
    run(async () => (await import('./runs.ts')).steerRun(id, 'pause', options))(),
  );
  one('stop', 'end early and keep the best weights').action((id, options) =>
    run(async () => (await import('./runs.ts')).steerRun(id, 'stop', options))(),
  );
  one('remove', 'delete a run with its model, after asking')
    .option('--yes', 'do not ask')
    .action((id, options) => run(async () => (await import('./runs.ts')).removeRun(id, options))());
  runs
    .command('clean')
    .description('delete the checkpoints of finished runs, after asking; models stay')
    .option('--yes', 'do not ask')
    .addOption(json())
    .action((options) => run(async () => (await import('./runs.ts')).cleanRuns(options))());
  one('cancel', 'end and keep only the record and the metrics').action((id, options) =>
    run(async () => (await import('./runs.ts')).steerRun(id, 'cancel', options))(),
  );
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

/** Everything after the command's name, as it was written. */
function rawArguments(command: Command): string[] {
  const args = process.argv.slice(2);
  return args.slice(args.indexOf(command.name()) + 1);
}

import { basename, dirname } from 'node:path';
import { shellQuoted } from '../../files/shell.ts';
import { isTaskName, type ModelEntry, purposeOf, taskOf } from '../../protocol/index.ts';
import { listModels } from '../model-files/list.ts';
import { note, table } from './output.ts';

/** Commands that ask a model: which can be asked so, and what stands behind its name. */
const ASKS: Readonly<Record<string, { fits(model: ModelEntry): boolean; rest: string }>> = {
  predict: { fits: ({ answers }) => answers !== null && !writes(answers), rest: ' --text "…"' },
  evaluate: { fits: ({ answers }) => answers !== null && isTaskName(answers), rest: ' --data FILE' },
  generate: { fits: ({ answers }) => writes(answers), rest: ' --text "…"' },
  complete: { fits: ({ answers }) => writes(answers), rest: ' --file FILE' },
  chat: { fits: ({ answers }) => writes(answers), rest: '' },
  export: { fits: ({ source }) => source === 'run', rest: ' --format onnx' },
};

const writes = (answers: ModelEntry['answers']): boolean =>
  answers !== null && isTaskName(answers) && taskOf(answers).writes !== undefined;

/** Models of runs that are named; a list of all is a command of its own. */
const MOST = 8;

/** Where a command lacks the model that it asks: says which there are here, the newest runs first, and how to go on. */
export async function tellModels(command: string): Promise<void> {
  if (command === 'compare-ways') return tellBaseModels();
  const asks = ASKS[command];
  if (!asks) return;
  const fitting = (await listModels([process.cwd()])).filter((model) => model.problem === null && asks.fits(model));
  const runs = fitting
    .filter(({ source }) => source === 'run')
    .map((model) => ({ ...model, name: nameOf(model, fitting) }));
  const newest = runs.sort((a, b) => (idOf(a) < idOf(b) ? 1 : -1)).slice(0, MOST);
  if (newest.length > 0) {
    note(
      `Trained here:\n${table(
        ['run', 'for'],
        newest.map((model) => [model.name, purposeOf(model)]),
      )}`,
    );
    const more = runs.length - newest.length;
    if (more > 0) note(`… and ${more} more: luthier models list`);
  } else note('No run here has such a model yet. luthier train makes one; luthier models list shows all models here.');
  const [first] = [...newest, ...fitting];
  if (first) note(`For example: luthier ${command} ${shellQuoted(first.name)}${asks.rest}`);
}

/** Of these there are others than those that runs have trained. */
async function tellBaseModels(): Promise<void> {
  const [first] = (await listModels([process.cwd()])).filter(
    ({ problem, source }) => problem === null && source !== 'run',
  );
  if (first) note(`For example: luthier compare-ways DATA --model ${shellQuoted(first.name)}`);
  note('luthier models list shows all models here.');
}

const idOf = ({ path }: ModelEntry): string => basename(dirname(path));

/** A run's name, or its id where several have that name. */
const nameOf = (model: ModelEntry, among: readonly ModelEntry[]): string =>
  among.filter(({ source, name }) => source === 'run' && name === model.name).length > 1 ? idOf(model) : model.name;

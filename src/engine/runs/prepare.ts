import { basename, join } from 'node:path';
import { diskUse } from '../../files/folders.ts';
import { sweepAside } from '../../files/write-file.ts';
import { type BackendChoice, formatBytes, LuthierError, type Recipe, type RunRecord } from '../../protocol/index.ts';
import { FILES } from '../../runs/folder.ts';
import { readEvents } from '../../runs/metrics.ts';
import { pretrainingOf } from '../strategies/index.ts';
import type { Trainer } from '../train/types.ts';
import { type Checkpoint, Checkpoints } from './checkpoints.ts';
import { tellCrash } from './crashed.ts';
import type { Journal } from './journal.ts';
import type { Stage } from './repeated.ts';
import { requireSameRows } from './same-rows.ts';

/** All that a training needs, read and checked. */
export interface Prepared {
  recipe: Recipe;
  trainer: Trainer;
  checkpoints: Checkpoints;
  /** That the trainer was restored from; null where it starts from the beginning. */
  checkpoint: Checkpoint | null;
  /** SHA-256 of the dataset's files. */
  dataHash: string;
}

/**
 * Reads recipe, data and model of a run, or of one of its trainings, and where it is resumed its last
 * checkpoint.
 * @param backend in the place of the recipe's
 * @throws LuthierError of whatever of them cannot be read; `disk-full`; `run-invalid` where the rows are others now
 */
export async function prepare(
  journal: Journal,
  resume: boolean,
  stage?: Stage,
  backend?: BackendChoice,
): Promise<Prepared> {
  const [{ createTrainer }, { hashDataset }, { parseRecipe }] = await Promise.all([
    import('../train/trainer.ts'),
    import('./data-hash.ts'),
    import('../recipes/recipe.ts'),
  ]);
  // The record is a file like any other: what it says is checked as a recipe's file is.
  const written = parseRecipe(journal.record.recipe, () => journal.at(FILES.record));
  let recipe: Recipe = {
    ...{ ...written, seed: stage?.seed ?? written.seed, backend: backend ?? written.backend },
    // A card that is lost takes float16 with it.
    ...(backend === 'onnxruntime' && written.fp16 && { fp16: false }),
  };
  const isModels = stage === undefined || stage.part === 'all' || stage.seed === written.seed;
  const kept = journal.record.template;
  // What a process that was killed left half-written: as large as a model.
  for (const part of ['.', FILES.model, join(FILES.model, 'onnx'), FILES.adapter, FILES.sentenceTransformer])
    await sweepAside(journal.at(part));
  const hashing = hashDataset(recipe.dataset, pretrainingOf(recipe.strategy)?.dataset);
  hashing.catch(() => undefined);
  // What was said when the run began holds for a beginning, and its log has it.
  if (resume) await journal.recallNotes();
  let isRepeated = resume || stage !== undefined;
  const make = () =>
    createTrainer({
      recipe,
      base: journal.base,
      rules: journal.record.data_rules ?? 1,
      part: stage?.part,
      template: isModels ? kept : undrawn(kept),
      note: (level, message) => (isRepeated ? journal.noteOnce(level, message) : journal.note(level, message)),
      incident: (incident) => journal.incident(incident),
    });
  const trainer = await make().catch(async (error: unknown) => {
    const { WithoutFloat16 } = await import('../train/loss-scale.ts');
    if (!resume || !(error instanceof WithoutFloat16)) throw error;
    // A card that is gone takes no run with it.
    journal.note('warning', `${error.message} The run goes on in float32 instead of float16.`);
    recipe = { ...recipe, fp16: false };
    return make();
  });
  isRepeated = stage !== undefined;
  if (resume) await compareTemplate(journal);
  const whole = trainer.template;
  // Each training draws examples of its own: the run keeps those of the model that it ends with.
  if (kept && whole && whole.text !== kept.text && isModels)
    journal.record = { ...journal.record, template: { ...whole, drawn_from: kept.text } };
  await requireDisk(journal, trainer);
  const dataHash = await hashing;
  const folder = join(stage?.folder ?? journal.folder, FILES.checkpoints);
  const checkpoints = new Checkpoints(folder, recipe.save_total_limit, dataHash);
  const checkpoint = resume ? await checkpoints.readLatest() : null;
  // Not where this process lost the card itself, which it has said.
  if (resume && backend === undefined && stage === undefined) await tellCrash(journal, checkpoint?.loop.step ?? 0);
  if (checkpoint !== null) {
    if (stage === undefined) await requireRowsOfStart(journal, trainer);
    trainer.restore({ ...checkpoint, step: checkpoint.loop.step });
    compareEnvironments(journal, checkpoint, trainer);
    if (stage === undefined && checkpoint.loop.best !== null) await journal.recallReports();
  } else if (resume && stage === undefined) {
    journal.note('info', 'No checkpoint yet: the run starts from the beginning.');
  }
  return { recipe, trainer, checkpoints, checkpoint, dataHash };
}

/** A template before examples were drawn for it: those of another training may be rows that this one holds out. */
const undrawn = (kept: RunRecord['template']): RunRecord['template'] =>
  kept?.drawn_from === undefined ? kept : { path: kept.path, text: kept.drawn_from };

/** A run goes on with the template that it began with, whatever its file says by now; which is said. */
export async function compareTemplate(journal: Pick<Journal, 'record' | 'noteOnce'>): Promise<void> {
  const { template } = journal.record;
  if (!template) return;
  const { readTemplate } = await import('../recipes/template.ts');
  const now = await readTemplate(template.path).catch(() => null);
  if (now?.text === (template.drawn_from ?? template.text)) return;
  const name = basename(template.path);
  journal.noteOnce(
    'warning',
    `${name} ${now === null ? 'can no longer be read' : 'has changed since the run was made'}: the run goes on with the template that it began with, which its folder has kept.`,
  );
}

/** @throws LuthierError `run-invalid` */
async function requireRowsOfStart(journal: Journal, trainer: Trainer): Promise<void> {
  const events = await readEvents(journal.at(FILES.metrics));
  const start = events.find(({ event }) => event.event === 'start')?.event;
  if (start?.event === 'start') requireSameRows(start, trainer);
}

/** @throws LuthierError `disk-full`, naming the smaller setting that would fit */
async function requireDisk(journal: Journal, trainer: Trainer): Promise<void> {
  const { recipe } = journal.record;
  const [{ estimateDisk }, { freeDiskBytes }] = await Promise.all([
    import('../train/estimate.ts'),
    import('../hub/disk.ts'),
  ]);
  const sizes = { parameters: trainer.numParameters, trained: trainer.numTrainableParameters };
  // What the run holds from before is replaced, or need not be written again.
  const held = await Promise.all(
    [FILES.checkpoints, FILES.model, FILES.adapter, FILES.sentenceTransformer].map((name) => diskUse(journal.at(name))),
  );
  const left = (recipe: Recipe) => Math.max(0, estimateDisk(sizes, recipe) - held.reduce((a, b) => a + b));
  const need = left(recipe);
  const free = await freeDiskBytes(journal.folder);
  if (need <= free) return;
  const least = left({ ...recipe, save_total_limit: 1 });
  const smaller = recipe.save_total_limit > 1 && least <= free ? 'It would fit with save_total_limit 1. ' : '';
  throw new LuthierError(
    'disk-full',
    `The run would write up to ${formatBytes(need)}, but only ${formatBytes(free)} are free at ${journal.folder}.`,
    `${smaller}Free some space, train fewer parameters (strategy), or choose a folder on another disk with --out.`,
  );
}

/** Says so when what the figures depend on is not what it was. */
function compareEnvironments(journal: Journal, checkpoint: Checkpoint, trainer: Trainer): void {
  const before: Record<string, unknown> = checkpoint.fingerprint;
  const names: Record<string, string> = { cpu: 'processor', num_threads: 'number of threads' };
  const changed = Object.entries(trainer.state().fingerprint).filter(([key, value]) => before[key] !== value);
  if (changed.length === 0) return;
  const list = changed.map(([key, value]) => `${names[key] ?? key} is ${value}, was ${before[key]}`).join('; ');
  journal.note(
    'warning',
    `Resuming from step ${checkpoint.loop.step} in a different environment (${list}); losses may differ in the last digits from those of an uninterrupted run.`,
  );
}

import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../files/errno.ts';
import { readOwnFile } from '../../files/regular-file.ts';
import { writeError, writeJson } from '../../files/write-file.ts';
import { homeProblem } from '../../guard/index.ts';
import { formatBytes, LuthierError } from '../../protocol/index.ts';
import { freeDiskBytes } from '../hub/disk.ts';
import { SafetensorsFile, type TensorToWrite, writeSafetensors } from '../hub/safetensors.ts';
import type { CheckpointStore, LoopState } from '../train/loop-state.ts';
import type { TrainerState } from '../train/types.ts';
import { ignoreExisting, requireNone } from './folder.ts';

const FORMAT = 1;
const PARAMETERS = 'parameters.safetensors';
const MOMENTS = 'moments.safetensors';
const STATE = 'trainer_state.json';
const ASIDE = '.tmp-';
const MAX_STATE_BYTES = 1 << 20;

interface StateFile {
  format: number;
  loop: LoopState;
  fingerprint: TrainerState['fingerprint'];
  /** Of the strategy; checkpoints of 0.1.0 do not say it, and had one. */
  phase?: number;
  micro_batch?: number | undefined;
  loss_scale?: TrainerState['loss_scale'];
  /** SHA-256 of the data set's files: another data set has another order of rows. */
  data_sha256: string;
}

export interface Checkpoint extends StateFile {
  path: string;
  parameters: Map<string, Float32Array>;
  moments: Map<string, Float32Array>;
}

/**
 * `checkpoints/checkpoint-<step>/` in a run's folder: parameters and moments as safetensors, the rest as JSON. A folder
 * appears whole or not at all. Without its moments it is the best weights alone and cannot be gone on from.
 */
export class Checkpoints implements CheckpointStore {
  readonly #folder: string;
  readonly #limit: number;
  readonly #dataHash: string;

  /** @param limit how many that can be gone on from are kept, the best one besides */
  constructor(folder: string, limit: number, dataHash: string) {
    this.#folder = folder;
    this.#limit = limit;
    this.#dataHash = dataHash;
  }

  async save(loop: LoopState, trainer: TrainerState): Promise<{ path: string; bytes: number }> {
    return this.#write(loop, trainer, true);
  }

  async saveWeights(loop: LoopState, trainer: TrainerState): Promise<{ path: string; bytes: number }> {
    return this.#write(loop, trainer, false);
  }

  async #write(loop: LoopState, trainer: TrainerState, whole: boolean): Promise<{ path: string; bytes: number }> {
    const path = this.#pathOf(trainer.step);
    const aside = join(this.#folder, `${ASIDE}${trainer.step}`);
    // The run's folder itself is not made again: where it is gone, the run has ended.
    requireNone(await homeProblem(this.#folder));
    const written = { step: trainer.step, whole };
    const others = this.#limit - (whole ? 1 : 0);
    try {
      await mkdir(this.#folder).catch(ignoreExisting);
      await rm(aside, { recursive: true, force: true });
      await mkdir(aside);
      await writeSafetensors(join(aside, PARAMETERS), tensors(trainer.parameters));
      if (whole) await writeSafetensors(join(aside, MOMENTS), tensors(trainer.moments));
      const state: StateFile = {
        format: FORMAT,
        loop,
        fingerprint: trainer.fingerprint,
        phase: trainer.phase,
        micro_batch: trainer.micro_batch,
        loss_scale: trainer.loss_scale,
        data_sha256: this.#dataHash,
      };
      await writeJson(join(aside, STATE), state);
      // Room for the new one before it appears: at no time are there more than the limit and the best.
      await this.#prune(loop, written, Math.max(1, others));
      // One of the same step can only be older and smaller: the weights alone, or from before an interruption.
      await rm(path, { recursive: true, force: true });
      await rename(aside, path);
      await sync(this.#folder);
    } catch (error) {
      await rm(aside, { recursive: true, force: true }).catch(() => undefined);
      const known = writeError(path, error);
      if (known instanceof LuthierError && known.code === 'disk-full') throw await this.#full(trainer, whole, known);
      throw known;
    }
    await this.#prune(loop, written, others);
    return { path, bytes: await bytesIn(path) };
  }

  async #full(trainer: TrainerState, whole: boolean, error: LuthierError): Promise<LuthierError> {
    const kept = await this.latest();
    const where =
      kept === null ? 'There is no earlier checkpoint.' : `The checkpoint of step ${kept.step} is complete.`;
    const floats = [...trainer.parameters.values(), ...(whole ? trainer.moments.values() : [])];
    const need = floats.reduce((sum, { data }) => sum + data.byteLength, 0);
    const free = await freeDiskBytes(this.#folder).catch(() => 0);
    return new LuthierError(
      'disk-full',
      `The disk is full: the checkpoint of step ${trainer.step} takes ${formatBytes(need)}, but only ${formatBytes(free)} are free at ${this.#folder}.`,
      `${where} Free some space, then resume the run: luthier runs resume.`,
      { cause: error },
    );
  }

  async readWeights(step: number): Promise<Map<string, Float32Array>> {
    return readTensors(join(this.#pathOf(step), PARAMETERS));
  }

  async latest(): Promise<{ step: number; path: string } | null> {
    const steps = await this.#steps();
    const step = steps.filter((s) => s.whole).at(-1)?.step;
    return step === undefined ? null : { step, path: this.#pathOf(step) };
  }

  /**
   * Reads the newest checkpoint that can be gone on from, or null.
   * @throws LuthierError `run-invalid` when the data set is another one now
   */
  async readLatest(): Promise<Checkpoint | null> {
    await this.#clean();
    const latest = await this.latest();
    if (latest === null) return null;
    const state = await readState(latest.path);
    if (state.data_sha256 !== this.#dataHash) {
      throw new LuthierError(
        'run-invalid',
        `The dataset has changed since the checkpoint of step ${state.loop.step} was written.`,
        'Restore the file as it was, or start a new run.',
      );
    }
    return {
      ...state,
      path: latest.path,
      parameters: await readTensors(join(latest.path, PARAMETERS)),
      moments: await readTensors(join(latest.path, MOMENTS)),
    };
  }

  async removeAll(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Takes away what a kill left half-written. */
  async #clean(): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (name.startsWith(ASIDE)) await rm(join(this.#folder, name), { recursive: true, force: true });
    }
  }

  /**
   * Keeps, beside what is being written, so many of the newest that can be gone on from, the best weights, and the
   * weights that a kept checkpoint calls the best: a run resumed from it may stop before it meets better ones.
   */
  async #prune(loop: LoopState, written: { step: number; whole: boolean }, others: number): Promise<void> {
    const steps = await this.#steps();
    const whole = steps.filter((s) => s.whole && s.step !== written.step).map((s) => s.step);
    const newest = others > 0 ? whole.slice(-others) : [];
    const best = new Set([written.step, loop.best?.step]);
    for (const step of newest) best.add((await readState(this.#pathOf(step))).loop.best?.step);
    for (const { step } of steps) {
      if (newest.includes(step) || (step === written.step && written.whole)) continue;
      if (best.has(step)) await rm(join(this.#pathOf(step), MOMENTS), { force: true });
      else await rm(this.#pathOf(step), { recursive: true, force: true });
    }
  }

  /** Steps that have a checkpoint, in order. */
  async #steps(): Promise<{ step: number; whole: boolean }[]> {
    const steps: { step: number; whole: boolean }[] = [];
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const step = /^checkpoint-(\d+)$/.exec(name)?.[1];
      if (step === undefined) continue;
      const files = await readdir(join(this.#folder, name));
      if (!files.includes(STATE) || !files.includes(PARAMETERS)) continue;
      steps.push({ step: Number(step), whole: files.includes(MOMENTS) });
    }
    return steps.sort((a, b) => a.step - b.step);
  }

  #pathOf(step: number): string {
    return join(this.#folder, `checkpoint-${step}`);
  }
}

function tensors(from: TrainerState['parameters']): TensorToWrite[] {
  return Array.from(from, ([name, { shape, data }]) => ({ name, shape, data, dtype: 'F32' }));
}

async function readTensors(path: string): Promise<Map<string, Float32Array>> {
  const file = await SafetensorsFile.open(path);
  try {
    const read = new Map<string, Float32Array>();
    for (const [name, info] of file.tensors) {
      const data = new Float32Array(info.size);
      await file.readInto(name, data);
      read.set(name, data);
    }
    return read;
  } finally {
    await file.close();
  }
}

async function readState(path: string): Promise<StateFile> {
  const file = join(path, STATE);
  try {
    const state = JSON.parse((await readOwnFile(file, MAX_STATE_BYTES)).toString('utf8')) as StateFile;
    if (state.format !== FORMAT) throw new Error(`its format is ${state.format}, not ${FORMAT}`);
    return state;
  } catch (error) {
    throw new LuthierError('run-invalid', `${file} cannot be read: ${String(error)}.`, `Delete ${path} and resume.`, {
      cause: error,
    });
  }
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder)) bytes += (await stat(join(folder, name))).size;
  return bytes;
}

async function sync(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch (error) {
    // Windows opens no folders, and some file systems do not sync them; the rename stands all the same.
    if (errnoOf(error) === undefined) throw error;
  }
}

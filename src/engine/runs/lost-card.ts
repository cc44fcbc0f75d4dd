import { setTimeout as sleep } from 'node:timers/promises';
import { type BackendChoice, LuthierError, toErrorData } from '../../protocol/index.ts';
import { probeBackend } from '../tensor/executors/probe.ts';
import { goesOn, inFloat32 } from './going-on.ts';
import type { Journal } from './journal.ts';
import { type Prepared, prepare } from './prepare.ts';
import type { Stage } from './repeated.ts';

/** A driver that was reset takes some seconds. */
const AGAIN_MS = 5_000;

const isLost = (error: unknown): error is LuthierError => error instanceof LuthierError && error.code === 'device-lost';

/**
 * Trainings whose graphics card may be lost on the way: by a reset of its driver, by the machine's sleep, or since it was
 * unplugged. The weights were on the card, so a training goes on from its last checkpoint, on the card where that can be
 * opened again and otherwise on the processor.
 */
export class LostCard {
  readonly #journal: Journal;
  /** The step that the training has gone on from. */
  #wentOnFrom: number | null = null;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /**
   * Runs a training to its end, however often the card is lost.
   * @param start told of each attempt, before its first step
   * @returns what came of the last attempt, with what that was prepared with
   * @throws what else the training throws; of the preparation, too
   */
  async through<T>(
    prepared: Prepared,
    stage: Stage | undefined,
    start: (prepared: Prepared) => void,
    train: (prepared: Prepared) => Promise<T>,
  ): Promise<{ outcome: T; prepared: Prepared }> {
    for (let current = prepared; ; ) {
      try {
        start(current);
        return { outcome: await train(current), prepared: current };
      } catch (error) {
        if (!isLost(error)) throw error;
        current = await this.#again(await this.#leave(current, error), stage);
      }
    }
  }

  /** Lets go of what was on the card, as far as it can still be told to. */
  async #leave({ trainer, checkpoints }: Prepared, error: LuthierError): Promise<Lost> {
    // The log holds what the library said.
    console.error(error);
    const step = trainer.step;
    try {
      trainer.dispose();
    } catch (problem) {
      console.error(problem);
    }
    return { step, from: (await checkpoints.latest())?.step ?? 0, reason: error.message };
  }

  async #again({ step, from, reason }: Lost, stage: Stage | undefined): Promise<Prepared> {
    const hasWorked = this.#wentOnFrom !== from;
    this.#wentOnFrom = from;
    const goOn = (backend: BackendChoice, on: string) => {
      const wide = backend === 'onnxruntime' ? inFloat32(this.#journal.record.recipe) : '';
      this.#journal.incident({
        kind: 'device-lost',
        step: from,
        message: `${/[.!?]$/.test(reason) ? reason : `${reason}.`} That was in step ${step + 1}. ${goesOn(step, from, on)}${wide}`,
      });
      return prepare(this.#journal, true, stage, backend);
    };
    const whyNot = hasWorked ? await whyCardIsGone() : 'it was lost again before the next checkpoint';
    if (whyNot !== null) return goOn('onnxruntime', `the processor: ${whyNot}`);
    try {
      return await goOn('webgpu', 'the graphics card again');
    } catch (error) {
      const { code, message } = toErrorData(error);
      if (code !== 'backend-unavailable' && code !== 'device-lost') throw error;
      return goOn('onnxruntime', `the processor after all: ${message}`);
    }
  }
}

interface Lost {
  /** Steps that were done. */
  step: number;
  /** That of the last checkpoint; 0 without one. */
  from: number;
  reason: string;
}

/** Tries the card in a process of its own, where a driver may crash; null where it works. */
async function whyCardIsGone(): Promise<string | null> {
  const first = await probeBackend('webgpu', null);
  if (first.usable) return null;
  await sleep(AGAIN_MS);
  const second = await probeBackend('webgpu', null);
  return second.usable ? null : second.error.message;
}

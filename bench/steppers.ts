import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MALLOC_ENVIRONMENT } from '../src/engine/tensor/executors/malloc.ts';
import { findTfjsNode } from '../src/engine/tensor/executors/tensorflow.ts';
import { trainingOperations } from './arithmetic.ts';
import { type Command, Stepper } from './process.ts';
import type { Contender, Measured, StepSpec } from './spec.ts';

export interface StepSetting {
  root: string;
  python: string;
  /** Another checkout, built, for `before`. */
  against?: string | null;
  /** Folder of tfjs-node with its native part, or null. */
  tfjsNode: string | null;
  threads: number;
  /** Of ours; where left out, the processor's. */
  backend?: StepSpec['backend'];
  model: Omit<StepSpec, 'backend' | 'threads'>;
}

/** Steps whose median is one measurement, and those before the first, which compile and touch all memory. */
const STEPS: Readonly<Partial<Record<Contender, number>>> = { 'tfjs-node': 1 };
const USUAL_STEPS = 2;

/** One process for each contender, started when it is first needed. */
export class Steppers {
  readonly #commandOf: (contender: Contender) => Command;
  readonly #running = new Map<Contender, Stepper>();
  readonly #warm = new Set<Contender>();

  /** @param steps of a measurement where the contender has no number of its own */
  constructor(
    commandOf: (contender: Contender) => Command,
    private readonly steps = USUAL_STEPS,
  ) {
    this.#commandOf = commandOf;
  }

  async measure(contender: Contender): Promise<Measured> {
    const stepper = this.of(contender);
    if (!this.#warm.has(contender)) await stepper.run(STEPS[contender] ?? USUAL_STEPS);
    this.#warm.add(contender);
    return stepper.run(STEPS[contender] ?? this.steps);
  }

  rate(contender: Contender, width: number): Promise<number> {
    return this.of(contender).rate(width);
  }

  end(): void {
    for (const stepper of this.#running.values()) stepper.end();
    this.#running.clear();
    this.#warm.clear();
  }

  /** A contender’s process itself. */
  of(contender: Contender): Stepper {
    const running = this.#running.get(contender) ?? new Stepper(this.#commandOf(contender));
    this.#running.set(contender, running);
    return running;
  }
}

/** Step cases: bench/step.ts and its likes. */
export const stepCommands =
  ({ root, python, against, tfjsNode, threads, backend: ours = 'onnxruntime', model }: StepSetting) =>
  (contender: Contender): Command => {
    const backend = contender === 'tfjs-node' ? 'tensorflow' : ours;
    const spec = JSON.stringify({ ...model, backend, threads });
    if (contender === 'pytorch') {
      return {
        ...{ command: python, args: [join(root, 'bench/peers/step.py'), spec] },
        env: { OMP_NUM_THREADS: String(threads) },
      };
    }
    const checkout = contender === 'before' ? against! : root;
    return {
      ...{ command: process.execPath, args: [join(checkout, 'dist/bench/step.mjs'), spec] },
      env: {
        ...(contender !== 'tfjs-node' ? MALLOC_ENVIRONMENT : {}),
        ...(tfjsNode ? { LUTHIER_TFJS_NODE: tfjsNode } : {}),
      },
    };
  };

/** Where tfjs-node is installed with its native part: where Luthier looks, then among the tests' own packages. */
export function tfjsNode(root: string): string | null {
  for (const folder of [undefined, join(root, 'test/node_modules/@tensorflow/tfjs-node')]) {
    try {
      const found = findTfjsNode(folder);
      if (existsSync(join(found, 'lib/napi-v8/tfjs_binding.node'))) return found;
    } catch {
      // It is optional: the next place, or none.
    }
  }
  return null;
}

/** Floating-point operations of the matrix products of a step. */
export function stepOperations({ layers, hidden, batch, length, frozen, lora }: StepSetting['model']): number {
  return trainingOperations(
    { layers, hidden, inner: 4 * hidden },
    Array<number>(batch).fill(length),
    lora ? 'weights' : frozen,
  );
}

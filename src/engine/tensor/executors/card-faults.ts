/**
 * What a test makes of the graphics card, by environment variables: software drivers have all of the machine's memory and
 * are never lost. LUTHIER_TEST_CARD_BYTES is the memory that it has, LUTHIER_TEST_CARD_LOST the runs of programs, counted over
 * the process, at which it is lost (`120`, or several: `120,250`): an executor that is made afterwards works again.
 */
export class CardFaults {
  readonly bytes: number;
  readonly #lostAt: ReadonlySet<number>;
  #isLost = false;

  constructor({ LUTHIER_TEST_CARD_BYTES, LUTHIER_TEST_CARD_LOST }: NodeJS.ProcessEnv = process.env) {
    this.bytes = Number(LUTHIER_TEST_CARD_BYTES) || Number.POSITIVE_INFINITY;
    this.#lostAt = new Set((LUTHIER_TEST_CARD_LOST ?? '').split(',').map(Number));
  }

  /** @throws Error in the provider's words where the card is lost by now */
  beforeRun(): void {
    runs++;
    this.#isLost ||= this.#lostAt.has(runs);
    if (this.#isLost) throw new Error(LOST);
  }
}

let runs = 0;

/** Of what is asked of a device that is lost (Dawn, DeviceBase::ValidateIsAlive), as onnxruntime-node 1.30 passes it on. */
export const LOST = 'WebGPU validation failed. [Device] is lost.';

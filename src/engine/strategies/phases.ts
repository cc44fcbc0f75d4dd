/**
 * Stretches of a run in which the same parameters are trained. A strategy that thaws layers one after another has a
 * phase for each; most have one.
 */
export class Phases {
  /** @param starts number of steps that are done when each phase begins, the first 0 */
  constructor(readonly starts: readonly number[] = [0]) {}

  /** Every phase by its number. */
  get all(): readonly number[] {
    return this.starts.map((_, phase) => phase);
  }

  /** The phase of the step that comes after so many. */
  at(stepsDone: number): number {
    return this.starts.findLastIndex((start) => start <= stepsDone);
  }

  /** How many of the first steps belong to some phases: AdamW counts the steps of each parameter by itself, as torch's. */
  stepsIn(phases: readonly number[], steps: number): number {
    const lengths = phases.map((phase) => Math.min(steps, this.starts[phase + 1] ?? steps) - this.starts[phase]!);
    return lengths.reduce((sum, length) => sum + Math.max(0, length), 0);
  }
}

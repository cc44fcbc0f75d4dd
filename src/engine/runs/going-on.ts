import { counted, type Recipe } from '../../protocol/index.ts';

/** What a run that asks for float16 does on the processor; nothing of one that does not. */
export const inFloat32 = ({ fp16 }: Pick<Recipe, 'fp16'>): string =>
  fp16 ? ' On the processor it computes in float32 instead of float16.' : '';

/**
 * What a run that was torn out of its work does next, in a sentence or two.
 * @param step done before
 * @param from the step of the last checkpoint; 0 without one
 * @param on what it goes on: “the graphics card again”
 */
export function goesOn(step: number, from: number, on?: string): string {
  const where =
    from === 0
      ? 'starts from the beginning, since there is no checkpoint yet'
      : `goes on from its checkpoint of step ${from}`;
  const again =
    step > from ? ` ${counted(step - from, 'step')} ${step - from === 1 ? 'is' : 'are'} computed again.` : '';
  return `The run ${where}${on === undefined ? '' : `, on ${on}`}.${again}`;
}

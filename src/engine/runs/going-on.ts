import { counted } from '../../protocol/index.ts';

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

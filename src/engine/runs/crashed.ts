import { readTail } from '../../files/tail.ts';
import { FILES } from '../../runs/folder.ts';
import { readEvents } from '../../runs/metrics.ts';
import { printedBefore } from '../../runs/run-log.ts';
import { goesOn } from './going-on.ts';
import type { Journal } from './journal.ts';

/**
 * A run that computed on a graphics card and is resumed says how its process ended, where that said nothing itself: a
 * driver that fails may take the process with it, whose last words are then the log's.
 * @param from the step of the checkpoint that it goes on from; 0 without one
 */
export async function tellCrash(journal: Pick<Journal, 'at' | 'record' | 'incident'>, from: number): Promise<void> {
  if (journal.record.environment?.executor !== 'webgpu') return;
  const events = (await readEvents(journal.at(FILES.metrics))).map(({ event }) => event);
  const last = events.findLast(({ event }) => event !== 'note');
  if (last === undefined || last.event === 'error') return;
  if (last.event === 'checkpoint' && last.reason === 'interrupt') return;
  const step = events.findLast((event) => event.event === 'step')?.step ?? 0;
  if (step <= from) return;
  const words = printedBefore(await readTail(journal.at(FILES.log)))
    .trim()
    .split('\n')
    .at(-1);
  journal.incident({
    kind: 'device-lost',
    step: from,
    message: `The training process ended after step ${step} without saying why. It computed on the graphics card, whose driver may have ended it${words ? ` (the last that it printed into ${FILES.log}: ${words})` : ''}. ${goesOn(step, from)}`,
  });
}

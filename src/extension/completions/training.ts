import { mapLimited } from '../../files/folders.ts';
import { processLives } from '../../files/processes.ts';
import { ownRunFolders } from '../../guard/index.ts';
import { readEndpoint } from '../../runs/endpoint.ts';
import { lookAtRecord } from '../../runs/record.ts';
import type { RunStore } from '../runs/store.ts';

/** Runs of other windows and of terminals are looked for at most this often. */
const LOOK_MS = 30_000;
const AT_ONCE = 16;

/** Whether a run trains on this machine: one of this window, or any other that this person has made here. */
export class MachineTraining {
  private readonly runs: Pick<RunStore, 'working'>;
  private readonly look: () => Promise<boolean>;
  private elsewhere = false;
  private lookedAt = Number.NEGATIVE_INFINITY;

  constructor(runs: Pick<RunStore, 'working'>, look: () => Promise<boolean> = trainsElsewhere) {
    this.runs = runs;
    this.look = look;
  }

  /** As far as it is known. */
  get now(): boolean {
    return this.elsewhere || this.runs.working().some(({ state }) => state === 'running');
  }

  /** Looks around first, if that was not done just before. What is found out meanwhile counts for the next question. */
  isTraining(now = performance.now()): boolean {
    if (now - this.lookedAt >= LOOK_MS) {
      this.lookedAt = now;
      void this.look().then(
        (elsewhere) => {
          this.elsewhere = elsewhere;
        },
        // Nothing is known of others then.
        () => undefined,
      );
    }
    return this.now;
  }
}

/** Of the runs that this person has made on this machine, whether one's process is at work. */
async function trainsElsewhere(): Promise<boolean> {
  const works = await mapLimited(await ownRunFolders(), AT_ONCE, async (folder) => {
    const endpoint = await readEndpoint(folder);
    if (!endpoint || !processLives(endpoint.pid)) return false;
    return (await lookAtRecord(folder).catch(() => null))?.record.state === 'running';
  });
  return works.includes(true);
}

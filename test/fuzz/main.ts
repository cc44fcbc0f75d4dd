import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../src/engine/data/random.ts';
import { LuthierError } from '../../src/protocol/index.ts';
import { makeReaders } from './readers.ts';

/**
 * The cases, in a process that run.mjs watches: it is told of each case before it runs, so that one that hangs or takes
 * the process with it is known. A case is found again by seed, reader and number.
 */
interface Job {
  seed: number;
  reader: string;
  from: number;
  count: number;
}

/** Processor time that a case may take beside a second for each megabyte: what the process does now and then anyway. */
const GRACE_MS = 1_500;

const job = JSON.parse(process.argv[2]!) as Job;
const say = (message: object) => process.send!(message);

/** Errors for people are LuthierErrors; any other is one that nobody thought of. */
function complaint(error: unknown): string | null {
  if (error instanceof LuthierError && error.code !== 'internal')
    return /undefined|\[object|NaN of/.test(error.message) ? `odd words: ${error.message}` : null;
  // Of the editor's readers: refusals of guard/ and syntax errors, which their callers word.
  if (
    error instanceof Error &&
    (error.name === 'HostError' || /is a link|is not a file|at most \d+ are read/.test(error.message))
  )
    return null;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'luthier-fuzz-'));
  const reader = makeReaders().find(({ name }) => name === job.reader)!;
  const stream = [...reader.name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % 2 ** 31;
  try {
    for (let number = job.from; number < job.from + job.count; number++) {
      say({ case: number });
      const random = new Random(job.seed, stream * 100_000 + number);
      const before = process.cpuUsage();
      let bytes = 0;
      try {
        bytes = await reader.run(random, folder);
      } catch (error) {
        const what = complaint(error);
        if (what !== null) say({ failed: number, what });
      }
      const { user, system } = process.cpuUsage(before);
      const ms = (user + system) / 1000;
      if (ms > GRACE_MS + (1000 * bytes) / 1e6)
        say({ failed: number, what: `took ${Math.round(ms)} ms of processor time for ${bytes} bytes` });
    }
    await reader.close?.();
    say({ done: true });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

process.on('unhandledRejection', (error) => say({ failed: -1, what: `unhandled: ${String(error)}` }));
main().then(
  () => process.exit(0),
  (error: unknown) => {
    say({ failed: -1, what: String(error) });
    process.exit(1);
  },
);

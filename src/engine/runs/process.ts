import { resolve } from 'node:path';
import { LuthierError, toErrorData } from '../../protocol/index.ts';
import type { ReadyMessage } from '../../runs/launch.ts';
import { yieldToOthers } from './priority.ts';
import { runProcess } from './run-process.ts';

/**
 * The process of one run: `node run.cjs FOLDER [--resume] [--since=MILLISECONDS]`. It belongs to nobody: whoever
 * starts it is its first client, and it goes on when that one leaves. Where it was forked with a channel, it says
 * there once that its socket is open, or why not.
 */
function tell(message: ReadyMessage): void {
  if (process.send === undefined || !process.connected) return;
  process.send(message, () => {
    if (process.connected) process.disconnect();
  });
}

async function main(): Promise<number> {
  const [folder, ...flags] = process.argv.slice(2);
  if (folder === undefined || folder.startsWith('--')) {
    throw new LuthierError('usage', 'run.cjs needs the folder of a run.', 'luthier train RECIPE starts it.');
  }
  // The bench measures beside a peer that does not yield either.
  if (process.env.LUTHIER_PRIORITY !== 'normal') yieldToOthers();
  const since = Number(flags.find((flag) => flag.startsWith('--since='))?.slice('--since='.length));
  return runProcess({
    folder: resolve(folder),
    resume: flags.includes('--resume'),
    since: Number.isFinite(since) && since > 0 ? since : performance.timeOrigin,
    ready: (error) => tell(error === undefined ? { ready: true } : { ready: false, error: toErrorData(error) }),
  });
}

main().then(
  // Threads of the native libraries must not keep a finished run alive.
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
    // The reason is on its way; nothing may keep the process after that.
    setTimeout(() => process.exit(1), 1_000);
  },
);

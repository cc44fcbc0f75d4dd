#!/usr/bin/env node
import { main } from './cli/main.ts';
import { note } from './cli/output.ts';

// Whoever reads us has read enough (`| head`): what is still to be said, nobody wants to hear.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

main(process.argv.slice(2)).then(
  (code) => {
    // stdout may still be a pipe that is being emptied: leave when it is.
    process.exitCode = code;
    if (process.stdout.writableLength === 0) process.exit();
    process.stdout.once('drain', () => process.exit());
  },
  (error: unknown) => {
    note(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(1);
  },
);

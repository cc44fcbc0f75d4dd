import { backendStatus } from '../service/backends.ts';
import { EXIT, green, note, print, printJson, red } from './output.ts';

export async function listBackends({ measure, json }: { measure?: boolean; json?: boolean }): Promise<number> {
  for (const status of await backendStatus(measure ?? false)) {
    if (json) {
      printJson(status);
      continue;
    }
    const speed = status.gflops === null ? '' : `  ${Math.round(status.gflops)} Gflop/s`;
    print(`${status.usable ? green('yes') : red('no ')}  ${status.name.padEnd(12)}${status.detail}${speed}`);
  }
  if (!json) note(`Node ${process.version} (${process.execPath})`);
  return EXIT.done;
}

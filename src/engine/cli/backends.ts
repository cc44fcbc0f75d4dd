import { backendStatus } from '../service/backends.ts';
import { dim, EXIT, green, note, print, printJson, red } from './output.ts';

export async function listBackends({ measure, json }: { measure?: boolean; json?: boolean }): Promise<number> {
  const all = await backendStatus(measure ?? false);
  for (const status of all) {
    if (json) {
      printJson(status);
      continue;
    }
    const rate = status.gflops === null ? '' : `${status.gflops.toPrecision(status.gflops < 100 ? 2 : 3)} Gflop/s`;
    const facts = [status.detail, rate, status.auto ? 'taken by auto' : ''].filter((fact) => fact !== '');
    print(`${status.usable ? green('yes') : red('no ')}  ${status.name.padEnd(12)}${facts.join(dim(' · '))}`);
  }
  if (json) return EXIT.done;
  if (all.every(({ gflops }) => gflops === null))
    note('No speed is known yet: `luthier backends --measure` takes a few seconds.');
  note(`Node ${process.version} (${process.execPath})`);
  return EXIT.done;
}

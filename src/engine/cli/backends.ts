import { describeLimits, describeRemembered, formatGflops } from '../../protocol/index.ts';
import { backendStatus } from '../tensor/executors/status.ts';
import { dim, EXIT, green, note, print, printJson, red } from './output.ts';

export async function listBackends({ measure, json }: { measure?: boolean; json?: boolean }): Promise<number> {
  const all = await backendStatus(measure ?? false);
  for (const status of all) {
    if (json) {
      printJson(status);
      continue;
    }
    const rate = status.gflops === null ? '' : formatGflops(status.gflops);
    const facts = [status.detail, rate, status.auto ? 'used by auto' : ''].filter((fact) => fact !== '');
    print(`${status.usable ? green('yes') : red('no ')}  ${status.name.padEnd(13)}${facts.join(dim(' · '))}`);
    const more = [...(status.limits ? [describeLimits(status.limits)] : []), ...describeRemembered(status)];
    for (const line of more) print(`     ${''.padEnd(13)}${dim(line)}`);
  }
  if (json) return EXIT.done;
  if (all.every(({ gflops }) => gflops === null))
    note('No speeds measured yet. Measure them in a few seconds: luthier backends --measure');
  note(`Node ${process.version} (${process.execPath})`);
  return EXIT.done;
}

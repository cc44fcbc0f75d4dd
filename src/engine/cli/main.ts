import { type Command, CommanderError } from 'commander';
import { EXIT, reportError } from './output.ts';
import { buildProgram } from './program.ts';

/**
 * The command line. Each command's code is loaded when it is chosen, so that `train` begins at once.
 * @param args without the program's name
 * @returns the exit code: 0 done, 1 failed, 2 wrong use, 130 interrupted
 */
export async function main(args: string[]): Promise<number> {
  let code: number = EXIT.done;
  const run = (action: () => Promise<number>) => async () => {
    code = await action();
  };
  // Loaded where it is needed anyway, so that other commands begin at once.
  const strategies = args.includes('train') ? (await import('./strategies.ts')).strategiesHelp() : '';
  let refused: Command | undefined;
  const program = buildProgram(run, strategies, (command) => {
    refused = command;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportError(error);
    // Options that a command cannot do without are missed before its arguments.
    const lacks = /^commander\.missing(Argument|MandatoryOptionValue)$/.test(error.code);
    // What compare-ways cannot do without, besides its data, is the model.
    if (lacks && refused && (refused.args.length === 0 || refused.name() === 'compare-ways'))
      await (await import('./missing-model.ts')).tellModels(refused.name()).catch(reportError);
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
}

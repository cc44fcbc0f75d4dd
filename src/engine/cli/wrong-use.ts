import { type Command, InvalidArgumentError, type Option } from 'commander';
import { nearest } from '../../protocol/nearest.ts';
import { forTerminal } from './output.ts';

/**
 * Of a program whose commands are complete: one that is used wrongly says where it is explained, and what may be meant.
 * @param onRefused hears which command it was
 */
export function answerWrongUse(program: Command, onRefused: (command: Command) => void): void {
  // What they inherit is copied at the time they are made.
  for (const command of everyCommand(program)) {
    command
      .exitOverride((error) => {
        onRefused(command);
        throw error;
      })
      .showHelpAfterError(
        `(${pathOf(command)} --help ${command.commands.length > 0 ? 'lists the commands' : 'explains it'})`,
      )
      .configureOutput({ outputError: (text, write) => write(forTerminal(text)) });
    for (const option of command.options) if (option.argChoices) suggesting(option, option.argChoices);
  }
}

/** Of an option with a few values: another one is refused with the one that may be meant. */
function suggesting(option: Option, values: readonly string[]): void {
  option.argParser((value: string) => {
    if (values.includes(value)) return value;
    const near = nearest(value, values, Math.max(2, value.length / 3));
    throw new InvalidArgumentError(
      `Allowed choices are ${values.join(', ')}.${near === undefined ? '' : `\n(Did you mean ${near}?)`}`,
    );
  });
}

/** `luthier runs resume` */
const pathOf = (command: Command): string =>
  command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

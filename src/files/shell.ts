/** Words that no shell of a system reads as anything else. */
const PLAIN = {
  posix: /^[\p{L}\p{M}\p{N}_@%+:,./-][\p{L}\p{M}\p{N}_@%+:,./=-]*$/u,
  windows: /^[\p{L}\p{M}\p{N}_+:./\\-][\p{L}\p{M}\p{N}_+:./\\=-]*$/u,
};

/**
 * An argument as a person types or pastes it into a shell of this system: of POSIX in single quotes, of Windows in double
 * quotes, as programs there take their command line apart (CommandLineToArgvW); as it is where it needs none.
 * On Windows the shell is not known, and no way to quote is right in all: names with blanks, & and ' are right in cmd.exe
 * and PowerShell, % is not in cmd.exe, $ and ` are not in PowerShell. Nor is a double quote in PowerShell, which ends the
 * string there; cmd.exe passes it on, but reads & | < > ^ behind it as its own.
 * @param platform `process.platform` of whoever types it
 */
export function shellQuoted(word: string, platform: NodeJS.Platform = process.platform): string {
  if (platform === 'win32') {
    if (PLAIN.windows.test(word)) return word;
    // Backslashes are plain but in front of a quote.
    return `"${word.replace(/(\\*)(?:"|$)/g, (found, slashes: string) => `${slashes}${slashes}${found.endsWith('"') ? '\\"' : ''}`)}"`;
  }
  return PLAIN.posix.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Words that no shell of a system reads as anything else. */
const PLAIN = {
  posix: /^[\p{L}\p{M}\p{N}_@%+:,./-][\p{L}\p{M}\p{N}_@%+:,./=-]*$/u,
  windows: /^[\p{L}\p{M}\p{N}_+:./\\-][\p{L}\p{M}\p{N}_+:./\\=-]*$/u,
};

/**
 * An argument as a person types or pastes it into a shell of this system: of POSIX in single quotes, of Windows in double
 * quotes, as programs there take their command line apart (CommandLineToArgvW); as it is where it needs none.
 * cmd.exe and PowerShell have no quotes in common in which % and $ are plain characters, too: these two stay as they are.
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

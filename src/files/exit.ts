/** How a process ended, in words: `exit code 1`, `signal SIGKILL`, with the last line it said when that helps. */
export function exitReason(code: number | null, signal: NodeJS.Signals | null, stderr = ''): string {
  const reason = signal ? `signal ${signal}` : `exit code ${code}`;
  const error = stderr
    .split('\n')
    .reverse()
    .find((line) => /^\w*Error: /.test(line));
  return error ? `${reason}: ${error.trim().slice(0, 200)}` : reason;
}

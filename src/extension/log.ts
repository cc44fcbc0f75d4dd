/** What the extension's modules write details to: vscode.LogOutputChannel fits, and so does a test's array. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string | Error): void;
  debug(message: string): void;
}

export const silentLog: Log = { info() {}, warn() {}, error() {}, debug() {} };

import type { DashboardMessage, RunSnapshot } from '../../src/protocol/webview.ts';

/** A snapshot whose columns are plain arrays: openWebview's send makes typed arrays of them. */
export type RecordedRun = Omit<RunSnapshot, 'steps'> & { steps: Record<string, number[]> };

export function fromFolder(folder: string): RecordedRun;
export function madeRun(options?: object): RecordedRun;
export function madeFolds(options?: object): RecordedRun;
export function cellRows(request: object, labels?: string[]): DashboardMessage;

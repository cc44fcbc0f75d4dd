import { mallocEnvironment } from '../../../protocol/index.ts';

/** The engine's settings of malloc on this system (protocol/launch.ts says why). */
export const MALLOC_ENVIRONMENT: Readonly<Record<string, string>> = mallocEnvironment(process.platform);

/** Whether this process was started with them. */
export const sharesMalloc = (): boolean =>
  Object.keys(MALLOC_ENVIRONMENT).length > 0 &&
  Object.entries(MALLOC_ENVIRONMENT).every(([name, value]) => process.env[name] === value);

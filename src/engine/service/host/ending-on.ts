import type { Handlers, RequestTable } from '../../../files/rpc.ts';
import { type ErrorCode, LuthierError } from '../../../protocol/index.ts';

/** Handlers after whose error of this code nothing more can be answered: the request fails with it, then `end` is called. */
export function endingOn<Ours extends RequestTable<Ours>>(
  code: ErrorCode,
  handlers: Handlers<Ours>,
  end: () => void,
): Handlers<Ours> {
  const wrapped = Object.entries(handlers).map(([method, handler]) => {
    const answer = async (...given: unknown[]) => {
      try {
        return await (handler as (...given: unknown[]) => unknown)(...given);
      } catch (error) {
        if (error instanceof LuthierError && error.code === code) end();
        throw error;
      }
    };
    return [method, answer];
  });
  return Object.fromEntries(wrapped) as Handlers<Ours>;
}

import { connect, type Socket } from 'node:net';
import { addressProblem } from '../guard/index.ts';
import type { RunEndpoint } from '../protocol/index.ts';
import { readEndpoint } from './endpoint.ts';

/**
 * Calls the process of a run at the socket that its folder names: whether it is the run's, only its answer to `hello`
 * proves. Null where there is none that we may call, or nobody takes the call; `tell` hears why.
 */
export async function dialRun(
  folder: string,
  tell: (reason: string) => void = () => undefined,
): Promise<{ socket: Socket; endpoint: RunEndpoint } | null> {
  const endpoint = await readEndpoint(folder);
  if (endpoint === null) return null;
  const { address } = endpoint;
  const problem = await addressProblem(address);
  if (problem !== null) {
    tell(`${address} is not connected to: ${problem}.`);
    return null;
  }
  return await new Promise((resolve) => {
    // By its path alone: of a bare number `connect` makes a port.
    const socket = connect({ path: address });
    // A later error closes the connection, which is all that a client needs to know.
    socket.on('error', ({ message }) => {
      tell(message);
      resolve(null);
    });
    socket.once('connect', () => resolve({ socket, endpoint }));
  });
}

import { lstat } from 'node:fs/promises';
import { basename, dirname, isAbsolute } from 'node:path';

const PIPE = /^\\\\\.\\pipe\\luthier-[\w-]{1,80}$/;

/**
 * Why a run's socket may not be connected to, or null. What endpoint.json names can be anything: a port, another
 * program's socket, another user's. Ours are sockets of this user in a folder that only this user may enter.
 */
export async function addressProblem(address: string): Promise<string | null> {
  if (process.platform === 'win32') return PIPE.test(address) ? null : 'it is not the name of a Luthier pipe';
  const folder = dirname(address);
  if (!isAbsolute(address) || !/^[\w-]+\.sock$/.test(basename(address)) || !basename(folder).startsWith('luthier-')) {
    return 'it is not the path of a Luthier socket';
  }
  try {
    const [around, socket] = [await lstat(folder), await lstat(address)];
    const mine = process.getuid?.();
    if (!around.isDirectory() || around.uid !== mine || (around.mode & 0o077) !== 0) return 'its folder is not private';
    return socket.isSocket() && socket.uid === mine ? null : 'it is not a socket of this user';
  } catch {
    return 'it is not there';
  }
}

import { type Handlers, Peer } from '../../files/rpc.ts';

type Nothing = Record<string, never>;
export type Tell<Said> = <K extends keyof Said & string>(method: K, params: Said[K]) => void;

/**
 * Makes this process the one that answers on its stdin and stdout. It lives as long as the process that started it:
 * however that one ends, the system closes the pipe between them.
 */
export function serveOnStdio<Ours extends { [K in keyof Ours]: { params: unknown; result: unknown } }, Said>(
  make: (tell: Tell<Said>, end: () => void) => Handlers<Ours>,
): void {
  // Whatever a library prints must not get between the messages.
  console.log = console.error;
  console.info = console.error;
  console.debug = console.error;
  const peer = new Peer<Nothing, Said, Nothing>(process.stdin, process.stdout);
  // Native threads must not keep an ended process alive; the last answer is written by then.
  const end = () => void setImmediate(() => process.exit(0));
  peer.answer(make((method, params) => peer.tell(method, params), end));
  peer.onClose(end);
  process.stdin.once('end', end);
  peer.listen();
}

import { HostError } from '../errors.ts';
import { silentLog } from '../log.ts';
import { launchService } from './launch.ts';
import { EngineService } from './service.ts';

/**
 * Whether the engine works on a Node that is not to be trusted (Electron's): starts the real service on it and has it
 * measure its backends, which loads onnxruntime and multiplies large matrices. The child may crash, hang or answer
 * nonsense; this process comes to no harm.
 */
export async function selfTest(
  path: string,
  environment: Record<string, string>,
  script: string,
  limitMs = 60_000,
): Promise<{ ok: boolean; reason: string }> {
  const choice = { path, version: '', origin: 'electron' as const, reason: 'self-test', environment };
  const service = new EngineService({
    launch: () => launchService(choice, script, silentLog),
    initialize: async () => ({ client: 'self-test' }),
    log: silentLog,
    idleMs: () => limitMs,
    limits: { initialize: limitMs, backends: limitMs },
  });
  try {
    const backends = await service.request('backends', { measure: true });
    const usable = Array.isArray(backends) && backends.some((backend) => backend?.usable === true);
    return usable ? { ok: true, reason: 'works' } : { ok: false, reason: 'has no usable backend' };
  } catch (error) {
    const reason = error instanceof HostError ? error.message : String(error);
    return { ok: false, reason: `failed: ${reason.replace(/\.$/, '')}` };
  } finally {
    service.dispose();
  }
}

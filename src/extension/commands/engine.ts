import * as vscode from 'vscode';
import {
  type BackendChoice,
  type BackendStatus,
  describeLimits,
  describeRemembered,
  formatGflops,
} from '../../protocol/index.ts';
import type { Luthier } from '../context.ts';
import { SECRETS, WALKTHROUGHS } from '../ids.ts';
import { choose } from '../questions.ts';
import { saveSetting, setting } from '../settings.ts';
import { askText, tell, withProgress } from '../ui.ts';
import { requireTrust } from './select.ts';

export async function showLog(luthier: Luthier): Promise<void> {
  luthier.log.show();
}

/** Forgets failures and the chosen Node, and starts the engine anew. */
export async function restartEngine(luthier: Luthier): Promise<void> {
  requireTrust();
  await luthier.engine.restart();
  const backends = await withProgress('Starting the engine', (signal) =>
    luthier.engine.service.request('backends', { measure: false }, { signal }),
  );
  const usable = backends.filter((backend) => backend.usable).map((backend) => backend.name);
  void tell('information', `The engine is running (${usable.join(', ') || 'no usable backend'}).`);
}

/** Shows what can compute here, how fast it is and why another cannot, and saves the choice. */
export async function selectBackend(luthier: Luthier): Promise<void> {
  requireTrust();
  const backends = await withProgress('Measuring backends', (signal) =>
    luthier.engine.service.request('backends', { measure: true }, { signal }),
  );
  const current = setting('luthier.backend');
  const chosen = await choose<string>({
    title: 'Select Backend',
    placeholder: `Current: ${current}`,
    items: [
      { label: 'auto', detail: 'Measures once and uses the fastest', value: 'auto' },
      ...backends.map((backend) => ({
        label: backend.usable ? backend.name : `$(circle-slash) ${backend.name}`,
        ...describe(backend),
        ...(backend.usable ? { value: backend.name } : {}),
      })),
    ],
  });
  await saveSetting('luthier.backend', chosen as BackendChoice);
}

function describe(backend: BackendStatus): { description: string; detail: string } {
  const rate = backend.gflops === null ? '' : formatGflops(backend.gflops);
  const limits = backend.limits ? [describeLimits(backend.limits)] : [];
  const detail = [backend.detail, ...limits, ...describeRemembered(backend)].join(' · ');
  return { description: backend.usable ? rate : 'cannot be used here', detail };
}

/** Keeps a Hugging Face token in the system's secret storage; an empty one forgets it. */
export async function setHuggingFaceToken(luthier: Luthier): Promise<void> {
  const { secrets } = luthier.extension;
  const had = (await secrets.get(SECRETS.huggingFaceToken)) !== undefined;
  const token = await askText({
    title: 'Hugging Face Token',
    prompt: had
      ? 'A token is stored. Leave this empty to delete it.'
      : 'For gated models. It is kept in VS Code’s secret storage.',
    placeHolder: 'hf_…',
    password: true,
    ignoreFocusOut: true,
  });
  if (token.trim()) await secrets.store(SECRETS.huggingFaceToken, token.trim());
  else await secrets.delete(SECRETS.huggingFaceToken);
  // The service was told the old one when it started.
  await luthier.engine.service.restart();
}

export async function refresh(luthier: Luthier): Promise<void> {
  await luthier.homes.search();
  await luthier.refreshRuns();
  luthier.datasets.refresh();
}

export const openWalkthrough = (luthier: Luthier): Promise<void> => open(luthier, 'gettingStarted');
export const openCompletionsWalkthrough = (luthier: Luthier): Promise<void> => open(luthier, 'completions');

async function open({ extension }: Luthier, name: keyof typeof WALKTHROUGHS): Promise<void> {
  const id = `${extension.extension.id}#${WALKTHROUGHS[name].id}`;
  await vscode.commands.executeCommand('workbench.action.openWalkthrough', id, false);
}

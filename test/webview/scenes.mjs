// What the screenshots show: each scene opens a view and plays messages and keys into it.
import { cellRows, madeRun } from './recording.mjs';

const WIDE = 1280;
const NARROW = 320;

const snapshot = (...runs) => ({ type: 'snapshot', runs, focus: runs[0].record.id });
const tab = async (view, name) => view.page.click(`#tab-${name}`);

const running = () => madeRun({ name: 'tickets · bert-mini · 3', total: 900, done: 540, state: 'running' });
const liveTail = { event: 'step', time: 1_780_000_180, step: 541, epoch: 1.8, loss: 0.31, learning_rate: 8.5e-6, grad_norm: 1.9, tokens_per_second: 3980, step_ms: 318, rss_bytes: 1.35e9, eta_s: 115 };

const live = async (view) => {
  await view.send(snapshot(running()));
  await view.send({ type: 'events', run: 'run-1', events: [liveTail] });
};
const compared = () => [
  madeRun({ id: 'a', name: 'lr 2e-5, all layers', seed: 1 }),
  madeRun({ id: 'b', name: 'lr 5e-5, all layers', seed: 2, recipe: { learning_rate: 5e-5 } }),
  madeRun({ id: 'c', name: 'lr 1e-5, bottom 2 frozen', seed: 3, total: 700, recipe: { learning_rate: 1e-5, strategy: { type: 'freeze', num_frozen_layers: 2 } } }),
];

const each = (name, scene, themes = ['dark', 'light', 'high-contrast', 'high-contrast-light'], widths = [WIDE, NARROW]) =>
  themes.flatMap((theme) =>
    widths.map((width) => ({ ...scene, name: `${name}-${theme}-${width === WIDE ? 'wide' : 'narrow'}`, theme, width })),
  );

const evaluation = async (view) => {
  await view.send(snapshot(madeRun({ note: 'The first with the cleaned labels.' })));
  await view.settle();
  await tab(view, 'evaluation');
  await view.page.click('td.cell.wrong:not(.shade-0)');
  const request = (await view.posts()).find((post) => post.type === 'cell');
  await view.send(cellRows(request));
};

export const scenes = [
  ...each('dashboard-live', { view: 'dashboard', play: live }),
  ...each('dashboard-evaluation', { view: 'dashboard', play: evaluation }),
  ...each(
    'dashboard-compare',
    { view: 'dashboard', play: (view) => view.send(snapshot(...compared())) },
    ['dark', 'high-contrast-light'],
  ),
  ...each(
    'dashboard-recipe-compare',
    {
      view: 'dashboard',
      play: async (view) => {
        await view.send(snapshot(...compared()));
        await view.settle();
        await tab(view, 'recipe');
      },
    },
    ['light'],
  ),
  ...each(
    'dashboard-recipe',
    {
      view: 'dashboard',
      play: async (view) => {
        await view.send(snapshot(running()));
        await view.settle();
        await tab(view, 'recipe');
      },
    },
    ['dark'],
  ),
  ...each(
    'dashboard-log',
    {
      view: 'dashboard',
      play: async (view) => {
        await view.send(snapshot(madeRun()));
        await view.settle();
        await tab(view, 'log');
      },
    },
    ['dark'],
  ),
  ...each(
    'dashboard-many-classes',
    {
      view: 'dashboard',
      play: async (view) => {
        await view.send(snapshot(madeRun({ classes: 77 })));
        await view.settle();
        await tab(view, 'evaluation');
      },
    },
    ['light'],
  ),
  ...each(
    'dashboard-failed',
    {
      view: 'dashboard',
      play: (view) =>
        view.send(
          snapshot(
            madeRun({
              done: 120,
              state: 'failed',
              error: {
                code: 'loss-not-finite',
                message: 'The loss became NaN at step 121.',
                hint: 'Lower learning_rate (it is 2e-5) or raise warmup_steps, then resume from the checkpoint of step 100.',
              },
            }),
          ),
        ),
    },
    ['dark'],
  ),
  ...each(
    'dashboard-queued',
    {
      view: 'dashboard',
      play: (view) => view.send(snapshot(madeRun({ done: 0, state: 'queued', queue_position: 2 }))),
    },
    ['light'],
  ),
  ...each(
    'dashboard-zoomed',
    {
      view: 'dashboard',
      play: async (view) => {
        await live(view);
        await view.settle();
        const plot = await view.page.locator('.u-over').first().boundingBox();
        await view.page.mouse.move(plot.x + plot.width * 0.3, plot.y + 60);
        await view.page.mouse.down();
        await view.page.mouse.move(plot.x + plot.width * 0.7, plot.y + 60, { steps: 5 });
        await view.page.mouse.up();
        await view.page.mouse.move(plot.x + plot.width * 0.5, plot.y + 60);
      },
    },
    ['dark'],
    [WIDE],
  ),
];

// Runs in the extension host beside Luthier and writes, once a second, how long its event loop was blocked: one JSON
// line with the longest delay of a 5 ms timer in milliseconds (`max`), and how much of a delay the host's thread spent
// computing (`computed`: the longest such stretch) rather than waiting for a processor that others used. Once, how long
// Luthier's own activation took (`activation`). And what perf_hooks.monitorEventLoopDelay has measured since the file
// beside it with the ending `.reset` was written last (`delay`: milliseconds that the loop was late, and how often it
// was looked at).
// Offers a model to VS Code, too, as Copilot does: one that says again what it was sent, word by word.
const { appendFileSync, openSync, readSync, statSync } = require('node:fs');
const { monitorEventLoopDelay } = require('node:perf_hooks');
const { extensions, lm, LanguageModelTextPart } = require('vscode');

const EVERY_MS = 5;

/** Reads how long this thread has computed, in milliseconds; Linux counts it. */
function threadClock() {
  try {
    const file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
    const buffer = Buffer.alloc(64);
    return () => Number.parseInt(buffer.toString('latin1', 0, readSync(file, buffer, 0, 64, 0)), 10) / 1e6;
  } catch {
    return () => Number.NaN;
  }
}

/** What a person wrote in a message. */
const said = ({ content }) => content.map((part) => part.value ?? '').join('');

const echo = {
  provideLanguageModelChatInformation: () => [
    {
      ...{ id: 'echo', name: 'Echo', family: 'echo', version: '1', maxInputTokens: 4096, maxOutputTokens: 4096 },
      capabilities: {},
    },
  ],
  async provideLanguageModelChatResponse(_model, messages, _options, progress, token) {
    for (const word of `You said: ${said(messages.at(-1))}`.split(/(?<= )/)) {
      if (token.isCancellationRequested) return;
      progress.report(new LanguageModelTextPart(word));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  },
  provideTokenCount: async (_model, text) => (typeof text === 'string' ? text : said(text)).split(/\s+/).length,
};

exports.activate = (context) => {
  if (lm?.registerLanguageModelChatProvider)
    context.subscriptions.push(lm.registerLanguageModelChatProvider('luthier-probe', echo));
  const file = process.env.LUTHIER_E2E_EVENT_LOOP;
  if (!file) return;
  const computedNow = threadClock();
  let [before, computedBefore] = [performance.now(), computedNow()];
  let [max, computed, second] = [0, 0, before];
  let told = false;
  // It tells how long a timer of so many milliseconds took.
  const delays = monitorEventLoopDelay({ resolution: EVERY_MS });
  delays.enable();
  let resetAt = 0;
  const late = (share) => Math.max(0, delays.percentile(share) / 1e6 - EVERY_MS);
  const delay = () => {
    const written = statSync(`${file}.reset`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (written > resetAt) {
      resetAt = written;
      delays.reset();
    }
    return { n: delays.count, p50: late(50), p99: late(99), max: late(100) };
  };
  const timer = setInterval(() => {
    const [now, computedUntilNow] = [performance.now(), computedNow()];
    max = Math.max(max, now - before - EVERY_MS);
    computed = Math.max(computed, computedUntilNow - computedBefore);
    [before, computedBefore] = [now, computedUntilNow];
    if (now - second < 1000) return;
    const luthier = extensions.getExtension('luthier.luthier');
    const activation = !told && luthier?.isActive ? { activation: luthier.exports.activationMs } : {};
    told ||= 'activation' in activation;
    appendFileSync(file, `${JSON.stringify({ t: Date.now(), max, computed, delay: delay(), ...activation })}\n`);
    [max, computed, second] = [0, 0, now];
  }, EVERY_MS);
  context.subscriptions.push({
    dispose: () => {
      clearInterval(timer);
      delays.disable();
    },
  });
};

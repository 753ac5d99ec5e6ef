// The observatory itself, as a process of its own on free ports.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PATIENCE_MS = 30_000;

/** The executable that `OBSERVATORY` names, or one that cargo has built. */
export function findObservatory() {
  if (process.env.OBSERVATORY) return process.env.OBSERVATORY;
  const target = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL('../../../../target', import.meta.url));
  return ['debug', 'release'].map((profile) => `${target}/${profile}/observatory`).find(existsSync);
}

export async function startObservatory(executable) {
  const free = '127.0.0.1:0';
  const child = spawn(executable, ['--grpc', free, '--http', free, '--pages', free], { env: { ...process.env, NO_COLOR: '1' }, stdio: ['ignore', 'ignore', 'pipe'] });
  const { '--http': otlp, '--pages': url } = await addresses(child);
  const ask = async (path) => (await fetch(url + path)).json();

  /** Sends spans of one service, and waits until they are kept. */
  async function send(resourceSpans) {
    const before = await ask('/api/observatory/status');
    const spans = resourceSpans.reduce((sum, { scopeSpans }) => sum + scopeSpans[0].spans.length, 0);
    const answer = await fetch(`${otlp}/v1/traces`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ resourceSpans }) });
    const said = await answer.text();
    if (!answer.ok || said !== '{}') throw new Error(`${answer.status}: ${said}`);
    await until(async () => {
      const now = await ask('/api/observatory/status');
      return now.bytes_waiting === 0 && now.spans_received >= before.spans_received + spans;
    });
  }

  const ended = new Promise((done) => child.once('exit', done));
  return { url, state: { violations: [] }, ask, send, stop: () => { child.kill('SIGTERM'); return ended; } };
}

/** Where it listens, which it says when it does. */
async function addresses(child) {
  const found = {};
  const said = [];
  const patience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line);
    const [, option, address] = /listening \((--\w+)\) address=(\S+)/.exec(line) ?? [];
    if (option) found[option] = `http://${address}`;
    if (Object.keys(found).length === 3) break;
  }
  clearTimeout(patience);
  if (Object.keys(found).length < 3) throw new Error(`the observatory did not start:\n${said.join('\n')}`);
  // Whatever it says from now on is read, so that it never waits for a reader.
  child.stderr.resume();
  return found;
}

export async function until(reached) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await reached())) {
    if (Date.now() > end) throw new Error('waited in vain');
    await new Promise((next) => setTimeout(next, 20));
  }
}

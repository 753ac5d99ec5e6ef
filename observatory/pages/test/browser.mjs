// A browser, a server, and what every test watches: errors, violations, requests to anybody else.
import assert from 'node:assert/strict';
import { accessSync, constants, mkdtempSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';
import { startServer } from './mock/server.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The browser of the machine: none is downloaded. */
function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of NAMES) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // Not here.
      }
    }
  }
  throw new Error('no Chromium on the PATH; CHROMIUM may name one');
}

/** A browser in front of a server: the mock, unless another one is given. */
export async function startBrowser(given) {
  const server = given ?? await startServer();
  const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox'] });
  const faults = [];
  const shots = process.env.SCREENSHOTS ?? mkdtempSync(join(tmpdir(), 'observatory-pages-'));
  mkdirSync(shots, { recursive: true });

  /** A page of its own profile, so that no test sees what another stored. */
  async function open(path, { width = 1440, height = 900, colours = 'light' } = {}) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: colours, acceptDownloads: true });
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.on('pageerror', (error) => faults.push(`error: ${error.stack}`));
    page.on('console', (message) => {
      // Answers that say no are what some tests are about.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) faults.push(`console: ${message.text()}`);
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(server.url) && !request.url().startsWith('blob:')) faults.push(`request to ${request.url()}`);
    });
    await page.goto(server.url + path);
    return page;
  }

  async function stop() {
    await browser.close();
    await server.stop();
    assert.deepEqual(faults, [], 'no script failed, and nobody else was asked');
    assert.deepEqual(server.state.violations, [], 'the Content-Security-Policy held');
  }

  return { server, open, stop, shots };
}

/** Nothing may make the page itself scroll sideways. */
export async function assertFits(page, about) {
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(excess <= 0, `${about}: ${excess} px too wide`);
}

export const text = (page, selector) => page.locator(selector).first().innerText();
export const active = (page, read) => page.evaluate(read);

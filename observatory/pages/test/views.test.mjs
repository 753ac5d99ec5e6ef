// Map and services, states without data, widths and colours.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertFits, startBrowser, text } from './browser.mjs';

let it;
before(async () => { it = await startBrowser(); });
after(() => it.stop());

test('the map and its tables say the same', async () => {
  const page = await it.open('/map');
  await page.waitForSelector('.edge[tabindex]');
  const edges = await page.locator('.edge[tabindex]').count();
  assert.equal(await page.locator('.map-body table').first().locator('tbody tr').count(), edges);
  const failing = page.locator('.edge[aria-label^="payments calls card-network"]');
  assert.match(await failing.getAttribute('aria-label'), /over http: 22\.1\/s, 1\.7 % errors, p50 2\.3 ms, p95 181 ms/);
  await failing.focus();
  assert.match(await text(page, '.map-told'), /payments calls card-network/);
  assert.equal(await failing.locator('.failing').count(), 1);
  const [fast, slow] = await Promise.all(['orders calls inventory over grpc', 'orders calls inventory over rest'].map((label) =>
    page.locator(`.edge[aria-label^="${label}"] .line`).getAttribute('stroke-width')));
  assert.ok(Number(fast) > Number(slow), 'wider is more');
  await page.getByRole('button', { name: 'p95' }).first().click();
  assert.match(await text(page, '.map-body tbody tr'), /gateway\s+orders/);
  await page.getByRole('checkbox', { name: 'Stores' }).uncheck();
  assert.ok(await page.locator('.edge[tabindex]').count() < edges);
  await page.locator('a.node[aria-label^="payments"]').click();
  await page.waitForSelector('.chart');
  assert.ok(page.url().endsWith('/services/payments'));
});

test('no two nodes of the map lie upon each other', async () => {
  const page = await it.open('/map');
  await page.waitForSelector('.node');
  const boxes = await page.locator('.node .box').evaluateAll((all) => all.map((each) => each.getBoundingClientRect()).map(({ left, right, top, bottom }) => ({ left, right, top, bottom })));
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
    assert.ok(a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top);
  }));
});

test('the charts of a service are read by pointer and by keys', async () => {
  const page = await it.open('/services/payments');
  await page.waitForSelector('.chart .line');
  const latency = page.locator('.chart[aria-label=Latency]');
  await latency.focus();
  await page.keyboard.press('Home');
  assert.match(await latency.getAttribute('aria-valuetext'), /^\d\d:\d\d:\d\d · p50 .* ms · p95 .* ms · p99 .* ms$/);
  const rate = await page.locator('.chart[aria-label=Rate]').getAttribute('aria-valuetext');
  assert.equal(rate.slice(0, 8), (await latency.getAttribute('aria-valuetext')).slice(0, 8), 'all charts show the same moment');
  for (let i = 0; i < 33; i++) await page.keyboard.press('ArrowRight');
  assert.match(await latency.getAttribute('aria-valuetext'), /p50 – · p95 – · p99 –/, 'a gap is no zero');
  await latency.hover();
  assert.match(await text(page, '.chart-readout'), /\/s$/);
  assert.ok(await page.locator('.gauges .chart').count() >= 3);
});

test('operations are sorted by any column, and lead to their traces', async () => {
  const page = await it.open('/services/payments');
  await page.waitForSelector('tbody tr');
  const column = (n) => page.locator(`tbody tr > :nth-child(${n})`).allInnerTexts();
  for (const [n, name] of [[1, 'Operation'], [3, 'Calls'], [5, 'p50']]) {
    await page.getByRole('button', { name }).click();
    const once = await column(n);
    await page.getByRole('button', { name }).click();
    assert.deepEqual(await column(n), once.reverse(), `by ${name}`);
  }
  assert.equal(await page.locator('th[aria-sort]').count(), 1);
  await page.getByRole('link', { name: 'PUT /holds/{key}' }).click();
  await page.waitForSelector('.result');
  assert.equal(new URL(page.url()).searchParams.get('operation'), 'PUT /holds/{key}');
});

test('while the server is away its last answer stays, and it is asked again', async () => {
  const page = await it.open('/services/payments');
  await page.waitForSelector('.chart .line');
  it.server.state.mode = 'away';
  await page.selectOption('select[name=minutes]', '15');
  await page.waitForSelector('#connection strong');
  assert.match(await text(page, '#connection'), /does not answer\s+\(going down\)\. What you see is from before/);
  assert.ok(await page.locator('.chart .line').first().isVisible(), 'what was there is there');
  it.server.state.mode = 'usual';
  await page.waitForFunction(() => document.getElementById('connection').childElementCount === 0);
});

test('a server that is gone altogether is said to be', async () => {
  const page = await it.open('/map');
  await page.waitForSelector('.node');
  await page.route('**/api/**', (route) => route.abort());
  await page.selectOption('select[name=minutes]', '5');
  await page.waitForSelector('#connection strong');
  assert.ok(await page.locator('.node').first().isVisible());
  await page.unroute('**/api/**');
  await page.getByRole('button', { name: 'Try now' }).click();
  await page.waitForFunction(() => document.getElementById('connection').childElementCount === 0);
});

test('where there is nothing, it says how to get something', async () => {
  it.server.state.mode = 'empty';
  for (const path of ['/', '/map']) {
    const page = await it.open(path);
    await page.waitForSelector('.empty');
    assert.match(await text(page, '.empty'), /No spans yet[\s\S]*tradewind order/);
  }
  it.server.state.mode = 'usual';
  const page = await it.open('/?service=payments&minDuration=1h');
  await page.waitForSelector('.empty');
  assert.match(await text(page, '.empty'), /No trace matches/);
  await page.goto(`${it.server.url}/trace/${'0123456789abcdef'.repeat(2)}`);
  await page.waitForSelector('.empty');
  assert.match(await text(page, '.empty'), /trace not found[\s\S]*Look for an order with this id/);
  await page.goto(`${it.server.url}/services/nobody`);
  await page.waitForSelector('.empty');
  assert.match(await text(page, '.empty'), /Nothing is known of this service/);
});

test('answers that make no sense do not break a view', async () => {
  const page = await it.open('/');
  const nonsense = { map: { nodes: [null, 7, { service: 'a', rate_per_s: 'many' }], edges: [null, { from: 'a', to: 'a' }, { from: 'a', to: 'b', wire: {} }, { from: 'b', to: 'a' }] }, 'services/a': { operations: [null, {}], rate_per_s: 'x', p50_ms: [null, 'y', 3], gauges: [null, { name: 3 }] }, status: [] };
  for (const [path, body] of Object.entries(nonsense)) await page.route(`**/api/observatory/${path}*`, (route) => route.fulfill({ json: body }));
  await page.goto(`${it.server.url}/map`);
  await page.waitForSelector('.node');
  assert.equal(await page.locator('.node').count(), 2);
  await page.goto(`${it.server.url}/services/a`);
  await page.waitForSelector('.chart');
});

test('text can be read: 4.5 to 1 on all that it stands on, in both colours', async () => {
  for (const colours of ['light', 'dark']) {
    const page = await it.open('/', { colours });
    const ratios = await page.evaluate(contrasts);
    for (const [pair, ratio] of Object.entries(ratios)) assert.ok(ratio >= 4.5, `${pair} in ${colours}: ${ratio.toFixed(2)}`);
  }
});

function contrasts() {
  const probe = document.body.appendChild(document.createElement('i'));
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const luminance = (name) => {
    probe.style.color = `var(--${name})`;
    canvas.fillStyle = getComputedStyle(probe).color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => (Math.max(luminance(a), luminance(b)) + 0.05) / (Math.min(luminance(a), luminance(b)) + 0.05);
  const pairs = { text: ['paper', 'ground', 'sunk', 'accent-soft', 'error-soft', 'warn-soft'], muted: ['paper', 'ground', 'sunk', 'accent-soft'], accent: ['paper', 'ground', 'accent-soft', 'error-soft'], error: ['paper', 'error-soft', 'accent-soft'], warn: ['paper', 'ground', 'warn-soft'], 'on-accent': ['accent'] };
  return Object.fromEntries(Object.entries(pairs).flatMap(([front, backs]) => backs.map((back) => [`${front} on ${back}`, ratio(front, back)])));
}

test('every view fits every width; pictures are taken', async () => {
  const { named } = it.server;
  const views = { search: '/?sort=slowest', trace: `/trace/${named.slow}`, confirmed: `/trace/${named.good}`, huge: `/trace/${named.huge}`, hostile: `/trace/${named.hostile}`, broken: `/trace/${named.broken}`, map: '/map', service: '/services/payments' };
  const ready = { search: '.result', map: '.node', service: '.chart .line' };
  for (const width of [390, 768, 1100, 1440, 2560]) {
    for (const colours of [390, 1440].includes(width) ? ['light', 'dark'] : ['light']) {
      const page = await it.open('/', { width, height: width === 390 ? 844 : 900, colours });
      for (const [name, path] of Object.entries(views)) {
        await page.goto(it.server.url + path);
        await page.waitForSelector(ready[name] ?? '.row');
        await assertFits(page, `${name} at ${width} px`);
        const shot = (part) => page.screenshot({ path: join(it.shots, `${name}${part}-${width}-${colours}.png`), fullPage: part === '' });
        if (![390, 1440].includes(width)) continue;
        await shot('');
        if (ready[name]) continue;
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('e');
        await assertFits(page, `${name} with details at ${width} px`);
        await shot('-details');
      }
      await page.context().close();
    }
  }
});

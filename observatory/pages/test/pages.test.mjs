// What people do with the pages, in a real browser.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { assertFits, startBrowser, text } from './browser.mjs';

let it;
before(async () => { it = await startBrowser(); });
after(() => it.stop());

const address = (page) => page.url().slice(it.server.url.length);

test('the slow order is found among a hundred, and its waterfall says who is at fault', async () => {
  const page = await it.open('/');
  await page.waitForSelector('.result');
  assert.equal(await page.locator('.result').count(), 100);
  await page.selectOption('select[name=sort]', 'slowest');
  const slowest = page.locator('.result').first();
  assert.match(await slowest.innerText(), /gateway POST \/api\/orders[\s\S]*4\.\d+ s/);
  await slowest.locator('a').click();
  await page.waitForSelector('#at-fault');
  assert.equal(address(page), `/trace/${it.server.named.slow}`);
  assert.equal(await text(page, '#at-fault'), 'payments is at fault');
  assert.match(await text(page, '.verdict'), /card network: no answer within 4 s[\s\S]*card-network failed after 4\.\d+ s/);
  assert.match(await text(page, '.time-spent'), /payments PUT \/holds\/\{key\}/);
  await page.getByText('Show this span').click();
  assert.match(await text(page, '.row.selected'), /payments[\s\S]*PUT \/holds/);
  await page.goBack();
  await page.waitForSelector('.result');
  assert.equal(address(page), '/?sort=slowest', 'the way back leads to the list, not to the selection before');
});

test('what is searched for is in the address, and comes back from there', async () => {
  const page = await it.open('/');
  await page.selectOption('select[name=service]', 'payments');
  await page.waitForFunction(() => document.querySelector('select[name=operation]').options.length > 3);
  await page.selectOption('select[name=operation]', 'PUT /holds/{key}');
  await page.fill('input[name=tags]', 'server.address=card-network');
  await page.fill('input[name=minDuration]', '1s');
  await page.getByLabel('Only with errors').check();
  await page.getByRole('button', { name: 'Find traces' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.result').length === 1);
  const query = new URL(page.url()).searchParams;
  assert.deepEqual(Object.fromEntries(query), { service: 'payments', operation: 'PUT /holds/{key}', tags: 'server.address=card-network', minDuration: '1s', error: '1' });
  await page.reload();
  await page.waitForSelector('.result');
  assert.equal(await page.inputValue('input[name=minDuration]'), '1s');
  assert.equal(await page.inputValue('select[name=operation]'), 'PUT /holds/{key}');
  await page.goBack();
  await page.waitForFunction(() => document.querySelectorAll('.result').length === 100);
  await page.fill('input[name=tags]', 'no equals sign');
  assert.equal(await page.evaluate(() => document.querySelector('input[name=tags]').checkValidity()), false);
});

test('searching again by itself takes nobody away from where they are', async () => {
  const page = await it.open('/?auto=1');
  await page.waitForSelector('.result');
  assert.ok(await page.getByLabel(/Search again/).isChecked());
  const link = page.locator('.result a').nth(7);
  await link.focus();
  const href = await link.getAttribute('href');
  await page.waitForResponse((response) => response.url().includes('/api/traces?'));
  await page.waitForTimeout(300);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('href')), href);
  await page.getByLabel(/Search again/).uncheck();
  assert.equal(address(page), '/');
});

test('an order id that was pasted finds all traces of the order', async () => {
  const page = await it.open('/map');
  await page.waitForSelector('.node');
  await page.keyboard.press('/');
  await page.keyboard.type(it.server.named.slowOrder);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.result');
  assert.equal(await page.locator('.result').count(), 4, 'the order, its relay, two consumers');
  await page.keyboard.press('/');
  await page.keyboard.type(it.server.named.good);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.row');
  assert.equal(address(page), `/trace/${it.server.named.good}`);
});

test('the plot shows errors by another shape, and is walked by keys', async () => {
  const page = await it.open('/');
  await page.waitForSelector('.scatter .dot');
  assert.equal(await page.locator('.scatter circle.dot').count() + await page.locator('.scatter path.dot.failed').count(), 100);
  assert.ok(await page.locator('.scatter path.dot.failed').count() >= 4);
  await page.focus('.scatter');
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowLeft');
  assert.match(await text(page, '.scatter-box .readout'), /\d\d:\d\d:\d\d · .* spans?/);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.row');
});

test('a waterfall is walked by keys alone', async () => {
  const page = await it.open(`/trace/${it.server.named.slow}`);
  await page.waitForSelector('.row');
  const selected = () => page.locator('.row.selected').getAttribute('aria-label');
  await page.keyboard.press('ArrowDown');
  assert.match(await selected(), /^gateway, POST \/api\/orders/);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  assert.match(await selected(), /^orders, POST \/orders/);
  const rows = await page.locator('.row').count();
  await page.keyboard.press('ArrowLeft');
  assert.equal(await page.locator('.row.selected').getAttribute('aria-expanded'), 'false');
  assert.ok(await page.locator('.row').count() < rows);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  assert.match(await selected(), /^orders, GET \/products/);
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('Home');
  await page.keyboard.press('E');
  assert.match(await selected(), /^payments, PUT \/holds.*error: card network/);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-activedescendant')), await page.locator('.row.selected').getAttribute('id'));
  await page.keyboard.press('z');
  assert.ok(await page.locator('.zoomed').isVisible());
  await page.keyboard.press('0');
  assert.ok(!await page.locator('.zoomed').isVisible());
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'H2');
  assert.match(await text(page, '.detail'), /operation timed out after 4000 ms/);
  assert.ok(page.url().includes('?span='));
  await page.keyboard.press('Escape');
  assert.ok(!await page.locator('.detail').isVisible());
  await page.keyboard.press('f');
  await page.keyboard.type('db.operation.name=INSERT');
  await page.waitForFunction(() => document.querySelector('.filter-count').textContent.startsWith('2 of'));
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'spans');
});

test('the keys are listed, and the colours are remembered', async () => {
  const page = await it.open('/');
  await page.keyboard.press('?');
  assert.ok(await page.locator('dialog').isVisible());
  await page.keyboard.press('Escape');
  assert.ok(!await page.locator('dialog').isVisible());
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.keyboard.press('t');
  const dark = await ground();
  assert.notEqual(dark, light);
  await page.reload();
  assert.equal(await ground(), dark);
});

test('Tab reaches everything, and focus is seen', async () => {
  const page = await it.open(`/trace/${it.server.named.good}`);
  await page.waitForSelector('.row');
  const seen = new Set();
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const { activeElement: element } = document;
      const style = getComputedStyle(element);
      // The rows show the selected one, or all of the waterfall, as focused.
      const ring = style.outlineStyle !== 'none' || element.id === 'spans';
      return { name: element.id || element.className || element.textContent, ring, body: element === document.body };
    });
    if (at.body) break;
    assert.ok(at.ring, `${at.name} shows its focus`);
    seen.add(at.name);
  }
  for (const name of ['skip', 'lookup', 'theme', 'filter', 'splitter', 'spans']) assert.ok(seen.has(name), `${name} is reached`);
});

test('a message leads to the trace that it follows from', async () => {
  const page = await it.open(`/trace/${it.server.named.consumer}`);
  await page.waitForSelector('.row .link-out');
  await page.locator('.linked a').first().click();
  await page.waitForSelector('.row.selected');
  assert.ok(address(page).startsWith(`/trace/${it.server.named.relay}?span=`));
  assert.match(await text(page, '.row.selected'), /send tradewind\.events/);
});

test('what is saved is the trace', async () => {
  const page = await it.open(`/trace/${it.server.named.good}`);
  await page.waitForSelector('.row');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download JSON' }).click()]);
  const saved = JSON.parse(await readFile(await download.path(), 'utf8'));
  assert.equal(saved.data[0].traceID, it.server.named.good);
});

test('five thousand spans scroll as twenty do', async () => {
  const began = Date.now();
  const page = await it.open(`/trace/${it.server.named.huge}`);
  await page.waitForSelector('.row');
  assert.ok(Date.now() - began < 6000, 'it opens soon');
  assert.match(await text(page, '.fact-row'), /5,000 spans/);
  assert.ok(await page.locator('.row').count() < 120, 'only what is in sight is in the document');
  const frames = await page.evaluate(async () => {
    const box = document.querySelector('.waterfall');
    const times = [];
    for (let i = 0; i < 60; i++) {
      const start = performance.now();
      box.scrollTop += 1500;
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      times.push(performance.now() - start);
    }
    return times.sort((a, b) => a - b);
  });
  assert.ok(frames[30] < 100, `half of all steps take less than ${frames[30]} ms, which is two frames`);
  await page.focus('#spans');
  await page.keyboard.press('End');
  assert.match(await text(page, '.row.selected'), /catalog|recommendations/);
  await page.fill('#filter', 'database is locked');
  await page.waitForFunction(() => document.querySelector('.filter-count').textContent === '1 of 5,000');
  assert.equal(await page.locator('.row').count(), 3, 'the one that matches, and the way to it');
});

test('hostile values stay text', async () => {
  for (const width of [1440, 390]) {
    const page = await it.open(`/trace/${it.server.named.hostile}`, { width });
    await page.waitForSelector('.row');
    for (const [key, more] of [['End', 'Stack trace'], ['Home', /^Show all 20,000/]]) {
      await page.focus('#spans');
      await page.keyboard.press(key);
      await assertFits(page, `hostile trace at ${width} px`);
      await page.locator('.detail').getByText(more).click();
      await assertFits(page, `hostile details at ${width} px`);
    }
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    assert.equal(await page.locator('main img, main script, a[href^="javascript"]').count(), 0);
    assert.match(await page.locator('.detail').innerText(), /<img src=x onerror=/);
    await page.goto(`${it.server.url}/?limit=200`);
    await page.waitForSelector('.result');
    await assertFits(page, `hostile results at ${width} px`);
    assert.equal(await page.evaluate(() => window.hacked), undefined);
  }
});

test('a broken trace is shown as far as it makes sense', async () => {
  const page = await it.open(`/trace/${it.server.named.broken}`);
  await page.waitForSelector('.row.missing');
  assert.match(await text(page, '.row.missing'), /A span that never arrived \(never\)/);
  assert.match(await text(page, '.fact-row'), /1 parent never arrived/);
  await page.focus('#spans');
  const rows = await page.locator('.row').count();
  assert.equal(rows, 12, 'every span is there once, and a stand-in');
  for (let i = 0; i < rows; i++) {
    await page.keyboard.press('ArrowDown');
    assert.ok(await page.locator('.detail').isVisible());
  }
});

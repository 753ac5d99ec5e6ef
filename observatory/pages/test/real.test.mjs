// The pages of the observatory itself: a hundred orders are sent to it, of which one is slow.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertFits, startBrowser, text } from './browser.mjs';
import { findObservatory, startObservatory, until } from './real/observatory.mjs';
import { orders } from './real/orders.mjs';

const ORDERS = 100;
const SLOW = 37;
const executable = findObservatory();
const skip = executable ? false : 'there is no executable: cargo build -p observatory';

let it;
let made;
before(async () => {
  if (skip) return;
  it = await startBrowser(await startObservatory(executable));
  const seed = orders(ORDERS, SLOW, Date.now());
  made = seed.made;
  await it.server.send(seed.resourceSpans);
});
after(() => it?.stop());

const slow = () => made[SLOW];

test('the slow order is found by sorting, and its waterfall shows where the time went', { skip }, async () => {
  const page = await it.open('/');
  await page.waitForSelector('.result');
  assert.equal(await page.locator('.result').count(), ORDERS);
  await page.selectOption('select[name=sort]', 'slowest');
  const first = page.locator('.result').first();
  assert.match(await first.innerText(), /gateway POST \/api\/orders[\s\S]*1\.\d+ s/);
  await first.locator('a').click();
  await page.waitForSelector('.row');
  assert.ok(page.url().endsWith(`/trace/${slow().trace}`));
  const rows = (await page.locator('.row').allInnerTexts()).join('\n');
  for (const name of ['orders.place', 'inventory.reserve', 'payments.authorize', 'process notifications.events']) assert.ok(rows.includes(name), name);
  assert.match(await text(page, '.time-spent'), /Most of the critical path: card-network POST \/holds, 1\.\d+ s/);
  assert.match(await text(page, '.verdict'), /No span failed/);
  await page.locator('.time-spent button').click();
  assert.match(await text(page, '.row.selected'), /card-network[\s\S]*POST \/holds/);
});

test('the slow order is found by asking for those that payments held up', { skip }, async () => {
  const page = await it.open('/');
  await page.selectOption('select[name=service]', 'payments');
  await page.waitForFunction(() => document.querySelector('select[name=operation]').options.length > 2);
  await page.selectOption('select[name=operation]', 'payments.authorize');
  await page.fill('input[name=minDuration]', '1s');
  await page.getByRole('button', { name: 'Find traces' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.result').length === 1);
  assert.ok((await page.locator('.result a').getAttribute('href')).endsWith(slow().trace));
  await page.fill('input[name=minDuration]', '1 hour');
  await page.getByRole('button', { name: 'Find traces' }).click();
  assert.equal(await page.locator('.result').count(), 1, 'what is no duration is not sent');
});

test('an order that was declined says who declined it', { skip }, async () => {
  const declined = made.filter((order) => order.declined);
  const page = await it.open('/?error=1');
  await page.waitForSelector('.result');
  assert.equal(await page.locator('.result').count(), declined.length);
  assert.match(await text(page, '.result-fault'), /payments card_declined: the bank declined the card/);
  await page.keyboard.press('/');
  await page.keyboard.type(declined[0].id);
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelectorAll('.result').length === 1);
  await page.locator('.result a').click();
  await page.waitForSelector('#at-fault');
  assert.match(await text(page, '#at-fault'), /^payments failed/);
});

test('the map shows who called whom, and over what', { skip }, async () => {
  const page = await it.open('/map');
  await page.waitForSelector('.edge[tabindex]');
  const edges = await page.locator('.edge[tabindex]').evaluateAll((all) => all.map((edge) => edge.getAttribute('aria-label').split(':')[0]));
  for (const edge of ['gateway calls orders over rest', 'orders calls payments over grpc', 'orders calls shipping over amqp', 'payments calls card-network over rest', 'payments calls payments sqlite over sql']) {
    assert.ok(edges.includes(edge), `${edge} is not among ${edges.join(', ')}`);
  }
  assert.ok(edges.some((edge) => /^rabbitmq .*notifications/.test(edge)), edges.join(', '));
});

test('a service tells of its operations, and one that is not known says so', { skip }, async () => {
  await until(async () => (await it.server.ask('/api/observatory/services/payments?minutes=15')).p95_ms.some(Number.isFinite));
  const page = await it.open('/services/payments');
  await page.waitForSelector('tbody tr');
  assert.match((await page.locator('tbody tr').allInnerTexts()).join('\n'), /payments\.authorize[\s\S]*100/);
  await page.goto(`${it.server.url}/services/nobody`);
  await page.waitForSelector('.empty');
  assert.match(await text(page, '.empty'), /Nothing is known of this service[\s\S]*there is no service "nobody"/);
});

test('the foot of the page counts what is kept', { skip }, async () => {
  const page = await it.open('/');
  await page.waitForSelector('footer span');
  assert.match(await text(page, 'footer'), /spans of 100 traces kept/);
});

test('every view fits a telephone and a desk; pictures are taken', { skip }, async () => {
  const views = { search: '/?sort=slowest', slow: `/trace/${slow().trace}`, declined: `/trace/${made.find((order) => order.declined).trace}`, map: '/map', service: '/services/payments?minutes=15' };
  const ready = { search: '.result', map: '.node', service: '.chart .line' };
  for (const width of [390, 1440]) {
    const page = await it.open('/', { width, height: width === 390 ? 844 : 900 });
    for (const [name, path] of Object.entries(views)) {
      await page.goto(it.server.url + path);
      await page.waitForSelector(ready[name] ?? '.row');
      await assertFits(page, `${name} at ${width} px`);
      await page.screenshot({ path: join(it.shots, `real-${name}-${width}.png`), fullPage: true });
    }
    await page.context().close();
  }
});

// Where a value comes from: opened beside it by mouse, by keys and on a phone, with its rows and the way to their list.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { api, faultsOf, focused, launch, picture, rawKeys, serve, visit } from './fixture.mjs';

let server, browser;
before(async () => { server = await serve(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const menu = '#explain-menu:popover-open';

/** The page of the customer with the most orders. */
async function open(page) {
  const found = await api(page, '/records/customer?sort=-order_count&limit=1&fields=id,order_count');
  await page.goto(`${server.base}/c/customer/${found.data[0].id}`);
  await page.waitForSelector('[data-explain$="/order_total"]');
  return found.data[0];
}

for (const look of [{}, { phone: true, locale: 'zh-CN' }, { dark: true, locale: 'zh-TW' }]) {
  const name = `explain${look.phone ? '-phone' : ''}${look.dark ? '-dark' : ''}`;
  test(`a sum shows its rows: ${name}`, async () => {
    const { page, end } = await visit(browser, server.base, look);
    await open(page);
    await page.click('[data-explain$="/order_total"]');
    await page.waitForSelector(`${menu} .mi`);
    await picture(page, name);
    assert.deepEqual(await rawKeys(page), []);
    assert.deepEqual(await faultsOf(page), []);
    const inside = await page.evaluate(() => { const box = document.querySelector('#explain-menu').getBoundingClientRect(); return box.left >= 0 && box.right <= innerWidth && box.bottom <= innerHeight; });
    assert.ok(inside, 'it stands inside the window');
    await end();
  });
}

test('a formula shows what it reads, an input explains itself in its place, and keys do all of it', async () => {
  const { page, end } = await visit(browser, server.base);
  await open(page);
  await page.focus('[data-explain$="/receivable"]');
  await page.keyboard.press('Enter');
  await page.waitForSelector(`${menu} .formula`);
  assert.equal((await page.textContent(`${menu} .formula`)).trim(), 'order_total - received_total');
  await picture(page, 'explain-formula');
  await page.click(`${menu} [data-explain$="/order_total"]`);
  await page.waitForSelector(`${menu} .menu-foot a`);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('#explain-menu:popover-open'));
  assert.match(await focused(page), /^a#/, 'the focus is back beside the value');
  await page.click('[data-explain$="/order_total"]');
  await page.waitForSelector(`${menu} .menu-foot a`);
  await page.click(`${menu} .menu-foot a`);
  await page.waitForURL(/\/c\/order\?filter=/);
  await end();
});

test('a calculated cell of a row explains itself, by mouse and by keys, and typing is not disturbed', async () => {
  const { page, end } = await visit(browser, server.base);
  const [customer, product] = await Promise.all(['customer', 'product'].map(async (card) => (await api(page, `/records/${card}?limit=1&fields=id`)).data[0].id));
  const made = await api(page, '/records/order', { customer, lines: [{ product, quantity: '2', price: '3.50' }, { product, quantity: '4', price: '1' }] });
  await page.goto(`${server.base}/c/order/${made.id}`);
  const row = page.locator('x-lines tr.line').first();
  await row.waitFor();
  const why = row.locator('td[data-key=amount] .cell-why');
  const first = row.locator('.cell-why').first();
  await row.hover();
  await page.waitForFunction(() => getComputedStyle(document.querySelector('x-lines tr.line .cell-why')).opacity === '1');
  await picture(page, 'explain-cell-hover');
  await why.click();
  await page.waitForSelector(`${menu} .formula`);
  await picture(page, 'explain-cell');
  assert.deepEqual(await rawKeys(page), []);
  assert.deepEqual(await faultsOf(page), []);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('#explain-menu:popover-open'));
  assert.equal(await page.locator('x-lines tr.editing').count(), 0, 'the row is not opened by that');
  // From the row to its values and back.
  await row.focus();
  await page.keyboard.press('ArrowRight');
  assert.ok(await first.evaluate((one) => one === document.activeElement));
  await page.keyboard.press('Enter');
  await page.waitForSelector(`${menu} .menu-head`);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('#explain-menu:popover-open'));
  await page.keyboard.press('ArrowLeft');
  assert.ok(await row.evaluate((one) => one === document.activeElement), await focused(page));
  // While a row is edited they are out of the way.
  await page.keyboard.press('Enter');
  await page.waitForSelector('x-lines tr.editing');
  assert.equal(await page.locator('x-lines tr.editing .cell-why:visible').count(), 0);
  await end();
});

test('a calculated cell of a list explains itself, by mouse and by keys, and nothing moves', async () => {
  const { page, end } = await visit(browser, server.base);
  await page.goto(`${server.base}/c/customer?cols=name,region,order_total&sort=-order_total`);
  const cell = page.locator('tr.rec td[data-path=order_total]').first();
  await cell.waitFor();
  const shape = () => page.evaluate(() => [...document.querySelectorAll('tr.rec')].slice(0, 3).flatMap(row => [...row.cells].map(one => { const box = one.getBoundingClientRect(); return [box.left, box.top, box.width, box.height].join(); })));
  const before = await shape();
  await page.hover('tr.rec td[data-path=region]');
  assert.equal(await page.locator('.cell-why').count(), 0, 'what is entered has nothing to tell');
  await cell.hover();
  await page.waitForFunction(() => getComputedStyle(document.querySelector('td[data-path=order_total] .cell-why')).opacity === '1');
  assert.deepEqual(await shape(), before);
  await picture(page, 'explain-list-hover');
  await cell.locator('.cell-why').click();
  await page.waitForSelector(`${menu} .mi`);
  assert.deepEqual(await faultsOf(page), []);
  assert.deepEqual(await rawKeys(page), []);
  await picture(page, 'explain-list');
  assert.match(page.url(), /\/c\/customer\?/, 'the record is not opened by that');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('#explain-menu:popover-open'));
  // By keys: from cell to cell, and F2.
  await page.mouse.move(5, 5);
  await page.focus('tr.rec >> nth=1');
  for (let step = 0; step < 3; step++) await page.keyboard.press('ArrowRight');
  assert.equal(await page.evaluate(() => document.activeElement?.dataset.path), 'order_total');
  await page.keyboard.press('F2');
  await page.waitForSelector(`${menu} .menu-head`);
  const id = await page.locator('tr.rec').nth(1).getAttribute('data-id');
  assert.match(await page.locator('.cell-why').getAttribute('href'), new RegExp(`/c/customer/${id}/explain/order_total$`));
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('#explain-menu:popover-open'));
  assert.ok(await page.evaluate(() => !!document.activeElement?.closest('td[data-path=order_total]')), await focused(page));
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.evaluate(() => document.activeElement?.dataset.path), 'order_total', 'arrows go on from there');
  await end();
});

test('a calculated cell of a panel explains itself', async () => {
  const { page, end } = await visit(browser, server.base);
  const { id } = await open(page);
  await page.click('#tab-orders');
  const why = page.locator('.related .cell-why').first();
  await why.waitFor({ state: 'attached' });
  await why.focus();
  await picture(page, 'explain-panel-focus');
  await page.keyboard.press('Enter');
  await page.waitForSelector(`${menu} .menu-head`);
  assert.deepEqual(await faultsOf(page), []);
  await picture(page, 'explain-panel');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('#explain-menu:popover-open'));
  assert.ok(page.url().includes(id));
  await end();
});

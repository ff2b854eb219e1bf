// A record being worked on: rows by keyboard, drafts, undo, files, panels, the next one, habits.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { api, focused, launch, serve, visit } from './fixture.mjs';

let server, browser;
before(async () => { server = await serve(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const first = async (page, card, query = '') => (await api(page, `/records/${card}?limit=1${query}`)).data[0];

test('rows are added, filled and removed without a mouse, and totals follow', async () => {
  const { page, end } = await visit(browser, server.base);
  const product = (await api(page, '/records/product?limit=1&fields=name,price&filter=' + encodeURIComponent(JSON.stringify({ field: 'price', op: 'gt', value: 0 })))).data[0];
  const customer = await first(page, 'customer', '&fields=name');
  const order = await api(page, '/records/order', { customer: customer.id });
  await page.goto(`${server.base}/c/order/${order.id}`);
  await page.waitForSelector('x-lines [data-add]');
  await page.focus('x-lines [data-add]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('x-lines tr.editing');
  assert.notEqual(await focused(page), 'body');
  await page.keyboard.type(product.name.slice(0, 12));
  const option = page.locator('[role=listbox]:popover-open [role=option]').first();
  await option.waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  assert.notEqual(await focused(page), 'body');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('x-lines tr.editing'));
  assert.match(await focused(page), /^tr/);
  await page.keyboard.press('Control+s');
  await page.waitForFunction(() => document.querySelector('#version')?.value === '2');
  const saved = await api(page, `/records/order/${order.id}`);
  assert.equal(saved.lines.length, 1);
  assert.notEqual(await focused(page), 'body');
  // And away again: the row has the focus as a whole.
  await page.focus('x-lines tr.line');
  await page.keyboard.press('Delete');
  await page.waitForFunction(() => !document.querySelector('x-lines tbody tr.line'));
  assert.notEqual(await focused(page), 'body');
  await page.keyboard.press('Control+s');
  await page.waitForFunction(() => document.querySelector('#version')?.value === '3');
  assert.equal((await api(page, `/records/order/${order.id}`)).lines.length, 0);
  await end();
});

test('what was typed and not saved is offered again, and put away for good when nobody wants it', async () => {
  const { page, end } = await visit(browser, server.base);
  const { id } = await first(page, 'customer', '&fields=name&sort=-name');
  await page.goto(`${server.base}/c/customer/${id}`);
  await page.waitForSelector('#f-next_step');
  await page.fill('#f-next_step', 'Typed, not saved');
  await page.waitForFunction(() => Object.keys(localStorage).some(key => key.startsWith('cardstock.draft:')));
  await page.goto(`${server.base}/c/customer`);
  await page.goto(`${server.base}/c/customer/${id}`);
  await page.waitForSelector('#draft:not([hidden])');
  await page.click('[data-do=draft-take]');
  assert.equal(await page.inputValue('#f-next_step'), 'Typed, not saved');
  assert.notEqual(await focused(page), 'body');
  await page.goto(`${server.base}/c/customer`);
  await page.goto(`${server.base}/c/customer/${id}`);
  await page.waitForSelector('#draft:not([hidden])');
  await page.click('[data-do=draft-drop]');
  assert.notEqual(await focused(page), 'body');
  assert.equal(await page.evaluate(() => Object.keys(localStorage).filter(key => key.startsWith('cardstock.draft:')).length), 0);
  await end();
});

test('a deleted record is one click from being back', async () => {
  const { page, end } = await visit(browser, server.base, { user: 'admin' });
  const made = await api(page, '/records/unit', { code: 'zz9', name: 'To delete' });
  await page.goto(`${server.base}/c/unit/${made.id}`);
  await page.click('[popovertarget=record-menu]');
  await page.click('[data-do=delete-record]');
  await page.waitForURL(/\/c\/unit($|\?)/);
  const undo = page.locator('#toasts button, .toast button').first();
  await undo.waitFor();
  await undo.click();
  await page.waitForFunction(async id => (await fetch(`/api/v1/records/unit/${id}`)).status === 200, made.id);
  await end();
});

test('files and pictures are put on a record, shown, and taken off', async () => {
  const { page, end } = await visit(browser, server.base);
  const { id } = await first(page, 'customer', '&fields=name&sort=name');
  await page.goto(`${server.base}/c/customer/${id}?tab=files`);
  await page.setInputFiles('x-upload[data-name="f.files"] input[type=file]', { name: 'Offer “1”.txt', mimeType: 'text/plain', buffer: Buffer.from('An offer.') });
  await page.waitForFunction(() => document.querySelector('x-upload[data-name="f.files"]')?.textContent.includes('Offer'));
  await page.click('#save');
  await page.waitForFunction(async id => (await (await fetch(`/api/v1/records/customer/${id}`)).json()).files.some(file => file.name.startsWith('Offer')), id);
  await page.waitForFunction(() => document.activeElement !== document.body);
  await end();
});

test('related records, trees and history open with their tabs, by keyboard too', async () => {
  const { page, end } = await visit(browser, server.base);
  await page.goto(`${server.base}/c/customer?sort=-order_total`);
  await page.goto(server.base + await page.getAttribute('tbody tr a', 'href'));
  for (const tab of ['contacts', 'departments', 'orders']) {
    await page.click(`#tab-${tab}`);
    await page.waitForFunction(tab => { const pane = document.querySelector(`#pane-${tab}`); return pane && !pane.hidden && !pane.querySelector('[aria-busy=true], .skeleton') && pane.textContent.trim().length > 0; }, tab);
  }
  await page.focus('#tab-orders');
  await page.keyboard.press('Home');
  assert.equal(await focused(page), 'a#tab-main');
  await page.keyboard.press('ArrowRight');
  assert.match(await focused(page), /^a#tab-/);
  await end();
});

test('the next record of a list is one click away, and the list is where it was', async () => {
  const { page, end } = await visit(browser, server.base);
  await page.goto(`${server.base}/c/customer?sort=name`);
  const links = await page.locator('tbody tr a').evaluateAll(all => [...new Set(all.map(link => link.getAttribute('href')).filter(href => /^\/c\/customer\/[0-9a-f-]{36}/.test(href)))]);
  await page.goto(server.base + links[1]);
  const title = await page.textContent('h1');
  await page.click('a[rel=next]');
  await page.waitForFunction(title => document.querySelector('h1')?.textContent !== title, title);
  await page.click('a[rel=prev]');
  await page.waitForFunction(title => document.querySelector('h1')?.textContent === title, title);
  await end();
});

test('habits are kept: language, theme, and how dates and numbers are written', async () => {
  const { page, end } = await visit(browser, server.base, { user: 'sales' });
  for (const [lang, word] of [['zh-Hant', '客戶'], ['zh-Hans', '客户'], ['en', 'Customers']]) {
    await page.evaluate(async lang => fetch(`/lang/${lang}`, { method: 'POST', body: new URLSearchParams({ _csrf: document.querySelector('meta[name=csrf]').content, next: '/' }) }), lang);
    await page.goto(`${server.base}/c/customer`);
    assert.equal(await page.getAttribute('html', 'lang'), lang);
    assert.ok((await page.textContent('h1')).includes(word));
  }
  await page.evaluate(async () => fetch('/theme/dark', { method: 'POST', body: new URLSearchParams({ _csrf: document.querySelector('meta[name=csrf]').content, next: '/' }) }));
  await page.goto(`${server.base}/me`);
  assert.equal(await page.getAttribute('html', 'data-theme'), 'dark');
  await end();
});

// Many records at once: chosen, changed, assigned, taken back; claimed from the pool and released.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { faultsOf, launch, picture, serve, visit } from './fixture.mjs';

let server, browser;
before(async () => { server = await serve(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const choose = async (page, input, words) => {
  await page.fill(input, words);
  const list = `#${await page.getAttribute(input, 'aria-controls')} [role=option]`;
  await page.waitForSelector(list);
  await page.click(`${list} >> nth=0`);
};
const pick = async (page, count) => {
  await page.waitForSelector('tbody tr.rec .check');
  for (let index = 0; index < count; index++) await page.locator('tbody tr.rec .check').nth(index).click();
  await page.waitForSelector('#bulk:not([hidden])');
};
const isFocused = async page => assert.notEqual(await page.evaluate(() => document.activeElement?.tagName), 'BODY', 'the focus is somewhere');
const values = (page, ids, field) => page.evaluate(async ([ids, field]) => Promise.all(ids.map(async id => (await (await fetch(`/api/v1/records/customer/${id}`)).json())[field])), [ids, field]);

test('fields of chosen records are edited, and taken back', async () => {
  const { page, end } = await visit(browser, server.base);
  await page.goto(`${server.base}/c/customer?sort=name`);
  await pick(page, 3);
  const ids = await page.locator('tbody tr.rec').evaluateAll(rows => rows.slice(0, 3).map(row => row.dataset.id));
  const before = await values(page, ids, 'region');
  await page.click('[data-action=edit]');
  await page.waitForSelector('#bulk-dialog[open] #bulk-choose');
  await page.selectOption('#bulk-choose', 'region');
  await page.waitForSelector('#f-region');
  await page.selectOption('#f-region', 'overseas');
  await page.selectOption('#bulk-choose', 'tags');
  await page.waitForSelector('[data-bulk-field=tags]');
  await page.selectOption('[name="op.tags"]', 'add');
  await page.locator('[data-bulk-field=tags] label', { hasText: 'VIP' }).first().click();
  await picture(page, 'bulk-edit');
  assert.deepEqual(await faultsOf(page), []);
  await page.click('#bulk-apply');
  await page.waitForSelector('.toast button');
  assert.match(await page.textContent('.toast'), /3 changed/);
  await isFocused(page);
  assert.deepEqual(await values(page, ids, 'region'), ['overseas', 'overseas', 'overseas']);
  assert.ok((await values(page, ids, 'tags')).every(tags => tags.includes('vip')));
  await picture(page, 'bulk-edited');
  await page.click('.toast button');
  await page.waitForFunction(() => [...document.querySelectorAll('.toast')].some(toast => /Undone/.test(toast.textContent)));
  assert.deepEqual(await values(page, ids, 'region'), before);
  await page.goto(`${server.base}/me/batches`);
  assert.match(await page.textContent('#main'), /Fields edited: Region, Tags · Customers/);
  assert.deepEqual(await faultsOf(page), []);
  await picture(page, 'batches');
  await page.click('.rows a >> nth=1');
  await page.waitForSelector('#batch-rows');
  assert.deepEqual(await faultsOf(page), []);
  await picture(page, 'batch');
  await end();
});

test('all that match are changed by a job, told when it has ended, and taken back; they become a file', async () => {
  // More than are changed at once.
  const server = await serve(3000);
  const { page, end } = await visit(browser, server.base);
  const count = region => page.evaluate(async region => {
    const filter = encodeURIComponent(JSON.stringify({ field: 'region', op: 'is', value: region }));
    return (await (await fetch(`/api/v1/records/customer?limit=1&fields=id&count=exact&filter=${filter}`)).json()).count.value;
  }, region);
  await page.goto(`${server.base}/c/customer?sort=name`);
  await page.waitForSelector('tr.rec');
  await page.waitForFunction(() => Number(document.querySelector('#count')?.dataset.rows) > 100);
  const all = await page.evaluate(() => Number(document.querySelector('#count').dataset.rows));
  const before = await count('overseas');
  await page.click('#check-all');
  await page.click('#select-all-matches');
  await page.waitForFunction(all => document.querySelector('#bulk-count').textContent.replace(/\D/g, '') === String(all), all);
  await page.click('#bulk-export');
  const [file] = await Promise.all([page.waitForEvent('download'), page.click('#bulk-export-menu [value=csv]')]);
  assert.match(file.suggestedFilename(), /\.csv$/);
  const { readFileSync } = await import('node:fs');
  assert.equal(readFileSync(await file.path(), 'utf8').trim().split('\n').length, all + 1);
  await page.click('[data-action=edit]');
  await page.waitForSelector('#bulk-dialog[open] #bulk-choose');
  await page.selectOption('#bulk-choose', 'region');
  await page.selectOption('#f-region', 'overseas');
  await page.click('#bulk-apply');
  await page.waitForSelector('#bulk-progress');
  await picture(page, 'bulk-all');
  await page.waitForFunction(() => /changed/.test(document.querySelector('#toasts-polite .toast:last-child')?.textContent ?? '') && !document.querySelector('#bulk-progress'), null, { timeout: 120_000 });
  assert.equal(await count('overseas'), all);
  await isFocused(page);
  await page.locator('#toasts-polite .toast', { hasText: 'changed' }).locator('button').first().click();
  await page.waitForFunction(() => !document.querySelector('#bulk-progress') && [...document.querySelectorAll('.toast')].some(toast => /Undo.*changed|Undone/.test(toast.textContent)), null, { timeout: 120_000 });
  assert.equal(await count('overseas'), before);
  // The bell has heard of both.
  await page.waitForFunction(() => Number(document.querySelector('[data-bell]').dataset.count) >= 2);
  await page.click('button[data-bell]');
  await page.waitForSelector('#notices-menu .notice-row');
  assert.match(await page.textContent('#notices-menu'), /Change of many records/);
  assert.deepEqual(await faultsOf(page), []);
  await picture(page, 'notices-menu');
  await page.click('[data-do=notices-seen]');
  await page.waitForFunction(() => document.querySelector('[data-bell]').dataset.count === '0');
  await end();
  await server.stop();
});

test('records are given to somebody else by keyboard', async () => {
  const { page, end } = await visit(browser, server.base);
  await page.goto(`${server.base}/c/customer?sort=-name`);
  await pick(page, 2);
  const ids = await page.locator('tbody tr.rec').evaluateAll(rows => rows.slice(0, 2).map(row => row.dataset.id));
  await page.focus('[data-action=assign]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#bulk-dialog[open] x-lookup');
  await choose(page, 'x-lookup[data-name="f.owner"] input[role=combobox]', 'zhou');
  await picture(page, 'bulk-assign');
  await page.focus('#bulk-apply');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.toast button');
  const owners = await values(page, ids, 'owner');
  assert.ok(owners.every(owner => owner.title.toLowerCase().includes('zhou')), JSON.stringify(owners));
  await page.click('.toast button');
  await page.waitForFunction(() => [...document.querySelectorAll('.toast')].some(toast => /Undone/.test(toast.textContent)));
  await end();
});

test('a dialog that is left changes nothing, and a missing choice is said', async () => {
  const { page, end } = await visit(browser, server.base, { quiet: ['400'] });
  await page.goto(`${server.base}/c/customer`);
  await pick(page, 1);
  await page.click('[data-action=edit]');
  await page.waitForSelector('#bulk-dialog[open]');
  await page.click('#bulk-apply');
  await page.waitForSelector('.toast.bad');
  assert.match(await page.textContent('.toast.bad'), /Choose a field first/);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('#bulk-dialog')?.open);
  await isFocused(page);
  assert.equal(await page.isVisible('#bulk'), true, 'the choice of rows stays');
  await end();
});

test('a customer is released into the pool and claimed from it', async () => {
  const { page, end } = await visit(browser, server.base, { user: 'sales' });
  const id = await page.evaluate(async () => {
    const answer = await fetch('/api/v1/records/customer', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: 'Given back', stage: 'lead' }) });
    return (await answer.json()).id;
  });
  await page.goto(`${server.base}/c/customer/${id}`);
  await page.click('.acts button[hx-post$="/release"]');
  await page.waitForSelector('.acts button[hx-post$="/claim"]');
  await page.goto(`${server.base}/c/customer?view=pool`);
  await page.waitForSelector(`tr.rec[data-id="${id}"]`);
  await picture(page, 'pool');
  assert.deepEqual(await faultsOf(page), []);
  await end();
  // Who gave it back lets somebody else try.
  const other = await visit(browser, server.base, { user: 'manager' });
  await other.page.goto(`${server.base}/c/customer/${id}`);
  await other.page.click('.acts button[hx-post$="/claim"]');
  await other.page.waitForFunction(async id => (await (await fetch(`/api/v1/records/customer/${id}`)).json()).owner !== null, id);
  await other.end();
});

test('on a phone the dialog fits and works', async () => {
  const { page, end } = await visit(browser, server.base, { phone: true });
  await page.goto(`${server.base}/c/customer`);
  await page.waitForSelector('tr.rec');
  const id = await page.locator('tr.rec').first().getAttribute('data-id');
  await page.goto(`${server.base}/c/customer/bulk?action=edit&ids=${id}`);
  await page.selectOption('#bulk-choose', 'region');
  await page.waitForSelector('#f-region');
  await page.selectOption('#f-region', 'west');
  await picture(page, 'bulk-phone');
  assert.deepEqual(await faultsOf(page), []);
  await page.click('#bulk-apply');
  await page.waitForURL(/\/me\/batches\//);
  assert.match(await page.textContent('#main'), /1 changed/);
  await picture(page, 'batch-phone');
  await end();
});

test('a look-alike is shown before it is saved, saved all the same, found and merged, and the merge undone', async () => {
  const { page, end } = await visit(browser, server.base, { quiet: ['422', 'beforeunload'] });
  const name = 'Doppelgänger Toys Ltd';
  const make = async (name, phone) => {
    await page.goto(`${server.base}/c/customer/new`);
    await page.waitForSelector('#f-name');
    await page.fill('#f-name', name);
    await page.fill('#f-phone', phone);
    await page.click('#save');
  };
  await make(name, '020 1111');
  await page.waitForURL(/\/c\/customer\/[0-9a-f-]{36}/);
  const first = page.url().split('/').pop().split('?')[0];
  await make('DOPPELGÄNGER  TOYS LTD.', '020 2222');
  await page.waitForSelector('#alike');
  assert.match(await page.textContent('#alike'), /1 record looks like this one/);
  assert.equal(await page.inputValue('#f-phone'), '020 2222', 'what was typed is kept');
  assert.deepEqual(await faultsOf(page), []);
  await picture(page, 'alike');
  await page.waitForFunction(() => document.activeElement !== document.body);
  await page.click('#save-anyway');
  await page.waitForURL(/\/c\/customer\/[0-9a-f-]{36}/);
  const second = page.url().split('/').pop().split('?')[0];
  await page.goto(`${server.base}/c/customer/duplicates`);
  const group = page.locator('.dup-group', { hasText: 'Doppelgänger' });
  await group.waitFor();
  assert.deepEqual(await faultsOf(page), []);
  await picture(page, 'duplicates');
  await group.locator('a.btn').click();
  await page.waitForSelector('#merge-form');
  await page.check(`input[name="f.phone"][value="${second}"]`);
  assert.deepEqual(await faultsOf(page), []);
  await picture(page, 'merge');
  await page.click('#merge-apply');
  await page.waitForURL(new RegExp(`/c/customer/${first}`));
  assert.equal(await page.inputValue('#f-phone'), '020 2222');
  // An old address leads to the one that is left.
  await page.goto(`${server.base}/c/customer/${second}`);
  assert.ok(page.url().includes(first), page.url());
  await page.goto(`${server.base}/me/batches`);
  await page.locator('.rows li', { hasText: 'Merged' }).locator('button').click();
  await page.waitForURL(/\/me\/batches\/[0-9a-f-]{36}/);
  await page.goto(`${server.base}/c/customer/${second}`);
  assert.ok(page.url().includes(second), page.url());
  await page.goto(`${server.base}/c/customer/${first}`);
  assert.equal(await page.inputValue('#f-phone'), '020 1111');
  // Said not to be the same, they are not shown again.
  await page.goto(`${server.base}/c/customer/duplicates`);
  await page.locator('.dup-group', { hasText: 'Doppelgänger' }).locator('button').click();
  await page.waitForSelector('h1');
  assert.equal(await page.locator('.dup-group', { hasText: 'Doppelgänger' }).count(), 0);
  await end();
});

test('merging fits on a phone', async () => {
  const { page, end } = await visit(browser, server.base, { phone: true });
  await page.goto(`${server.base}/c/customer`);
  await page.waitForSelector('tr.rec');
  const ids = await page.locator('tr.rec').evaluateAll(rows => rows.slice(0, 2).map(row => row.dataset.id));
  await page.goto(`${server.base}/c/customer/merge?ids=${ids.join(',')}`);
  await page.waitForSelector('#merge-form');
  assert.deepEqual(await faultsOf(page), []);
  await picture(page, 'merge-phone');
  await end();
});

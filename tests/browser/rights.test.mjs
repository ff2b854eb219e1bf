// Giving rights and sharing records, with the mouse, with the keyboard, and on a phone.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { api, faultsOf, focused, launch, picture, rawKeys, serve, visit } from './fixture.mjs';

let server, browser;
before(async () => { server = await serve(100, ['tests/browser/pack']); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const choose = async (page, words) => {
  await page.click('[data-group="0"] > .q-parts > .q-add [data-fields]');
  await page.fill('#query-fields [data-narrow]', words);
  await page.click(`#query-fields .mi:visible >> text="${words}"`);
};

test('a grant is given for records of a condition, without writing JSON', async () => {
  const { page, end } = await visit(browser, server.base, { user: 'admin' });
  await page.goto(`${server.base}/studio/rights/customer/grant`);
  assert.equal(await page.isVisible('#grant-condition'), false);
  await page.selectOption('#grant-role', 'assistant');
  await page.check('[name=action][value=read]');
  await page.selectOption('#grant-scope', 'condition');
  await choose(page, 'Region');
  await page.check('#qn-1 input[value=east]');
  await page.waitForFunction(() => /match/.test(document.querySelector('#query-count')?.textContent ?? '') && document.querySelector('#query-sentence')?.textContent === 'Region is any of East China');
  assert.equal(await page.inputValue('#grant-role'), 'assistant');
  assert.ok(await page.isChecked('[name=action][value=read]'));
  assert.ok(await page.evaluate(() => document.querySelector('#query').contains(document.activeElement)), 'the focus stays in the form');
  assert.deepEqual(await faultsOf(page), []);
  assert.deepEqual(await rawKeys(page), []);
  await picture(page, 'grant-desk');
  // As text, and back.
  await page.click('#query button[value=turn]');
  await page.waitForSelector('#grant-condition textarea');
  assert.match(await page.inputValue('#grant-condition textarea'), /"field": "region"/);
  await picture(page, 'grant-text');
  await page.click('#query button[value=turn]');
  await page.waitForSelector('#qn-1');
  assert.ok(await page.isChecked('#qn-1 input[value=east]'));
  await page.click('#query [data-plain]');
  await page.waitForURL(/studio\/rights\?card=customer/);
  assert.match(await page.textContent('main'), /Region is any of East China/);
  await end();
});

test('a condition is written on a phone', async () => {
  const { page, end } = await visit(browser, server.base, { user: 'admin', phone: true });
  await page.goto(`${server.base}/studio/rights/customer/grant?guard=yes`);
  await page.selectOption('#grant-scope', 'condition');
  await choose(page, 'Region');
  await page.check('#qn-1 input[value=east]');
  await page.waitForFunction(() => document.querySelector('#query-sentence')?.textContent === 'Region is any of East China');
  assert.deepEqual(await faultsOf(page), []);
  await page.evaluate(() => document.querySelector('#grant-condition').scrollIntoView());
  await picture(page, 'grant-phone');
  await end();
});

/** As if every password had been given an hour ago. */
function anHourLater() {
  const changed = spawnSync('sqlite3', ['-cmd', '.timeout 20000', path.join(server.folder, 'site.db'), `UPDATE sys_session SET confirmed_at = ${(Date.now() - 3_600_000) * 1000}`]);
  assert.equal(changed.status, 0, String(changed.stderr));
}

test('a grant that asks for the password in between is kept, and given once it was right', async () => {
  const { page, end } = await visit(browser, server.base, { user: 'admin', quiet: ['403', '422'] });
  await page.goto(`${server.base}/studio/rights/product/grant`);
  await page.selectOption('#grant-role', 'assistant');
  await page.check('[name=action][value=export]');
  await page.selectOption('#grant-scope', 'condition');
  await choose(page, 'Name');
  await page.fill('#qn-1 input[type=text], #qn-1 input[type=search]', 'Kept <b> & "all"');
  anHourLater();
  await page.click('#query [data-plain]');
  await page.waitForSelector('#confirm-kept');
  assert.ok(!page.url().includes('Kept'), page.url());
  assert.match(await focused(page), /#confirm-password$/);
  assert.deepEqual(await faultsOf(page), []);
  assert.deepEqual(await rawKeys(page), []);
  await picture(page, 'confirm-kept');
  await page.keyboard.type('not it');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#confirm-error');
  await page.keyboard.type('demo-admin-1');
  await page.keyboard.press('Enter');
  await page.waitForURL(/studio\/rights\?card=product/);
  assert.match(await page.textContent('main'), /Kept <b> & "all"/);
  await end();
});

for (const look of [{}, { phone: true, dark: true }]) {
  test(`a record is shared by keys alone, with somebody found by typing, and taken back${look.phone ? ' on a phone' : ''}`, async () => {
    const { page, end } = await visit(browser, server.base, { user: 'admin', ...look });
    const { data: [{ id }] } = await api(page, '/records/customer?limit=1&fields=id');
    await page.goto(`${server.base}/c/customer/${id}`);
    const open = async () => {
      await page.focus('[popovertarget=record-menu]');
      await page.keyboard.press('Enter');
      await page.waitForSelector('#record-menu:popover-open');
      for (let step = 0; step < 20 && !(await page.evaluate(() => document.activeElement?.matches('[data-dialog$="/share"]'))); step++) await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.waitForSelector('#sheet[open] #share-who');
    };
    await open();
    assert.match(await focused(page), /#share-who$/);
    await page.keyboard.type('lin', { delay: 30 });
    const option = '#share-who-list [role=option]';
    await page.waitForFunction(option => [...document.querySelectorAll(option)].some(one => one.dataset.value?.startsWith('u:')), option);
    const wanted = await page.locator(`${option}[data-value^="u:"]`).first().getAttribute('data-title');
    for (let step = 0; step < 12 && (await page.locator(`${option}[aria-selected=true][data-value^="u:"]`).count()) === 0; step++) await page.keyboard.press('ArrowDown');
    await picture(page, `share-typing${look.phone ? '-phone' : ''}`);
    await page.keyboard.press('Enter');
    assert.equal(await page.inputValue('#share-who'), wanted);
    assert.match(await page.inputValue('[name=who]'), /^u:/);
    assert.deepEqual(await faultsOf(page), []);
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => !document.querySelector('#sheet[open]') && /\S/.test(document.querySelector('#toasts-polite')?.textContent ?? ''));
    await open();
    const drop = page.locator('form:has([name=remove]) button').first();
    await drop.waitFor();
    assert.match(await page.textContent('ul.rows'), new RegExp(wanted));
    assert.deepEqual(await faultsOf(page), []);
    await picture(page, `share-listed${look.phone ? '-phone' : ''}`);
    await drop.focus();
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => !document.querySelector('#sheet[open]'));
    await open();
    assert.equal(await page.locator('form:has([name=remove])').count(), 0);
    await end();
  });
}

test('why somebody sees a record is asked for anybody, and the log for a person found by typing', async () => {
  for (const look of [{}, { dark: true }, { phone: true }]) {
    const { page, end } = await visit(browser, server.base, { user: 'admin', ...look });
    const name = `${look.phone ? '-phone' : ''}${look.dark ? '-dark' : ''}`;
    const { data: [{ id }] } = await api(page, '/records/customer?limit=1&fields=id');
    await page.goto(`${server.base}/c/customer/${id}/why`);
    assert.deepEqual(await faultsOf(page), []);
    await picture(page, `why${name}`);
    await page.goto(`${server.base}/studio/rights/customer/grant`);
    await picture(page, `grant-form${name}`);
    await page.goto(`${server.base}/studio/log?log=signin`);
    await page.focus('#log-user');
    await page.keyboard.type('adm', { delay: 30 });
    await page.waitForSelector('#log-user-list [role=option][data-value]');
    for (let step = 0; step < 5 && (await page.locator('#log-user-list [aria-selected=true]').count()) === 0; step++) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    assert.match(await page.inputValue('.log-filters [name=user]'), /^[0-9a-f-]{36}$/);
    assert.deepEqual(await faultsOf(page), []);
    assert.deepEqual(await rawKeys(page), []);
    await page.click('.log-filters button[type=submit]');
    await page.waitForURL(/user=[0-9a-f-]{36}/);
    assert.ok((await page.locator('table.plain tbody tr').count()) > 0);
    await picture(page, `log-person${name}`);
    // Emptied, it asks for everybody again.
    await page.fill('#log-user', '');
    await page.click('.log-filters button[type=submit]');
    await page.waitForURL(url => !url.searchParams.get('user'));
    await end();
  }
});

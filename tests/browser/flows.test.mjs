// Workflows: the bar of states, steps that ask something, boards, what waits for somebody.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { api, faultsOf, focused, launch, picture, rawKeys, serve, visit } from './fixture.mjs';

let server, browser;
before(async () => { server = await serve(); browser = await launch(); });
after(async () => { await browser.close(); await server.stop(); });

let asked = 0;
/** Nobody is on leave twice at a time: each asks for a day of its own. */
const leave = (page, days) => {
  const day = new Date(Date.UTC(2031, 2, 3 + 7 * asked++)).toISOString().slice(0, 10);
  return api(page, '/records/leave_request', { starts: day, ends: day, days });
};

test('a step is taken on the record, and what it says stands in the history', async () => {
  const { page, end } = await visit(browser, server.base, { user: 'sales' });
  const made = await leave(page, '1');
  await page.goto(`${server.base}/c/leave_request/${made.id}`);
  await page.waitForSelector('.path [aria-current=step]');
  assert.match(await page.textContent('.path [aria-current=step]'), /草稿/);
  await page.click('#step-submit');
  await page.waitForSelector('#sheet[open] textarea[name=comment]');
  await page.fill('#sheet textarea[name=comment]', 'since Monday');
  await page.click('#sheet button[type=submit]');
  await page.waitForSelector('.way[data-state=running]');
  assert.match(await page.textContent('.way'), /since Monday/);
  assert.match(await page.textContent('.path [aria-current=step]'), /待审批/);
  // What is decided on is read only, and says so.
  assert.equal(await page.locator('#form [name="f.days"]').count(), 0);
  assert.ok(await page.locator('.banner.t-blue:visible').count() >= 1);
  await picture(page, 'flow-record-desk');
  // It is among one's applications, and can be taken back there.
  await page.goto(`${server.base}/applications`);
  await page.waitForSelector('.approvals li');
  await picture(page, 'flow-applications-desk');
  await page.click('.approvals li:first-child form button');
  await page.waitForFunction(() => document.querySelector('.approvals li:first-child .badge')?.textContent.includes('已撤回'));
  await end();
});

test('what waits is approved at once, in bulk, or rejected with an opinion', async () => {
  const sales = await visit(browser, server.base, { user: 'sales' });
  for (const days of ['1', '2', '2.5']) {
    const made = await leave(sales.page, days);
    await api(sales.page, `/records/leave_request/${made.id}/transitions/submit`, { comment: `for ${days}` });
  }
  await sales.end();
  const { page, end } = await visit(browser, server.base, { user: 'manager', quiet: ['422'] });
  await page.goto(`${server.base}/approvals`);
  const mine = text => page.locator('.approvals li', { hasText: text });
  const count = await page.locator('.approvals li').count();
  assert.ok(count >= 3);
  assert.match(await page.textContent('.side a[href="/approvals"] .ct'), new RegExp(`^${count > 99 ? '99\\+' : count}$`));
  await picture(page, 'flow-inbox-desk');
  assert.deepEqual(await faultsOf(page), []);
  // The tick agrees.
  await mine('for 1').first().locator('form button').click();
  await page.waitForFunction(count => document.querySelectorAll('.approvals li').length === count - 1, count);
  assert.ok(await page.evaluate(() => document.activeElement.closest('.approvals li')), 'the next one has the focus');
  // A rejection says why.
  await mine('for 2.5').locator('[data-dialog]').click();
  await page.waitForSelector('#sheet[open] #opinion');
  await picture(page, 'flow-decision-desk');
  await page.click('#sheet button[value=reject]');
  // What is missing is said in the dialog, before which nothing can be reached.
  await page.waitForFunction(() => /Opinion/.test(document.querySelector('#sheet [data-refusal]')?.textContent ?? ''));
  assert.equal(await page.evaluate(() => document.activeElement.id), 'opinion');
  await picture(page, 'flow-refused-desk');
  await page.fill('#sheet #opinion', 'not in March');
  await page.click('#sheet button[value=reject]');
  await page.waitForFunction(count => document.querySelectorAll('.approvals li').length === count - 2, count);
  // Several at once.
  await page.check('[data-check-all]');
  assert.equal(await page.locator('.approvals input:checked').count(), count - 2);
  await page.uncheck('[data-check-all]');
  await mine('for 2').first().locator('input.check').check();
  await page.fill('#many-opinion', 'fine');
  await page.click('fieldset.many button[value=approve]');
  await page.waitForFunction(count => document.querySelectorAll('.approvals li').length === count - 3, count);
  await page.goto(`${server.base}/approvals?show=decided`);
  assert.match(await page.textContent('.approvals'), /not in March/);
  await end();
});

test('steps that cannot be taken say why, boards move by steps, edits are saved first', async () => {
  const { page, end } = await visit(browser, server.base, { quiet: ['409'] });
  const made = await api(page, '/records/leave_request', { starts: '2031-02-03', ends: '2031-02-03', days: '0' });
  await page.goto(`${server.base}/c/leave_request/${made.id}`);
  const step = page.locator('#step-submit');
  assert.equal(await step.getAttribute('aria-disabled'), 'true');
  await step.click({ force: true });
  await page.waitForFunction(() => /Days/.test(document.querySelector('#toasts-polite')?.textContent ?? ''));
  await page.fill('#form [name="f.days"]', '1');
  await page.click('#save');
  await page.waitForSelector('#step-submit:not([aria-disabled])');
  await page.fill('#form [name="f.days"]', '2');
  await page.waitForSelector('#savebar:not([hidden])');
  await page.click('#step-submit');
  await page.waitForFunction(() => /Save your edits/.test(document.querySelector('#toasts-polite')?.textContent ?? ''));
  // A lane that no step leads to.
  await page.goto(`${server.base}/c/leave_request?kind=board:state&sort=-created_at`);
  await page.waitForSelector(`.lane[data-value=draft] #r-${made.id}`);
  await page.focus(`#r-${made.id}`);
  await page.keyboard.press('m');
  await page.click('#move-menu [data-move-to=approved]');
  await page.waitForFunction(() => /No step leads/.test(document.querySelector('#toasts-urgent')?.textContent ?? ''));
  // One that a step leads to asks what the step asks.
  await page.focus(`#r-${made.id}`);
  await page.keyboard.press('m');
  await page.click('#move-menu [data-move-to=pending]');
  await page.waitForSelector('#sheet[open] textarea[name=comment]');
  await page.keyboard.press('Escape');
  assert.notEqual(await focused(page), 'body');
  await end();
});

test('cards of a board that moves by steps are dragged: to the dialog of a step, and back where none leads', async () => {
  const { page, end } = await visit(browser, server.base, { quiet: ['409'] });
  const { id } = await leave(page, '1');
  await page.goto(`${server.base}/c/leave_request?kind=board:state&sort=-created_at`);
  const lane = state => `.lane[data-value=${state}]`;
  const drag = async state => {
    const [from, to] = await Promise.all([`#r-${id}`, `${lane(state)} [data-lane]`].map(one => page.locator(one).boundingBox()));
    const [x, y] = [from.x + from.width / 2, from.y + 14];
    await page.mouse.move(x, y);
    await page.mouse.down();
    for (let step = 1; step <= 8; step++) await page.mouse.move(x + (to.x + to.width / 2 - x) * step / 8, y + (to.y + 20 - y) * step / 8);
    await page.mouse.up();
  };
  await page.waitForSelector(`${lane('draft')} #r-${id}`);
  const [answer] = await Promise.all([page.waitForResponse(answer => answer.url().endsWith(`/${id}/move`)), drag('approved')]);
  assert.equal(answer.status(), 409);
  await page.waitForFunction(() => /No step leads/.test(document.querySelector('#toasts-urgent')?.textContent ?? ''));
  await page.waitForSelector(`${lane('draft')} #r-${id}:not([aria-busy])`);
  await drag('pending');
  await page.waitForSelector('#sheet[open] textarea[name=comment]');
  assert.equal(await page.locator(`${lane('draft')} #r-${id}`).count(), 1, 'it stays until the step is taken');
  await page.fill('#sheet textarea[name=comment]', 'dragged');
  await page.click('#sheet button[type=submit]');
  await page.waitForFunction(() => !document.querySelector('#sheet[open]'));
  const kept = async () => (await api(page, `/records/leave_request/${id}`)).state;
  assert.equal(await kept(), 'pending');
  await page.goto(`${server.base}/c/leave_request?kind=board:state&sort=-created_at`);
  await page.waitForSelector(`${lane('pending')} #r-${id}`);
  assert.deepEqual(await faultsOf(page), []);
  await end();
});

test('many are moved at once, with what the step asks', async () => {
  const { page, end } = await visit(browser, server.base);
  const customer = (await api(page, '/records/customer?limit=1&fields=id')).data[0].id;
  const made = [];
  for (const subject of ['first', 'second']) made.push((await api(page, '/records/complaint', { subject, customer, kind: 'other', received: '2026-03-02' })).id);
  await page.goto(`${server.base}/c/complaint?sort=-created_at`);
  for (const id of made) await page.locator(`#r-${id} .check`).click();
  await page.click('#bulk [data-action=transition]');
  await page.waitForSelector('#bulk-dialog[open] #bulk-step');
  // One step asks fields, another only a word.
  await page.selectOption('#bulk-step', 'assign');
  await page.waitForSelector('#bulk-asked [name="f.deadline"]');
  await picture(page, 'flow-bulk-fields');
  await page.selectOption('#bulk-step', 'withdraw');
  await page.waitForSelector('#bulk-comment[required]');
  assert.equal(await page.locator('#bulk-asked [name="f.deadline"]').count(), 0);
  assert.deepEqual(await rawKeys(page), []);
  assert.deepEqual(await faultsOf(page), []);
  await page.fill('#bulk-comment', 'both at once');
  await page.click('#bulk-apply');
  await page.waitForFunction(() => !document.querySelector('#bulk-dialog')?.open);
  for (const id of made) {
    await page.waitForFunction(async (id) => (await (await fetch(`/api/v1/records/complaint/${id}`)).json()).state === 'withdrawn', id);
    assert.match(JSON.stringify(await api(page, `/records/complaint/${id}/states`)), /both at once/);
  }
  await end();
});

test('on the phone, in the dark and in Chinese it fits and is named', async () => {
  for (const [locale, dark] of [['en', false], ['zh-CN', true]]) {
    const { page, end } = await visit(browser, server.base, { phone: true, dark, locale });
    await page.goto(`${server.base}/approvals`);
    await page.waitForSelector('.approvals li');
    await picture(page, `flow-inbox-phone-${locale}`);
    assert.deepEqual(await rawKeys(page), []);
    assert.deepEqual(await faultsOf(page), []);
    await page.click('.approvals li:first-child a');
    await page.waitForSelector('.way');
    await picture(page, `flow-record-phone-${locale}`);
    assert.deepEqual(await rawKeys(page), []);
    assert.deepEqual(await faultsOf(page), []);
    await end();
  }
});

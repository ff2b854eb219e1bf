// Giving rights and sharing records, with the mouse, with the keyboard, and on a phone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { faultsOf, launch, picture, rawKeys, serve, visit } from './fixture.mjs';

let server, browser;
before(async () => { server = await serve(100); browser = await launch(); });
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

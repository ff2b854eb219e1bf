// Files in and out, in a real browser: sent, mapped, looked at, run, handed back, taken back.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { faultsOf, launch, picture, serve, visit } from './fixture.mjs';

let server, browser, folder;
before(async () => { server = await serve(); browser = await launch(); folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cardstock-')); });
after(async () => { await browser?.close(); await server?.stop(); fs.rmSync(folder, { recursive: true, force: true }); });

const file = (name, text) => { const place = path.join(folder, name); fs.writeFileSync(place, text); return place; };
const ended = page => page.waitForSelector('#import-list', { timeout: 60000 });

test('a file is sent, mapped, looked at, run, handed back and taken back', async () => {
  const { page, end } = await visit(browser, server.base, { user: 'admin' });
  await page.goto(`${server.base}/c/unit`);
  await page.click('#import');
  await page.waitForSelector('#import-form');
  assert.deepEqual(await faultsOf(page), []);
  await page.setInputFiles('#import-file', file('units.csv', 'Code,Name\nBRL,Barrel\nNON,\nBDL,Bundle\n'));
  await page.click('#import-form button[type=submit]');
  await page.waitForURL(/\/import\/[0-9a-f-]{36}/);
  // The heading was known; the mistake stands in its cell.
  assert.equal(await page.locator('select[name="col.2"]').evaluate(select => select.selectedOptions[0].value), 'name');
  await page.waitForSelector('#preview td.bad');
  assert.deepEqual(await faultsOf(page), []);
  await picture(page, 'import-map');
  await page.check('input[name=skip]');
  await page.click('button[value=run]');
  await ended(page);
  const counts = await page.locator('.import-counts dd').allTextContents();
  assert.deepEqual([counts[0], counts[3]], ['2', '1']);
  assert.deepEqual(await faultsOf(page), []);
  await picture(page, 'import-done');
  const [handed] = await Promise.all([page.waitForEvent('download'), page.click('#import-errors')]);
  assert.match(handed.suggestedFilename(), /units.*\.xlsx$/);
  await page.goto(`${server.base}/c/unit?q=Barrel`);
  await page.waitForSelector('tbody tr');
  await page.goBack();
  await page.click('#import-undo');
  await page.waitForSelector('#import-undo', { state: 'detached' });
  await page.goto(`${server.base}/c/unit?q=Barrel`);
  assert.equal(await page.locator('tbody tr').count(), 0);
  await end();
});

test('a file that is none is refused in plain words', async () => {
  const { page, end } = await visit(browser, server.base, { user: 'admin', quiet: ['422'] });
  await page.goto(`${server.base}/c/unit/import`);
  const old = path.join(folder, 'old.xls');
  fs.writeFileSync(old, Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(600)]));
  await page.setInputFiles('#import-file', old);
  await page.click('#import-form button[type=submit]');
  await page.waitForSelector('#import-error');
  assert.match(await page.textContent('#import-error'), /\.xlsx/);
  await end();
});

test('a list is taken along as it is shown', async () => {
  const { page, end } = await visit(browser, server.base, { user: 'admin' });
  await page.goto(`${server.base}/c/unit`);
  await page.click('#export');
  const [kept] = await Promise.all([page.waitForEvent('download'), page.click('#export-menu a >> nth=1')]);
  const text = fs.readFileSync(await kept.path(), 'utf8');
  assert.ok(text.startsWith('\ufeff') && text.split('\r\n').length > 2, text.slice(0, 200));
  await end();
});

test('on a phone it fits', async () => {
  const { page, end } = await visit(browser, server.base, { user: 'admin', phone: true, locale: 'zh-CN' });
  await page.goto(`${server.base}/c/unit/import`);
  await page.setInputFiles('#import-file', file('phone.csv', 'Code,Name\nCRT,A crate whose name does not fit on one line of a phone by any means\n'));
  await page.click('#import-form button[type=submit]');
  await page.waitForURL(/\/import\/[0-9a-f-]{36}/);
  await picture(page, 'import-map-phone');
  assert.deepEqual(await faultsOf(page), []);
  await end();
});

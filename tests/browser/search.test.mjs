// Finding things: the palette by keys, its scope, what was opened last, and the page of everything found.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { faultsOf, launch, picture, serve, visit } from './fixture.mjs';

let server, browser;
before(async () => { server = await serve(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const groups = (page) => page.locator('#cmdk-list .grp').allTextContents();

test('the palette marks what it found, narrows its scope, and remembers what was opened', async () => {
  const { page, end } = await visit(browser, server.base);
  await page.goto(`${server.base}/c/customer`);
  await page.keyboard.press('Control+k');
  await page.fill('#cmdk-input', 'gs');
  await page.waitForSelector('#cmdk-list mark');
  assert.ok((await page.locator('#cmdk-list mark').allTextContents()).includes('公司'), 'initials mark the characters they stand for');
  assert.ok((await groups(page)).length > 1, 'records of several cards');
  assert.match(await page.textContent('#cmdk-note'), /\d+ of \d+\+? in \d+ ms/);
  await page.keyboard.press('Tab');
  await page.waitForFunction(() => document.querySelectorAll('#cmdk-list .grp').length === 1);
  assert.equal(await page.getAttribute('#cmdk-scope', 'aria-pressed'), 'true');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'cmdk-input');
  assert.deepEqual(await faultsOf(page), []);
  const title = (await page.textContent('#cmdk-o1 .trunc')).trim();
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/c\/customer\/[0-9a-f-]{36}$/);
  await page.waitForLoadState('networkidle');
  await page.keyboard.press('Control+k');
  await page.waitForSelector('#cmdk-list [role=option]');
  assert.equal((await groups(page))[0].trim(), 'Opened recently');
  assert.ok(title.startsWith((await page.textContent('#cmdk-o1 .trunc')).trim()));
  await end();
});

for (const phone of [false, true]) {
  test(`the page of everything found, ${phone ? 'on a phone' : 'at a desk'}`, async () => {
    const { page, end } = await visit(browser, server.base, { phone });
    await page.goto(`${server.base}/search`);
    await page.waitForSelector('.empty');
    await page.fill('.search-form [name=q]', '公司');
    await page.waitForSelector('.search-hit mark');
    assert.ok(new URL(page.url()).searchParams.get('q') === '公司', 'the address says what was looked for');
    assert.ok(await page.locator('.search-card').count() > 1);
    assert.deepEqual(await faultsOf(page), []);
    await picture(page, `search-${phone ? 'phone' : 'desk'}`);
    await page.click('.search-scopes a >> nth=1');
    await page.waitForURL(/card=/);
    assert.equal(await page.locator('.search-card').count(), 1);
    await page.goto(`${server.base}/search?q=zzzzqq`);
    await page.waitForSelector('.empty');
    await end();
  });
}

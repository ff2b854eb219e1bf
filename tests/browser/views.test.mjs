// Kept lists, the query builder and favourites, with the mouse, with the keyboard, and on a phone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { faultsOf, launch, picture, serve, visit } from './fixture.mjs';

let server, browser;
before(async () => { server = await serve(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const wide = page => page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1);

test('a list is changed, kept, renamed, deleted and brought back', async () => {
  const { page, end } = await visit(browser, server.base);
  await page.goto(`${server.base}/c/customer?view=all&sort=name`);
  await page.waitForSelector('.view-changed');
  await page.click('.view-changed [data-dialog]');
  await page.fill('#view-name', 'By name');
  await page.click('#sheet [name=roles] >> nth=0');
  await page.click('#sheet button[type=submit]');
  await page.waitForURL(/view=[0-9a-f-]{36}/);
  assert.equal((await page.textContent('.tabs [aria-current=page]')).trim(), 'By name');
  assert.equal(await page.locator('.view-changed').count(), 0);
  // Changed and saved: the address holds the change, then the view does.
  const kept = page.url();
  await page.goto(`${kept}&sort=-name`);
  await page.click('.view-changed form button');
  await page.waitForURL(kept);
  assert.equal(await page.getAttribute('th[aria-sort]', 'aria-sort'), 'descending');
  await page.click('[popovertarget=view-menu]');
  await page.click('#view-menu [data-dialog*="/edit"]');
  await page.fill('#view-name', 'Backwards');
  await page.press('#view-name', 'Enter');
  await page.waitForFunction(() => document.querySelector('.tabs [aria-current=page]')?.textContent.includes('Backwards'));
  await page.click('[popovertarget=view-menu]');
  await page.click('#view-menu .danger');
  await page.waitForURL(url => url.pathname === '/c/customer' && !url.search);
  assert.equal(await page.locator('.tabs >> text=Backwards').count(), 0);
  await page.click('.toast button');
  await page.waitForFunction(() => document.querySelector('.tabs')?.textContent.includes('Backwards'));
  // Back leads through what was looked at.
  await page.goto(`${server.base}/c/customer?view=mine`);
  await page.goto(`${server.base}/c/customer?view=at_risk`);
  await page.goBack();
  assert.equal((await page.textContent('.tabs [aria-current=page] .trunc')).trim(), 'Mine');
  await page.waitForFunction(() => /\d/.test(document.querySelector('#vc-mine')?.textContent ?? ''));
  await end();
});

test('a view that is not one\'s to see says so', async () => {
  const { page, end } = await visit(browser, server.base, { quiet: ['404', '403'] });
  const answer = await page.goto(`${server.base}/c/customer?view=0195f6a0-0000-7000-8000-000000000001`);
  assert.equal(answer.status(), 404);
  assert.match(await page.textContent('#list'), /not shared with you/);
  assert.deepEqual(await faultsOf(page), []);
  await end();
});

test('a query is built with groups, a path and related records, read back and applied', async () => {
  const { page, end } = await visit(browser, server.base);
  await page.goto(`${server.base}/c/customer`);
  await page.click('[popovertarget=filter-menu][data-key=f]');
  await page.click('#filter-menu [data-dialog]');
  await page.waitForSelector('#query');
  const choose = async (group, words) => {
    await page.click(`[data-group="${group}"] > .q-parts > .q-add [data-fields]`);
    await page.fill('#query-fields [data-narrow]', words);
    await page.click(`#query-fields .mi:visible >> text="${words}"`);
  };
  await choose(0, 'Region');
  await page.check('#qn-1 input[value=east]');
  await page.click('[data-group="0"] > .q-parts > .q-add button[type=submit]');
  await page.waitForSelector('[data-group="2"]');
  await choose(2, 'Annual revenue');
  await page.fill('#qv-3', '500000');
  await page.click('[data-group="2"] > .q-parts > .q-add [data-fields]');
  await page.click('#query-fields button[value="related:2:order.customer"]');
  await page.waitForSelector('[data-group="4"]');
  await choose(4, 'Total');
  await page.fill('#qv-5', '10000');
  await page.waitForFunction(() => /match/.test(document.querySelector('#query-count')?.textContent ?? '') && /Total is at least/.test(document.querySelector('#query-sentence')?.textContent ?? ''));
  assert.match(await page.textContent('#query-sentence'), /^Region is any of East China and \(Annual revenue is at least .* or has Orders \(where Total is at least .*\)\)$/);
  assert.deepEqual(await faultsOf(page), []);
  // The keyboard twin of dragging.
  await page.click('[popovertarget="qm-3"]');
  await page.click('#qm-3 button[value="out:3"]');
  await page.waitForSelector('[data-group="0"] > .q-parts > #qn-3');
  assert.ok(await page.evaluate(() => document.activeElement !== document.body && document.querySelector('#sheet').contains(document.activeElement)), 'the focus stays in the dialog');
  // Dragged back by its handle.
  const grip = await page.locator('#qn-3 > .q-row [data-grip]').boundingBox();
  const into = await page.locator('[data-group="2"] > .q-parts > .q-add').boundingBox();
  await page.mouse.move(grip.x + 5, grip.y + 5);
  await page.mouse.down();
  await page.mouse.move(into.x + 20, into.y + 4, { steps: 8 });
  await page.mouse.up();
  await page.waitForSelector('[data-group="2"] > .q-parts > #qn-3');
  await picture(page, 'query-desk');
  await page.click('#query .q-foot button[value=apply]');
  await page.waitForURL(/filter=/);
  assert.match(await page.textContent('#filters'), /has Orders/);
  assert.ok(await page.locator('tr.rec').count() > 0);
  await end();
});

test('mistakes stand at their condition, and nothing is lost', async () => {
  const { page, end } = await visit(browser, server.base, { quiet: ['422'] });
  await page.goto(`${server.base}/c/customer/query`);
  await page.click('.q-add [data-fields]');
  await page.fill('#query-fields [data-narrow]', 'Annual revenue');
  await page.click('#query-fields .mi:visible >> text="Annual revenue"');
  await page.waitForSelector('#qv-1');
  await page.click('#query .q-foot button[value=apply]');
  await page.waitForSelector('#qe-1');
  assert.match(await page.textContent('#qe-1'), /value is missing/);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'qv-1');
  await end();
});

test('a list that asks first shows its form, and the answer stands in the address', async () => {
  const { page, end } = await visit(browser, server.base);
  await page.goto(`${server.base}/c/customer?view=created_since`);
  await page.fill('#ask-since', '2020-01-01');
  assert.deepEqual(await faultsOf(page), []);
  await page.click('.ask button[type=submit]');
  await page.waitForSelector('tr.rec');
  assert.match(page.url(), /param\.since=2020-01-01/);
  await end();
});

test('a folder is made, filled by star, for selected rows and by dragging, and shown', async () => {
  const { page, end } = await visit(browser, server.base);
  await page.goto(`${server.base}/c/customer?view=all`);
  await page.click('.fav-new');
  await page.fill('#fav-name', 'Key accounts');
  await page.click('#sheet button[type=submit]');
  await page.waitForURL(/\/fav\//);
  const folder = page.url().split('/').pop();
  await page.goto(`${server.base}/c/customer?view=all`);
  const counted = number => page.waitForFunction(([id, number]) => document.querySelector(`#fc-${id}`)?.textContent === number, [folder, String(number)]);
  await counted(0);
  // By the star of a row.
  await page.hover('tr.rec >> nth=0');
  await page.click('tr.rec >> nth=0 >> [data-star]');
  await page.click('#star-menu [data-fav]');
  await counted(1);
  // For selected rows, with the keyboard.
  await page.locator('tr.rec').nth(1).click({ position: { x: 15, y: 15 } }).catch(() => {});
  await page.locator('tr.rec .check').nth(1).check();
  await page.locator('tr.rec .check').nth(2).check();
  await page.focus('[data-star-selected]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#star-menu [data-fav]');
  await page.focus('#star-menu [data-fav]');
  await page.keyboard.press('Enter');
  await counted(3);
  // By dragging a row onto it.
  await page.reload();
  await counted(3);
  await page.locator('tr.rec td.name a').nth(4).dragTo(page.locator(`[data-folder="${folder}"]`));
  await counted(4);
  await page.click(`[data-folder="${folder}"]`);
  assert.equal(await page.locator('.fav-table tbody tr').count(), 4);
  assert.deepEqual(await faultsOf(page), []);
  await page.click('.fav-table tbody tr >> nth=0 >> button');
  await page.waitForFunction(() => document.querySelectorAll('.fav-table tbody tr').length === 3);
  // On a record's own page.
  await page.click('.fav-table tbody a >> nth=0');
  await page.click('.top [data-star]');
  await page.waitForSelector('#star-menu [aria-checked=true]');
  await page.goto(`${server.base}/fav/${folder}`);
  await page.click('form[action$="/delete"] button');
  await page.waitForFunction(id => !document.querySelector(`[data-folder="${id}"]`), folder);
  await end();
});

for (const lang of ['en', 'zh-Hans', 'zh-Hant']) {
  test(`lists, builder and folders fit a phone and speak ${lang}`, async () => {
    const { page, end } = await visit(browser, server.base, { phone: true, dark: true });
    await page.evaluate(async lang => fetch(`/lang/${lang}`, { method: 'POST', body: new URLSearchParams({ _csrf: document.querySelector('meta[name=csrf]').content, next: '/' }) }), lang);
    const filter = encodeURIComponent(JSON.stringify({ all: [{ field: 'region', op: 'any_of', value: ['east', 'south'] }, { any: [{ field: 'annual_revenue', op: 'gt', value: '500000' }, { related: 'order.customer', has: { field: 'total', op: 'gt', value: '10000' } }] }] }));
    for (const [name, path] of [['kept', `/c/customer?sort=name&filter=${filter}`], ['builder', `/c/customer/query?filter=${filter}`], ['keep', '/c/customer/views/new'], ['folder', '/fav/new'], ['asks', '/c/customer?view=created_since']]) {
      await page.goto(server.base + path);
      await picture(page, `${name}-${lang}-phone`);
      assert.deepEqual(await faultsOf(page), [], `${path} ${lang}`);
      assert.equal(await wide(page), false, `${path} is wider than the screen`);
    }
    await page.evaluate(async () => fetch('/lang/en', { method: 'POST', body: new URLSearchParams({ _csrf: document.querySelector('meta[name=csrf]').content, next: '/' }) }));
    await end();
  });
}

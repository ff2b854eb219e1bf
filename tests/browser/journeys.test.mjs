// What people do all day, in a real browser, on the built-in modules with demo data.
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

test('a wrong password is refused in plain words', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${server.base}/login`);
  await page.fill('#name', 'manager');
  await page.fill('#password', 'not the password');
  await page.click('#login-form button[type=submit]');
  await page.waitForSelector('#login-error');
  assert.match(await page.textContent('#login-error'), /not right/);
  await context.close();
});

test('a list shows rows, counts, sorts, searches and filters', async () => {
  const { page, end } = await visit(browser, server.base);
  await page.goto(`${server.base}/c/customer`);
  await page.waitForSelector('tbody tr');
  await page.waitForFunction(() => /^\d/.test(document.querySelector('#count')?.textContent ?? ''));
  const names = () => page.locator('tbody tr .name').allTextContents();
  await page.goto(`${server.base}/c/customer?sort=name`);
  const up = await names();
  await page.goto(`${server.base}/c/customer?sort=-name`);
  assert.deepEqual((await names())[0].trim() === up[0].trim(), false);
  const filter = encodeURIComponent(JSON.stringify({ all: [{ field: 'stage', op: 'any_of', value: ['lead'] }] }));
  await page.goto(`${server.base}/c/customer?filter=${filter}`);
  assert.ok((await page.locator('#filters').textContent()).includes('Lead'));
  await page.goto(`${server.base}/c/customer?q=zzzz-no-such-name`);
  assert.match(await page.textContent('#list'), /No Customers match/i);
  await end();
});

test('an order is made with lines and live totals, changed, deleted and brought back', async () => {
  const { page, end } = await visit(browser, server.base);
  await page.goto(`${server.base}/c/order/new`);
  await page.waitForSelector('#form');
  const input = key => `x-lookup[data-name="f.${key}"] input[role=combobox]`;
  await choose(page, input('customer'), 'a');
  await page.click('#save');
  await page.waitForURL(/\/c\/order\/[0-9a-f-]{36}/);
  const address = page.url();
  assert.match(await page.textContent('h1'), /SO-\d{6}-\d{4}/);
  await page.fill('#f-remark', 'Changed in a browser');
  await page.click('#save');
  await page.waitForFunction(() => document.querySelector('#version')?.value === '2');
  assert.equal(await page.inputValue('#f-remark'), 'Changed in a browser');
  await page.reload();
  assert.equal(await page.inputValue('#f-remark'), 'Changed in a browser');
  await page.goto(`${server.base}/c/order`);
  const id = address.split('/').pop().split('?')[0];
  const answer = await page.evaluate(async id => (await fetch('/c/order/delete', { method: 'POST', headers: { accept: 'application/json' }, body: new URLSearchParams({ _csrf: document.querySelector('meta[name=csrf]').content, ids: id }) })).json(), id);
  assert.deepEqual(answer.deleted, [id]);
  await page.goto(`${server.base}/c/order/trash`);
  await page.click(`[data-id="${id}"]`);
  await page.waitForFunction(id => !document.querySelector(`[data-id="${id}"]`), id);
  await page.goto(`${server.base}/c/order/${id}`);
  assert.match(await page.textContent('h1'), /SO-/);
  await end();
});

test('a record shows its figures, and how many rows stand behind its tabs', async () => {
  const { page, end } = await visit(browser, server.base);
  await page.goto(`${server.base}/c/customer?sort=-order_total`);
  const href = await page.getAttribute('tbody tr a', 'href');
  await page.goto(server.base + href);
  await page.waitForSelector('#n-orders:not([hidden])');
  const tab = await page.textContent('#n-orders');
  assert.match(tab, /^[1-9]/);
  const figures = await page.locator('.kpis dd').allTextContents();
  assert.equal(figures[1].trim(), tab.trim());
  assert.match(figures[0], /^\s*¥[\d,]+\.\d\d/);
  await end();
});

test('a refused save keeps what was typed and says what is wrong', async () => {
  const { page, end } = await visit(browser, server.base, { quiet: ['422'] });
  await page.goto(`${server.base}/c/customer/new`);
  await page.fill('#f-email', 'not an address');
  await page.click('#save');
  await page.waitForSelector('.errors, [data-refused]');
  assert.equal(await page.inputValue('#f-email'), 'not an address');
  await page.fill('#f-email', 'a@example.com');
  await page.fill('#f-name', 'Browser Test Company');
  await page.click('#save');
  await page.waitForURL(/\/c\/customer\/[0-9a-f-]{36}/);
  assert.match(await page.textContent('h1'), /Browser Test Company/);
  await end();
});

test('two people at once: different fields merge, the same field shows both sides', async () => {
  const one = await visit(browser, server.base, { quiet: ['412'] });
  const two = await visit(browser, server.base, { user: 'admin', password: 'demo-admin-1' });
  await one.page.goto(`${server.base}/c/customer?sort=name`);
  const href = await one.page.getAttribute('tbody tr a', 'href');
  await one.page.goto(server.base + href);
  await two.page.goto(server.base + href);
  await two.page.fill('#f-next_step', 'Theirs');
  await two.page.click('#save');
  await two.page.waitForFunction(() => document.querySelector('#savebar')?.hidden !== false);
  await one.page.fill('#f-next_step', 'Mine');
  await one.page.click('#save');
  await one.page.waitForSelector('#conflict-banner');
  assert.equal(await one.page.inputValue('#f-next_step'), 'Mine');
  assert.match(await one.page.textContent('#conflict-banner'), /Theirs/);
  await one.end();
  await two.end();
});

test('a salesperson sees what is their own, and no page of others', async () => {
  const { page, end } = await visit(browser, server.base, { user: 'sales', quiet: ['404'] });
  const manager = await visit(browser, server.base);
  const foreign = await manager.page.evaluate(async () => {
    const me = (await (await fetch('/api/v1/records/user?limit=50')).json()).data.find(user => user.name.includes('Chen Yu'));
    const filter = JSON.stringify({ field: 'owner', op: 'is_not', value: me.id });
    return (await (await fetch(`/api/v1/records/customer?limit=1&filter=${encodeURIComponent(filter)}`)).json()).data[0].id;
  });
  const answer = await page.goto(`${server.base}/c/customer/${foreign}`);
  assert.equal(answer.status(), 404);
  await manager.end();
  await end();
});

for (const [locale, word] of [['en', 'Customers'], ['zh-CN', '客户'], ['zh-TW', '客戶']]) {
  test(`the sign-in page speaks ${locale}, and the phone and dark pages fit`, async () => {
    const context = await browser.newContext({ locale });
    const first = await context.newPage();
    await first.goto(`${server.base}/login`);
    const lang = { en: 'en', 'zh-CN': 'zh-Hans', 'zh-TW': 'zh-Hant' }[locale];
    assert.equal(await first.getAttribute('html', 'lang'), lang);
    await context.close();
    for (const phone of [false, true]) {
      const { page, end } = await visit(browser, server.base, { phone, dark: phone, locale });
      await page.evaluate(async lang => fetch(`/lang/${lang}`, { method: 'POST', body: new URLSearchParams({ _csrf: document.querySelector('meta[name=csrf]').content, next: '/' }) }), lang);
      for (const [name, path] of [['list', '/c/customer'], ['new', '/c/order/new'], ['me', '/me'], ['docs', '/api/docs'], ['trash', '/c/customer/trash']]) {
        await page.goto(server.base + path);
        await page.waitForTimeout(300);
        await picture(page, `${name}-${lang}-${phone ? 'phone' : 'desk'}`);
        assert.deepEqual(await faultsOf(page), [], `${path} ${lang} ${phone ? 'phone, dark' : 'desk'}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1);
        assert.equal(wide, false, `${path} is wider than the screen`);
        if (name === 'list') assert.ok((await page.textContent('h1')).includes(word));
      }
      await page.evaluate(async () => fetch('/lang/en', { method: 'POST', body: new URLSearchParams({ _csrf: document.querySelector('meta[name=csrf]').content, next: '/' }) }));
      await end();
    }
  });
}

test('the palette finds records', async () => {
  const { page, end } = await visit(browser, server.base);
  await page.goto(`${server.base}/c/customer`);
  await page.keyboard.press('Control+k');
  await page.fill('#cmdk-input', 'a');
  await page.waitForSelector('#cmdk-list [role=option]');
  await end();
});

test('what lies in the trash is deleted for good after a second thought, by keys alone', async () => {
  const { page, end } = await visit(browser, server.base, { user: 'admin' });
  const id = await page.evaluate(async () => {
    const headers = { 'content-type': 'application/json' };
    const made = await (await fetch('/api/v1/records/customer', { method: 'POST', headers, body: JSON.stringify({ name: 'Old Mill Ceramics' }) })).json();
    await fetch(`/api/v1/records/customer/${made.id}`, { method: 'DELETE', headers });
    return made.id;
  });
  await page.goto(`${server.base}/c/customer/trash`);
  const line = `#trashed-${id}`;
  await page.focus(`${line} [popovertarget="purge-${id}"]`);
  await page.keyboard.press('Enter');
  await page.waitForSelector(`#purge-${id}:popover-open`);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Keep it');
  await picture(page, 'trash-purge');
  await page.keyboard.press('Enter');
  await page.waitForFunction((id) => !document.querySelector(`#purge-${id}:popover-open`), id);
  assert.ok(await page.$(line), 'it was kept');
  await page.keyboard.press('Enter');
  await page.waitForSelector(`#purge-${id}:popover-open`);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#trash-said');
  assert.match(await page.textContent('#trash-said'), /Deleted for good: 1/);
  assert.equal(await page.$(line), null);
  await end();
});

test('after a save nothing moves away, and the field that was typed into keeps the focus', async () => {
  const { page, end } = await visit(browser, server.base);
  await page.goto(`${server.base}/c/customer`);
  await page.click('tbody tr .who');
  await page.waitForSelector('[name="f.remark"]');
  await page.fill('[name="f.remark"]', `Typed at the end ${Date.now()}`);
  const before = await page.evaluate(() => document.querySelector('.rec-main').scrollTop);
  assert.ok(before > 0, 'the field lies below the first screen');
  await page.keyboard.press('Control+s');
  await page.waitForSelector('.toast:has-text("Saved")');
  await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'f.remark');
  assert.equal(await page.evaluate(() => document.querySelector('.rec-main').scrollTop), before);
  assert.ok(await page.evaluate(() => document.documentElement.scrollHeight <= innerHeight), 'the page itself does not scroll');
  await end();
});

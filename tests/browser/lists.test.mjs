// The list people live in: groups, totals, columns, cells, boards, calendars; with the pointer, with keys, on a phone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { faultsOf, launch, picture, serve, visit as enter } from './fixture.mjs';

/** A visit that does not wait half a minute for what will not come. */
const visit = async (...args) => { const visitor = await enter(...args); visitor.page.setDefaultTimeout(25_000); return visitor; };

let server, browser;
before(async () => { server = await serve(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const at = async (page, selector) => { const box = await page.locator(selector).first().boundingBox(); return { x: box.x + box.width / 2, y: box.y + box.height / 2, ...{ w: box.width, h: box.height, left: box.x, top: box.y } }; };

/** Drags with small steps, as a hand does. */
async function drag(page, from, to) {
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  for (let step = 1; step <= 8; step++) await page.mouse.move(from.x + (to.x - from.x) * step / 8, from.y + (to.y - from.y) * step / 8);
  await page.mouse.up();
}
const param = (page, name) => new URL(page.url()).searchParams.get(name);
const focused = page => page.evaluate(() => document.activeElement === document.body ? 'body' : document.activeElement?.id || document.activeElement?.className || document.activeElement?.tagName);
const headers = page => page.locator('#heads th[data-path]').evaluateAll(all => all.map(one => one.dataset.path));
const shown = (page, path) => page.waitForFunction(path => !!document.querySelector(`#groupbar[data-group="${path}"]`), path);

test('a column is dragged into the group bar, levels are added, turned round and taken away, and undone', async () => {
  const { page, end } = await visit(browser, server.base);
  await page.goto(`${server.base}/c/customer`);
  await page.waitForSelector('#totals [popovertarget]');
  await drag(page, await at(page, 'th[data-path=stage] .th-sort'), await at(page, '#groupbar .hint'));
  await shown(page, 'stage');
  assert.equal(param(page, 'group'), 'stage');
  assert.equal(await page.getAttribute('#grid', 'role'), 'treegrid');
  await page.waitForSelector('tr.grp[aria-expanded=true] >> nth=0');
  await page.waitForSelector('tbody.win tr.rec[aria-level="2"]');
  assert.notEqual(await focused(page), 'body');
  assert.match(await page.textContent('#toasts-polite'), /Grouped by Stage/);
  await drag(page, await at(page, 'th[data-path=region] .th-sort'), { ...(await at(page, '#groupbar')), x: (await at(page, '.gchip')).left + 400 });
  await shown(page, 'stage,region');
  // The second chip before the first.
  const first = await at(page, '.gchip >> nth=0');
  await drag(page, await at(page, '.gchip >> nth=1 >> .grip'), { x: first.left + 4, y: first.y });
  await shown(page, 'region,stage');
  await page.click('.gchip >> nth=0 >> .x');
  await shown(page, 'stage');
  await page.click('#toasts-polite .toast:last-child button');
  await shown(page, 'region,stage');
  await page.goBack();
  await page.waitForSelector('#groupbar');
  assert.deepEqual(await faultsOf(page), []);
  await end();
});

test('groups by keys alone: menu of a column, arrows open and close, what was open stays open', async () => {
  const { page, end } = await visit(browser, server.base);
  await page.goto(`${server.base}/c/order`);
  await page.focus('th[data-path=date] .menu-btn');
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'Group by this' }).locator('visible=true').focus();
  await page.keyboard.press('Enter');
  await shown(page, 'date:month');
  await page.waitForSelector('tr.grp[aria-expanded=true]');
  await page.waitForSelector('tr.rec');
  const head = page.locator('tr.grp').first();
  await head.focus();
  await page.keyboard.press('ArrowLeft');
  assert.equal(await head.getAttribute('aria-expanded'), 'false');
  assert.equal(await page.locator('tr.rec').first().isVisible(), false);
  await page.keyboard.press('ArrowRight');
  assert.equal(await head.getAttribute('aria-expanded'), 'true');
  await page.keyboard.press('ArrowRight');
  assert.match(await focused(page), /^r-|rec/);
  await page.keyboard.press('ArrowLeft');
  assert.match(await focused(page), /^g-/);
  await page.waitForLoadState('networkidle');
  const open = await page.locator('tr.grp[aria-expanded=true]').evaluateAll(all => all.map(one => one.id));
  await page.reload();
  await page.waitForFunction(count => document.querySelectorAll('tr.grp[aria-expanded=true]').length === count, open.length);
  // Another span of time, by the menu of the chip.
  await page.click('.gchip .k');
  await page.locator('#level-1').getByRole('link', { name: 'quarter' }).click();
  await shown(page, 'date:quarter');
  assert.match(await page.textContent('tr.grp .gh'), /Q\d 20\d\d/);
  await page.click('.gchip .k');
  await page.locator('#level-1 a', { hasText: 'By count' }).first().click();
  await page.waitForFunction(() => location.search.includes('-count'));
  const counts = (await page.locator('tr.grp .ct').allTextContents()).map(text => Number(text.replace(/,/g, '')));
  assert.deepEqual(counts, [...counts].sort((a, b) => b - a));
  await end();
});

test('totals are chosen in their cells and stand in groups too', async () => {
  const { page, end } = await visit(browser, server.base);
  await page.goto(`${server.base}/c/order?group=status`);
  await page.waitForSelector('#totals .tot');
  const cell = page.locator('#totals td', { has: page.locator('[popovertarget^=total-]') }).first();
  await cell.hover();
  await page.locator('#tot-3').focus();
  await page.keyboard.press('Enter');
  await page.locator('#total-3').getByRole('link', { name: 'How many different' }).click();
  await page.waitForFunction(() => location.search.includes('customer%3Acount_distinct'));
  await page.waitForSelector('#tot-3 small');
  assert.match(await page.textContent('#tot-3'), /distinct\s*\d+/);
  assert.match(await page.locator('tr.grp').first().locator('td').nth(1).textContent(), /^\s*\d+\s*$/);
  await page.locator('#tot-6').click();
  await page.locator('#total-6').getByRole('link', { name: 'No total' }).click();
  await page.waitForFunction(() => !new URL(location.href).searchParams.get('totals').includes('total:'));
  await end();
});

test('columns are moved, widened, pinned and hidden, are remembered, and come back', async () => {
  const { page, end } = await visit(browser, server.base, { user: 'admin' });
  await page.goto(`${server.base}/c/product`);
  await page.waitForSelector('#heads');
  const before = await headers(page);
  await drag(page, await at(page, `th[data-path="${before[2]}"] .th-sort`), { ...(await at(page, `th[data-path="${before[1]}"]`)), x: (await at(page, `th[data-path="${before[1]}"]`)).left + 8 });
  await page.waitForFunction(path => document.querySelectorAll('#heads th[data-path]')[1].dataset.path === path, before[2]);
  await page.click(`th[data-path="${before[2]}"] .menu-btn`);
  await page.locator(`th[data-path="${before[2]}"] [data-column=right]`).click();
  await page.waitForFunction(path => document.querySelectorAll('#heads th[data-path]')[2].dataset.path === path, before[2]);
  assert.deepEqual(await headers(page), before);
  const width = () => page.locator(`th[data-path="${before[1]}"]`).evaluate(one => one.getBoundingClientRect().width);
  const wide = await width();
  const edge = await at(page, `th[data-path="${before[1]}"] .rs`);
  await Promise.all([page.waitForResponse(answer => answer.url().includes('/layout')), drag(page, edge, { x: edge.x + 60, y: edge.y })]);
  assert.ok(Math.abs(await width() - wide - 60) < 4, `${await width()} ${wide}`);
  await page.hover(`th[data-path="${before[1]}"]`);
  await page.click(`th[data-path="${before[1]}"] .menu-btn`);
  await Promise.all([page.waitForResponse(answer => answer.url().includes('/layout')), page.locator(`th[data-path="${before[1]}"] [data-column=wider]`).click()]);
  await page.hover(`th[data-path="${before[1]}"]`);
  await page.click(`th[data-path="${before[1]}"] .menu-btn`);
  await page.locator(`th[data-path="${before[1]}"] [data-column=pin]`).click();
  await page.waitForSelector(`th.pin[data-path="${before[1]}"]`);
  await page.hover(`th[data-path="${before[3]}"]`);
  await page.click(`th[data-path="${before[3]}"] .menu-btn`);
  await page.locator(`th[data-path="${before[3]}"] [data-column=hide]`).click();
  await page.waitForFunction(path => !document.querySelector(`th[data-path="${path}"]`), before[3]);
  await page.reload();
  await page.waitForSelector('#heads');
  assert.deepEqual(await headers(page), before.filter(one => one !== before[3]));
  assert.ok(await width() > wide + 60);
  await page.waitForSelector(`th.pin[data-path="${before[1]}"]`);
  // A field behind a link.
  await page.getByRole('button', { name: 'Columns' }).click();
  await page.waitForSelector('[data-columns-form] [data-through]');
  await page.locator('[data-columns-form] [data-through]').first().click();
  const through = page.locator('[data-columns-form] li[data-path*="."] input').first();
  await through.waitFor();
  const path = await through.getAttribute('value');
  await through.check();
  await page.locator('[data-columns-form] [type=submit]').click();
  await page.waitForSelector(`th[data-path="${path}"]`);
  await page.hover('th.name');
  await page.click('th.name .menu-btn');
  await page.locator('th.name [data-column=reset]').click();
  await page.waitForSelector(`th[data-path="${before[3]}"]`);
  assert.deepEqual(await headers(page), before);
  await end();
});

test('a cell is edited in place, saved, undone; errors and conflicts are said at the cell', async () => {
  const { page, end } = await visit(browser, server.base, { quiet: ['422', '412'] });
  await page.goto(`${server.base}/c/customer?sort=name&cols=name,next_step,stage,email,updated_at`);
  await page.waitForSelector('tr.rec');
  const cell = row => `tr.rec >> nth=${row} >> td[data-path=next_step]`;
  const before = (await page.textContent(cell(0))).trim();
  await page.dblclick(cell(0));
  await page.waitForSelector('#cell-pop input.input');
  await page.fill('#cell-pop input.input', 'Typed in the list');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelector('tr.rec td[data-path=next_step]').textContent.trim() === 'Typed in the list');
  assert.equal(await page.evaluate(() => document.activeElement?.dataset.path), 'next_step');
  await page.click('#toasts-polite .toast:last-child button');
  await page.waitForFunction(before => document.querySelector('tr.rec td[data-path=next_step]').textContent.trim() === before, before);
  // Typing begins; Tab goes on to the next cell that can be edited.
  await page.focus('tr.rec td[data-path=next_step]');
  await page.keyboard.press('Z');
  await page.waitForSelector('#cell-pop input.input');
  assert.equal(await page.inputValue('#cell-pop input.input'), 'Z');
  await page.keyboard.type('eal');
  await page.keyboard.press('Tab');
  await page.waitForSelector('#cell-pop select');
  await page.keyboard.press('Escape');
  assert.equal(await page.textContent('tr.rec td[data-path=next_step]'), 'Zeal');
  assert.equal(await page.evaluate(() => document.activeElement?.dataset.path), 'stage');
  // What is wrong is said there, and stays typed.
  await page.focus('tr.rec td[data-path=email]');
  await page.keyboard.press('F2');
  await page.waitForSelector('#cell-pop input.input');
  await page.fill('#cell-pop input.input', 'no address');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#cell-pop .cell-say:not([hidden])');
  assert.equal(await page.inputValue('#cell-pop input.input'), 'no address');
  await page.keyboard.press('Escape');
  // Somebody else was faster.
  const id = await page.getAttribute('tr.rec', 'data-id');
  await page.dblclick(cell(0));
  await page.waitForSelector('#cell-pop input.input');
  await page.evaluate(async id => {
    const version = document.querySelector('tr.rec').dataset.version;
    await fetch(`/c/customer/${id}/cell`, { method: 'POST', headers: { accept: 'application/json' }, body: new URLSearchParams({ _csrf: document.querySelector('meta[name=csrf]').content, version, 'f.next_step': 'Theirs', 'was.f.next_step': 'Zeal' }) });
  }, id);
  await page.fill('#cell-pop input.input', 'Mine');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#cell-pop .clash');
  assert.match(await page.textContent('#cell-pop .clash'), /Theirs/);
  await page.click('[data-clash-mine]');
  await page.waitForFunction(() => document.querySelector('tr.rec td[data-path=next_step]').textContent.trim() === 'Mine');
  // What is calculated cannot be typed.
  await page.dblclick('tr.rec td[data-path=updated_at]');
  await page.waitForFunction(() => /cannot be edited/.test(document.querySelector('#toasts-polite').textContent));
  await end();
});

test('cards of a board move by dragging, by menu and by keys; a refusal goes back', async () => {
  const { page, end } = await visit(browser, server.base, { quiet: ['409'] });
  await page.goto(`${server.base}/c/customer?kind=board:stage`);
  await page.waitForSelector('.kcard');
  await page.waitForFunction(() => /\d/.test(document.querySelector('#lane-count-0').textContent));
  const lane = value => `.lane[data-value="${value}"]`;
  const values = await page.locator('.lane').evaluateAll(all => all.map(one => one.dataset.value));
  const id = await page.getAttribute(`${lane(values[0])} .kcard`, 'data-id');
  const count = await page.textContent('#lane-count-0');
  await drag(page, await at(page, `#r-${id}`), await at(page, `${lane(values[1])} [data-lane]`));
  await page.waitForSelector(`${lane(values[1])} #r-${id}[data-version]`);
  await page.waitForFunction(count => document.querySelector('#lane-count-0').textContent !== count, count);
  await page.click('#toasts-polite .toast:last-child button');
  await page.waitForSelector(`${lane(values[0])} #r-${id}`);
  await page.waitForFunction(() => /Undone/.test(document.querySelector('#toasts-polite').textContent));
  await page.focus(`#r-${id}`);
  await page.keyboard.press('Alt+ArrowRight');
  await page.waitForSelector(`${lane(values[1])} #r-${id}`);
  await page.waitForFunction(id => document.activeElement?.id === `r-${id}`, id);
  await page.keyboard.press('m');
  await page.locator(`#move-menu [data-move-to="${values[0]}"]`).click();
  await page.waitForSelector(`${lane(values[0])} #r-${id}`);
  // An order that is worth nothing stays a draft: its step says what it needs.
  await page.goto(`${server.base}/c/order/new`);
  await page.waitForSelector('#form');
  const input = 'x-lookup[data-name="f.customer"] input[role=combobox]';
  await page.fill(input, 'a');
  await page.click(`#${await page.getAttribute(input, 'aria-controls')} [role=option] >> nth=0`);
  await page.click('#save');
  await page.waitForURL(/\/c\/order\/[0-9a-f-]{36}/);
  const order = page.url().split('/').pop().split('?')[0];
  await page.goto(`${server.base}/c/order?kind=board:status&sort=-created_at`);
  await page.focus(`#r-${order}`);
  await page.keyboard.press('Alt+ArrowRight');
  await page.waitForFunction(() => /this needs/i.test(document.querySelector('#toasts-urgent').textContent));
  await page.waitForSelector(`.lane[data-value=draft] #r-${order}`);
  assert.notEqual(await focused(page), 'body');
  await end();
});

test('a calendar moves records by dragging and by keys, and an empty day makes one', async () => {
  const { page, end } = await visit(browser, server.base);
  const made = await page.evaluate(async () => {
    const customer = (await (await fetch('/api/v1/records/customer?limit=1&fields=name')).json()).data[0].id;
    const answer = await fetch('/api/v1/records/order', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ customer, date: '2031-05-14' }) });
    return (await answer.json()).id;
  });
  await page.goto(`${server.base}/c/order?kind=calendar:date&at=2031-05-01`);
  const on = day => `.day[data-day="${day}"] .ev[data-id="${made}"]`;
  await page.waitForSelector(on('2031-05-14'));
  await drag(page, await at(page, on('2031-05-14')), await at(page, '.day[data-day="2031-05-20"]'));
  await page.waitForSelector(`${on('2031-05-20')}[data-version="2"]`);
  await page.waitForFunction(id => document.activeElement?.closest('.ev')?.dataset.id === id, made);
  await page.keyboard.press('Alt+ArrowDown');
  await page.waitForSelector(`${on('2031-05-27')}[data-version="3"]`);
  await page.click('#toasts-polite .toast:last-child button');
  await page.waitForSelector(on('2031-05-20'));
  await page.hover(on('2031-05-20'));
  await page.click(`${on('2031-05-20')} .move`);
  await page.fill('#day-menu input', '2031-05-02');
  await page.keyboard.press('Enter');
  // Kept, and drawn anew: what is clicked next stays where it is.
  await page.waitForSelector(`${on('2031-05-02')}[data-version="5"]`);
  await page.click('#cal-next');
  await page.waitForFunction(() => /June 2031/.test(document.querySelector('.calbar').textContent));
  await page.locator('.calbar .seg a', { hasText: 'Week' }).click();
  await page.waitForSelector('.cal.week');
  assert.equal(await page.locator('.day').count(), 7);
  const empty = await page.getAttribute('.day.none >> nth=0', 'data-day');
  await page.click('.day.none >> nth=0', { position: { x: 60, y: 120 } });
  await page.waitForURL(/\/c\/order\/new/);
  assert.equal(await page.inputValue('[name="f.date"]'), empty);
  await end();
});

test('coming back from a record leads to its row, also one far down; all that match can be chosen', async () => {
  // A company with more than one page of orders.
  const server = await serve(700);
  const { page, end } = await visit(browser, server.base);
  await page.goto(`${server.base}/c/order`);
  await page.waitForSelector('tr.rec');
  for (let rows = 100; rows < 200;) { await page.evaluate(() => { const wrap = document.querySelector('.grid-wrap'); wrap.scrollTop = wrap.scrollHeight; }); await page.waitForTimeout(200); rows = await page.locator('tr.rec').count(); if (!await page.locator('tbody.more').count()) break; }
  const row = page.locator('tr.rec').last();
  const id = await row.getAttribute('data-id');
  await row.locator('a').first().click();
  await page.waitForURL(new RegExp(id));
  await page.goBack();
  await page.waitForFunction(id => document.activeElement?.id === `r-${id}`, id);
  await page.goto(`${server.base}/c/order`);
  await page.waitForSelector('#count[data-rows]');
  await page.check('#check-all');
  await page.waitForSelector('#select-all-matches:not([hidden])');
  await page.click('#select-all-matches');
  assert.match(await page.textContent('#bulk-count'), /^All \d+ selected/);
  await end();
  await server.stop();
});

test('who may not change a field cannot move cards, and is told why', async () => {
  const { page, end } = await visit(browser, server.base, { user: 'sales', quiet: ['403'] });
  await page.goto(`${server.base}/c/product?kind=table`);
  await page.waitForSelector('tr.rec');
  assert.equal(await page.locator('#heads th[data-editable]').count(), 0);
  await end();
});

for (const phone of [false, true]) {
  for (const dark of [false, true]) {
    test(`no fault of access on any kind of list, ${phone ? 'phone' : 'desk'}, ${dark ? 'dark' : 'light'}`, async () => {
      const { page, end } = await visit(browser, server.base, { phone, dark });
      const pages = [['grouped', '/c/customer?group=stage,region'], ['cards', '/c/customer?kind=cards'], ['board', '/c/order?kind=board:status'], ['calendar', '/c/order?kind=calendar:date'], ['week', '/c/order?kind=calendar:date&span=week']];
      for (const [name, path] of pages) {
        await page.goto(server.base + path);
        await page.waitForTimeout(600);
        await picture(page, `list-${name}-${phone ? 'phone' : 'desk'}${dark ? '-dark' : ''}`);
        assert.deepEqual(await faultsOf(page), [], name);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1), false, `${name} is wider than the screen`);
      }
      if (phone) {
        await page.goto(`${server.base}/c/customer?group=stage`);
        await page.click('[popovertarget=list-options]');
        await page.locator('#list-options').getByRole('button', { name: 'Add a level of groups' }).click();
        await page.locator('#group-menu').getByRole('link', { name: 'Region' }).click();
        await page.waitForFunction(() => location.search.includes('stage%2Cregion'));
        await page.tap('tr.grp >> nth=0');
        await page.waitForTimeout(200);
      }
      await end();
    });
  }
}

// Typing while the form calculates: answers come late and between two keys, and nothing that was typed is lost by them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { api, launch, picture, serve, visit } from './fixture.mjs';

let server, browser;
before(async () => { server = await serve(30, ['tests/browser/pack']); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

/** A new case, whose calculations come back after some time, each after another. */
async function open() {
  const visited = await visit(browser, server.base, { user: 'admin' });
  const { page } = visited;
  let asked = 0;
  await page.route('**/recompute', async route => {
    await new Promise(done => setTimeout(done, [250, 20, 400, 80][asked++ % 4]));
    await route.continue().catch(() => {});
  });
  await page.goto(`${server.base}/c/typing_case/new`);
  await page.waitForSelector('[name="f.subject"]');
  return { ...visited, asked: () => asked };
}

const value = (page, name) => page.inputValue(`#form [name="f.${name}"]`);

test('what is typed fast stays as it was typed, whatever answers meanwhile', async () => {
  const { page, end, asked } = await open();
  // Its answer comes while one types on.
  const under = page.waitForRequest('**/recompute');
  await page.fill('[name="f.amount"]', '12');
  await page.focus('[name="f.subject"]');
  await under;
  const words = 'the quick brown fox jumps over the lazy dog '.repeat(6).trim();
  await page.keyboard.type(words, { delay: 12 });
  assert.equal(await value(page, 'subject'), words);
  // In the middle of a text the caret stays where it is.
  await page.evaluate(() => document.querySelector('[name="f.subject"]').setSelectionRange(4, 4));
  await page.keyboard.type('very very very ', { delay: 40 });
  assert.equal(await value(page, 'subject'), words.replace('quick', 'very very very quick'));
  // A number that the total follows from, then at once a long text.
  await page.fill('[name="f.amount"]', '');
  await page.focus('[name="f.amount"]');
  await page.keyboard.type('1234.5', { delay: 30 });
  await page.keyboard.press('Tab');
  await page.focus('[name="f.notes"]');
  const text = Array.from({ length: 8 }, (_, n) => `line ${n} of a note`).join(' and ');
  await page.keyboard.type(text, { delay: 8 });
  await page.waitForFunction(() => /1,?234[.,]5/.test(document.querySelector('[data-field="f.total"]')?.textContent ?? ''));
  assert.equal(await value(page, 'notes'), text);
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('name')), 'f.notes', 'the focus is where one types');
  assert.ok(asked() >= 2, `the form was calculated meanwhile, ${asked()} times`);
  await end();
});

test('fields come, go, ask and lock while one types beside them', async () => {
  const { page, end } = await open();
  for (const [name, kind] of [['Hammer', 'hard'], ['Sponge', 'soft']]) await api(page, '/records/typing_part', { name, kind });
  const reason = page.locator('#form [name="f.reason"]');
  assert.equal(await reason.isVisible(), false);
  await page.locator('#form [name="f.kind"][value=soft], #form select[name="f.kind"]').first().evaluate((one) => {
    if (one instanceof HTMLSelectElement) one.value = 'soft'; else one.checked = true;
    one.dispatchEvent(new Event('input', { bubbles: true })); one.dispatchEvent(new Event('change', { bubbles: true }));
  });
  await page.focus('[name="f.subject"]');
  await page.keyboard.type('typed while a field comes', { delay: 25 });
  await reason.waitFor({ state: 'visible' });
  assert.equal(await value(page, 'subject'), 'typed while a field comes');
  // Asked for from a hundred on, and locked from five hundred on: what stood there stays.
  await page.fill('[name="f.fixed"]', 'stays');
  await page.focus('[name="f.amount"]');
  await page.keyboard.type('600', { delay: 20 });
  await page.focus('[name="f.reason"]');
  await page.keyboard.type('because it costs so much', { delay: 25 });
  await page.waitForFunction(() => document.querySelector('[data-field="f.reason"] .req'));
  await page.waitForFunction(() => !document.querySelector('#form input[name="f.fixed"]:not([type=hidden]):not([readonly])'));
  assert.match(await page.textContent('[data-field="f.fixed"]').then(async (text) => text + (await page.locator('[data-field="f.fixed"] input').evaluateAll((all) => all.map((one) => one.value).join(' ')))), /stays/);
  assert.equal(await value(page, 'reason'), 'because it costs so much');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('name')), 'f.reason');
  await picture(page, 'typing-rules');
  await end();
});

test('rows are typed as fast as fields', async () => {
  const { page, end } = await open();
  await page.click('x-lines [data-add]');
  await page.waitForSelector('x-lines tr.editing');
  for (const [what, quantity, price] of [['bolts', '12', '2.5'], ['nuts', '7', '1.25'], ['washers', '100', '0.5']]) {
    await page.keyboard.type(what, { delay: 15 });
    await page.keyboard.press('Tab');
    await page.keyboard.type(quantity, { delay: 15 });
    await page.keyboard.press('Tab');
    await page.keyboard.type(price, { delay: 15 });
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => /88[.,]75/.test(document.querySelector('[data-field="f.sum"]')?.textContent ?? ''));
  const typed = await page.evaluate(() => [...document.querySelectorAll('x-lines tr.line')].map((row) => [...row.querySelectorAll('input[type=hidden]')].map((one) => one.value).filter(Boolean)).filter((row) => row.length));
  assert.deepEqual(typed.slice(0, 3), [['bolts', '12', '2.5'], ['nuts', '7', '1.25'], ['washers', '100', '0.5']]);
  await end();
});

test('what may be chosen follows another field, and nothing typed meanwhile is eaten', async () => {
  const { page, end } = await open();
  const names = { hard: 'Anvil', soft: 'Blanket' };
  for (const [kind, name] of Object.entries(names)) await api(page, '/records/typing_part', { name, kind });
  const choose = kind => page.locator('#form [name="f.kind"]').evaluateAll((all, kind) => {
    const one = all.find(one => one instanceof HTMLSelectElement || one.value === kind);
    if (one instanceof HTMLSelectElement) one.value = kind; else one.checked = true;
    one.dispatchEvent(new Event('input', { bubbles: true })); one.dispatchEvent(new Event('change', { bubbles: true }));
  }, kind);
  const part = '#form x-lookup[data-name="f.part"] [role=combobox]';
  const offered = () => page.locator('#form x-lookup[data-name="f.part"] [role=option][data-value]').evaluateAll(all => all.map(one => one.dataset.title));
  await choose('soft');
  await page.focus('[name="f.subject"]');
  await page.keyboard.type('typed while what may be chosen changes', { delay: 20 });
  assert.equal(await value(page, 'subject'), 'typed while what may be chosen changes');
  // Half a name stands in the field itself when the form comes back calculated.
  await page.fill('[name="f.amount"]', '7');
  await page.focus(part);
  await page.keyboard.type('blank', { delay: 60 });
  await page.waitForFunction(name => [...document.querySelectorAll('#form x-lookup[data-name="f.part"] [role=option][data-value]')].some(one => one.dataset.title === name), names.soft);
  assert.equal(await page.inputValue(part), 'blank');
  assert.ok(!(await offered()).includes(names.hard), 'only what fits is offered');
  for (let step = 0; step < 5 && (await page.locator('#form x-lookup[data-name="f.part"] [aria-selected=true]').count()) === 0; step++) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  assert.equal(await page.inputValue(part), names.soft);
  // The other field changes while one types elsewhere; the answers come late.
  await page.focus('[name="f.notes"]');
  await page.keyboard.type('one ', { delay: 20 });
  await choose('hard');
  await page.keyboard.type('two three four five six seven eight', { delay: 25 });
  await page.waitForLoadState('networkidle');
  assert.equal(await value(page, 'notes'), 'one two three four five six seven eight');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('name')), 'f.notes');
  assert.equal(await value(page, 'subject'), 'typed while what may be chosen changes');
  await page.click(part);
  await page.waitForFunction(name => [...document.querySelectorAll('#form x-lookup[data-name="f.part"] [role=option][data-value]')].some(one => one.dataset.title === name), names.hard);
  assert.ok(!(await offered()).includes(names.soft));
  await end();
});

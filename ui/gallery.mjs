// Looks at every page of the gallery in a real browser: console errors, refusals by the policy, overflow on a phone,
// accessibility; and takes pictures.
//
//   cargo run -p web --example gallery -- 8130 &
//   node gallery.mjs http://127.0.0.1:8130 [--pictures DIR] [--only NAME,NAME]
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const [base = 'http://127.0.0.1:8130', ...flags] = process.argv.slice(2);
const option = (name) => (flags.includes(name) ? flags[flags.indexOf(name) + 1] : undefined);
const pictures = option('--pictures');
const only = option('--only')?.split(',');
const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const PAGES = [
  ['list', '/c/customer'], ['list-empty', '/c/customer?state=empty'], ['list-no-match', '/c/customer?state=no_match&q=xyz'], ['list-failed', '/c/customer?state=failed'], ['list-forbidden', '/c/customer?state=forbidden'],
  ['record', '/c/customer/1'], ['record-conflict', '/c/customer/1?state=conflict'], ['record-errors', '/c/customer/1?state=errors'], ['record-locked', '/c/customer/1?state=locked'], ['record-types', '/c/customer/1?tab=types'], ['record-tree', '/c/customer/1?tab=tree'], ['record-related', '/c/customer/1?tab=orders'],
  ['order', '/c/order/1'], ['order-errors', '/c/order/1?state=errors'], ['order-new', '/c/order/new'], ['trash', '/c/customer/trash'], ['trash-empty', '/c/customer/trash?state=empty'],
  ['login', '/login'], ['login-demo', '/login?state=demo'], ['login-error', '/login?state=error'], ['password', '/login/password'], ['password-expired', '/login/password?state=expired'], ['me', '/me'], ['me-token', '/me?state=token&saved=1'],
  ['error-403', '/errors/forbidden'], ['error-404', '/errors/missing'], ['error-409', '/errors/conflict'], ['error-500', '/errors/broken'], ['error-offline', '/errors/offline'], ['docs', '/api/docs'],
];
const LAYERS = [
  ['palette', '/c/customer', async (page) => { await page.keyboard.press('Control+k'); await page.keyboard.type('red'); await page.waitForSelector('#cmdk mark'); }],
  ['user-menu', '/c/customer', async (page, phone) => { if (phone) await page.click('.mtab [data-do=menu]'); await page.click('.side-foot button'); }],
  ['filter-menu', '/c/customer', async (page, phone) => { await page.click(phone ? '.top [popovertarget=filter-menu]' : '#filters [popovertarget=filter-menu]'); await page.waitForSelector('#filter-menu .mi'); }],
  ['filter-editor', '/c/customer', async (page) => { await page.click('.chip .v'); await page.waitForSelector('#chip-menu form'); }],
  ['columns-menu', '/c/customer', async (page, phone) => { if (phone) return; await page.click('[popovertarget=columns-menu]'); await page.waitForSelector('#columns-menu li'); }],
  ['column-menu', '/c/customer', async (page, phone) => { if (phone) return; await page.hover('th.end'); await page.click('th.end .menu-btn'); }],
  ['selected', '/c/customer', async (page, phone) => { if (phone) return; await page.click('#r-2 .check'); await page.click('#r-5 .check', { modifiers: ['Shift'] }); }],
  ['lookup', '/c/customer/1', async (page) => { await page.fill('#f-owner', 'r'); await page.waitForSelector('#f-owner-list [role=option]'); }],
  ['edited', '/c/customer/1', async (page) => { await page.fill('#f-phone', '+86 1'); await page.fill('#f-limit', '700000'); await page.keyboard.press('Tab'); await page.waitForSelector('#savebar:not([hidden])'); await page.waitForTimeout(600); }],
  ['line-edit', '/c/order/1', async (page) => { await page.click('tr.line[data-n="1"] td[data-key=quantity]'); await page.waitForSelector('tr.editing input.num'); }],
  ['keys', '/c/customer', async (page, phone) => { if (phone) return; await page.keyboard.press('?'); await page.waitForSelector('#keys[open]'); }],
];
const SIZES = [['desktop', { width: 1440, height: 900 }, false], ['phone', { width: 390, height: 844 }, true]];
const LOOKS = [['', 'en', 'light'], ['-dark', 'en', 'dark'], ['-zh', 'zh-Hans', 'light']];

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--font-render-hinting=none'] });
let faults = 0;
let seen = 0;

async function look(name, path, act, [size, viewport, phone], [suffix, lang, theme]) {
  const context = await browser.newContext({ viewport, deviceScaleFactor: phone ? 2 : 1, hasTouch: phone, isMobile: phone, colorScheme: theme });
  const page = await context.newPage();
  const bad = [];
  page.on('console', (message) => { if (message.type() === 'error' || message.type() === 'warning') bad.push(`console: ${message.text().slice(0, 300)}`); });
  page.on('pageerror', (error) => bad.push(`page: ${String(error).slice(0, 300)}`));
  await page.addInitScript(() => document.addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.sourceFile}:${event.lineNumber} ${event.sample}`)));
  await page.goto(`${base}${path}${path.includes('?') ? '&' : '?'}lang=${lang}&theme=${theme}`, { waitUntil: 'networkidle' });
  await page.evaluate(() => document.fonts.ready);
  if (act) { try { await act(page, phone); } catch (error) { bad.push(`act: ${String(error).split('\n')[0]}`); } }
  await page.waitForTimeout(200);
  if (pictures) await page.screenshot({ path: `${pictures}/${name}-${size}${suffix}.png` });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (overflow > 0) bad.push(`overflow by ${overflow} px`);
  const raw = await page.evaluate(() => document.body.innerText.match(/\b(?:js|list|record|shell|field|error|me)\.[a-z_]+\b/g));
  if (raw) bad.push(`raw texts: ${raw.join(' ')}`);
  const ids = await page.evaluate(() => { const all = [...document.querySelectorAll('[id]')].map((element) => element.id); return all.filter((id, at) => all.indexOf(id) !== at); });
  if (ids.length) bad.push(`double ids: ${[...new Set(ids)].join(' ')}`);
  await page.evaluate(`(()=>{const define=undefined,module=undefined;${axe}})()`).catch(async () => { await context.newCDPSession(page).then((cdp) => cdp.send('Runtime.evaluate', { expression: axe })); });
  const found = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  for (const rule of found.violations) bad.push(`axe ${rule.id}: ${rule.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary?.split('\n')[1]?.trim().slice(0, 150)}`).join(' | ')}`);
  seen += 1;
  if (bad.length) { faults += bad.length; console.log(`${name} ${size}${suffix}\n  ${[...new Set(bad)].join('\n  ')}`); }
  await context.close();
}

if (pictures) fs.mkdirSync(pictures, { recursive: true });
for (const [name, path, act] of [...PAGES, ...LAYERS]) {
  if (only && !only.includes(name)) continue;
  for (const size of SIZES) for (const how of LOOKS) await look(name, path, act, size, how);
}
await browser.close();
console.log(`${seen} looks, ${faults} faults`);
process.exit(faults ? 1 : 0);

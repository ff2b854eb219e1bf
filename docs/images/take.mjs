// Takes the pictures of README.md: node docs/images/take.mjs ADDRESS (of `cardstock demo --records 3000`).
// Make them small afterwards, with pngquant or the like: a test allows 200 kB each.
// Chromium from $CHROMIUM or /usr/bin/chromium; packages from ui/node_modules.
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(path.join(here, '../../ui/package.json'));
const { chromium } = require('playwright-core');
const base = process.argv[2] ?? 'http://127.0.0.1:8080';
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });

async function visit({ width, height, dark = false, phone = false }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', hasTouch: phone, deviceScaleFactor: 1 });
  const page = await context.newPage();
  await page.goto(`${base}/login`);
  await page.fill('#name', 'manager');
  await page.fill('#password', 'demo-manager-1');
  await page.click('#login-form button[type=submit]');
  await page.waitForURL(url => !url.pathname.startsWith('/login'));
  return page;
}

async function take(page, address, name) {
  await page.goto(base + address);
  await page.waitForLoadState('networkidle');
  await page.evaluate(() => document.activeElement?.blur());
  await page.screenshot({ path: path.join(here, `${name}.png`) });
}

const filter = encodeURIComponent(JSON.stringify({ all: [{ field: 'date', op: 'in', value: 'last_365_days' }, { field: 'status', op: 'any_of', value: ['confirmed', 'shipped'] }] }));
const desk = await visit({ width: 1440, height: 860 });
await take(desk, `/c/order?filter=${filter}`, 'list');
const order = await desk.locator('main a[href^="/c/order/"]').nth(2).getAttribute('href');
await take(desk, order, 'record');
const phone = await visit({ width: 390, height: 800, dark: true, phone: true });
await phone.evaluate(() => fetch('/lang/zh-Hans', { method: 'POST', body: new URLSearchParams({ next: '/' }) }));
await take(phone, '/c/customer', 'phone');
await browser.close();

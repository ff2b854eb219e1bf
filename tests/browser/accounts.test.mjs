// Accounts in a real browser: an invitation, a password, a second factor, a recovery code; a session that is ended.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { faultsOf, launch, picture, rawKeys, serve, visit } from './fixture.mjs';

let server, browser;
before(async () => { server = await serve(120); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

const admin = { user: 'admin', password: 'demo-admin-1' };

/** The code that an authenticator app shows, so many half minutes from now. */
function code(secret, steps = 0) {
  const bits = [...secret.replace(/[\s=]/g, '')].map(sign => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(sign).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map(byte => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + steps));
  const mac = createHmac('sha1', key).update(counter).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** A browser of somebody who is not signed in. */
async function stranger() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en' });
  return { context, page: await context.newPage() };
}

async function signIn(page, name, password) {
  await page.goto(`${server.base}/login`);
  await page.fill('#name', name);
  await page.fill('#password', password);
  await page.click('#login-form button[type=submit]');
}

test('an invitation becomes an account with a second factor, and a recovery code opens it', async () => {
  const { page, end } = await visit(browser, server.base, { ...admin, quiet: ['422'] });
  await page.goto(`${server.base}/studio/users`);
  await page.click('a[href="/studio/users/new"]');
  await page.fill('#user-login', 'wei.zhang');
  await page.fill('#user-name', 'Zhang Wei');
  await page.fill('#user-email', 'wei.zhang@example.com');
  await page.check('#user-groups input[value=sales]');
  await picture(page, 'accounts-invite');
  await page.click('#user-form button[type=submit]');
  await page.waitForSelector('#user-link');
  const link = await page.textContent('#user-link');
  assert.match(link, /^http:\/\/127\.0\.0\.1:\d+\/login\/link\/[\w-]{43}$/);
  assert.deepEqual(await faultsOf(page), []);
  await picture(page, 'accounts-link');
  await end();

  const { page: own, context } = await stranger();
  await own.goto(link);
  assert.match(await own.textContent('h1'), /Zhang Wei/);
  await own.fill('#password', 'password123');
  await own.fill('#again', 'password123');
  await own.keyboard.press('Enter');
  await own.waitForSelector('#password-error');
  assert.match(await own.textContent('#password-error'), /first that others would try/);
  await own.fill('#password', 'three green bicycles');
  await own.fill('#again', 'three green bicycles');
  await own.keyboard.press('Enter');
  await own.waitForURL(/\/login(\?|$)/);
  await signIn(own, 'wei.zhang', 'three green bicycles');
  await own.waitForURL(url => !url.pathname.startsWith('/login'));
  // A second factor.
  await own.goto(`${server.base}/me/second`);
  const secret = await own.textContent('#second-secret');
  assert.ok(await own.evaluate(() => document.querySelector('.qr img').naturalWidth > 50), 'the picture is drawn');
  await picture(own, 'accounts-second');
  await own.fill('#second-code', code(secret));
  await own.keyboard.press('Enter');
  await own.waitForSelector('#recovery-codes');
  const codes = await own.locator('#recovery-codes code').allTextContents();
  assert.equal(codes.length, 10);
  await picture(own, 'accounts-codes');
  await own.evaluate(() => document.querySelector('[data-sign-out]').requestSubmit());
  await own.waitForURL(/\/login(\?|$)/);
  // With the app.
  await signIn(own, 'wei.zhang', 'three green bicycles');
  await own.waitForSelector('#code-form');
  assert.equal(await own.evaluate(() => document.activeElement.id), 'code');
  await picture(own, 'accounts-code');
  await own.fill('#code', code(secret, 1));
  await own.keyboard.press('Enter');
  await own.waitForURL(url => !url.pathname.startsWith('/login'));
  await own.evaluate(() => document.querySelector('[data-sign-out]').requestSubmit());
  await own.waitForURL(/\/login(\?|$)/);
  // Without it.
  await signIn(own, 'wei.zhang', 'three green bicycles');
  await own.waitForSelector('#code-form');
  await own.fill('#code', codes[3]);
  await own.keyboard.press('Enter');
  await own.waitForURL(url => !url.pathname.startsWith('/login'));
  await own.goto(`${server.base}/me`);
  assert.match(await own.textContent('section[aria-labelledby=me-second]'), /9 recovery codes are left/);
  await context.close();
});

test('a session is ended from another, and is gone with the next click', async () => {
  const { page: there, context } = await stranger();
  await signIn(there, 'sales', 'demo-sales-1');
  await there.waitForURL(url => !url.pathname.startsWith('/login'));
  const { page, end } = await visit(browser, server.base, admin);
  await page.goto(`${server.base}/studio/sessions`);
  const line = page.locator('section[aria-labelledby=access-sessions] li', { has: page.locator('button') });
  const before = await line.count();
  assert.ok(before >= 1);
  await picture(page, 'accounts-sessions');
  await line.first().locator('button').click();
  await page.waitForSelector('.banner.t-green');
  assert.equal(await line.count(), before - 1);
  while (await line.count()) { await line.first().locator('button').click(); await page.waitForLoadState('load'); }
  await there.goto(`${server.base}/c/customer`);
  assert.match(there.url(), /\/login/);
  await context.close();
  await page.goto(`${server.base}/studio/log?log=signin&event=session_ended`);
  assert.ok(await page.locator('tbody tr').count() >= 1);
  await end();
});

test('the pages of accounts are sound, on desk and phone, in the light and the dark, in Chinese', async () => {
  for (const [name, options] of [['desk', {}], ['phone', { phone: true }], ['dark', { dark: true }], ['zh', { locale: 'zh-CN' }]]) {
    const { page, end } = await visit(browser, server.base, { ...admin, ...options });
    if (name === 'zh') {
      await page.evaluate(async () => fetch('/lang/zh-Hans', { method: 'POST', body: new URLSearchParams({ next: '/me', _csrf: document.querySelector('meta[name=csrf]').content }) }));
    }
    await page.goto(`${server.base}/studio/users?q=manager&state=all`);
    const person = await page.getAttribute('.people a', 'href');
    for (const path of ['/studio/users', '/studio/users/new', person, '/studio/groups', '/studio/groups/sales', '/studio/sessions', '/studio/log?log=signin', '/studio/log?log=operation', '/me', '/me/second', '/me/confirm']) {
      await page.goto(server.base + path);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1);
      assert.ok(!wide, `${name} ${path} is wider than the screen`);
      assert.deepEqual(await faultsOf(page), [], `${name} ${path}`);
      assert.deepEqual(await rawKeys(page), [], `${name} ${path}`);
      await picture(page, `accounts-${name}-${path.split('?')[0].split('/').filter(Boolean).map(part => part.length > 30 ? 'person' : part).join('-')}${path.includes('operation') ? '-operations' : ''}`);
    }
    if (name === 'zh') {
      await page.evaluate(async () => fetch('/lang/en', { method: 'POST', body: new URLSearchParams({ next: '/me', _csrf: document.querySelector('meta[name=csrf]').content }) }));
    }
    await end();
  }
});

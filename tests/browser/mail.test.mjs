// Letters that really arrive: an invitation, and a link for whoever forgot the password.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { faultsOf, launch, mailServer, picture, rawKeys, serve, visit } from './fixture.mjs';

/** A port that is free at the moment: the site must know its own address before it is served. */
const freePort = () => new Promise(done => {
  const held = net.createServer().listen(0, '127.0.0.1', () => { const { port } = held.address(); held.close(() => done(port)); });
});

let server, browser, mails;
before(async () => {
  mails = await mailServer();
  const listen = `127.0.0.1:${await freePort()}`;
  server = await serve(120, [], ['--listen', listen, '--base-url', `http://${listen}`, '--mail-server', `smtp://localhost:${mails.port}`, '--mail-from', 'Cards <cards@example.com>']);
  browser = await launch();
});
after(async () => { await browser?.close(); await server?.stop(); await mails?.stop(); });

/** The next letter to an address, and the link in it. */
async function letter(to, before = 0) {
  for (let tries = 0; tries < 300; tries++) {
    const found = mails.taken.filter(mail => mail.to.includes(to))[before];
    if (found) return { ...found, link: /http:\S+/.exec(found.text)[0] };
    await new Promise(done => setTimeout(done, 100));
  }
  throw new Error(`no letter to ${to}: ${JSON.stringify(mails.taken)}`);
}

test('an invitation arrives, and so does a link for a forgotten password', async () => {
  const { page, end } = await visit(browser, server.base, { user: 'admin' });
  await page.goto(`${server.base}/studio/users/new`);
  await page.fill('#user-login', 'li.na');
  await page.fill('#user-name', 'Li Na');
  await page.fill('#user-email', 'li.na@example.com');
  await page.check('#user-groups input[value=sales]');
  await page.click('#user-form button[type=submit]');
  await page.waitForSelector('#user-link');
  assert.match(await page.textContent('[role=status]'), /on its way to li\.na@example\.com/);

  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, locale: 'en' });
  const own = await context.newPage();
  const invitation = await letter('li.na@example.com');
  await own.goto(invitation.link);
  await own.fill('#password', 'seven quiet herons fish');
  await own.fill('#again', 'seven quiet herons fish');
  await own.keyboard.press('Enter');
  await own.waitForURL('**/login?notice=password');

  // Months later nobody remembers herons.
  await own.click('a[href="/login/forgotten"]');
  assert.deepEqual([...await faultsOf(own), ...await rawKeys(own)], []);
  await own.fill('#name', 'LI.NA@example.com');
  await own.keyboard.press('Enter');
  await own.waitForSelector('[role=status]');
  assert.deepEqual([...await faultsOf(own), ...await rawKeys(own)], []);
  await picture(own, 'mail-forgotten-phone');
  const reset = await letter('li.na@example.com', 1);
  assert.notEqual(reset.link, invitation.link);
  await own.goto(reset.link);
  await own.fill('#password', 'nine loud geese migrate');
  await own.fill('#again', 'nine loud geese migrate');
  await own.keyboard.press('Enter');
  await own.waitForURL('**/login?notice=password');
  await own.fill('#name', 'li.na');
  await own.fill('#password', 'nine loud geese migrate');
  await own.keyboard.press('Enter');
  await own.waitForURL(url => !url.pathname.startsWith('/login'));
  await context.close();

  // Administrators see that they left, and not what they said.
  await page.goto(`${server.base}/studio/outgoing?state=sent`);
  assert.equal(await page.locator('.job-line').count(), 2);
  assert.ok(!(await page.content()).includes('/login/link/'));
  assert.deepEqual([...await faultsOf(page), ...await rawKeys(page)], []);
  await page.locator('summary').first().click();
  await picture(page, 'mail-outgoing');
  await end();
});

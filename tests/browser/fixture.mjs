// Starts the real server with demo data, and a browser; makes every test fail on what a person would never report:
// console errors, broken policies, pages wider than the screen.
import { execFileSync, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const require = createRequire(path.join(root, 'ui/package.json'));
const { chromium } = require('playwright-core');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const artifacts = path.join(root, 'tests/artifacts');

/** Serves a demo company of so many records on a free port, with more packs than those that ship, and more flags. */
export async function serve(records = 300, packs = [], flags = []) {
  const bin = process.env.CARDSTOCK_BIN ?? path.join(process.env.CARGO_TARGET_DIR ?? path.join(root, 'target'), 'debug/cardstock');
  const folder = packs.length ? fs.mkdtempSync(path.join(os.tmpdir(), 'cardstock-browser-')) : null;
  const kept = folder ? ['--data', folder] : [];
  for (const pack of packs) execFileSync(bin, ['pack', 'install', path.join(root, pack), ...kept]);
  const listen = flags.includes('--listen') ? [] : ['--listen', '127.0.0.1:0'];
  const child = spawn(bin, ['demo', ...listen, '--records', String(records), ...kept, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  const base = await new Promise((done, fail) => {
    let text = '';
    child.stdout.on('data', chunk => {
      text += chunk;
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(text);
      if (found) done(found[0]);
    });
    child.on('exit', code => fail(new Error(`the server ended with ${code}: ${text}`)));
  });
  const gone = () => { if (folder) fs.rmSync(folder, { recursive: true, force: true }); };
  return { base, folder, stop: () => new Promise(done => { child.once('exit', () => { gone(); done(); }); child.kill('SIGTERM'); }) };
}

/** A mail server: what it took so far, each message as an object. */
export async function mailServer() {
  const child = spawn(process.execPath, [path.join(root, 'tests/mail/server.mjs')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = [];
  let text = '';
  const ports = await new Promise((done, fail) => {
    child.stdout.on('data', chunk => {
      text += chunk;
      const parts = text.split('\n');
      text = parts.pop();
      for (const line of parts.map(part => JSON.parse(part))) line.plain ? done(line) : lines.push(line);
    });
    child.on('exit', code => fail(new Error(`the mail server ended with ${code}`)));
  });
  return { port: ports.plain, taken: lines, stop: () => new Promise(done => { child.once('exit', done); child.kill(); }) };
}

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

/** A page of a person who is signed in. `quiet` are parts of console messages that belong to the test. */
export async function visit(browser, base, { user = 'manager', password = `demo-${user}-1`, phone = false, dark = false, locale = 'en', quiet = [] } = {}) {
  const context = await browser.newContext({ viewport: phone ? { width: 390, height: 844 } : { width: 1440, height: 900 }, hasTouch: phone, colorScheme: dark ? 'dark' : 'light', locale });
  const page = await context.newPage();
  const faults = [];
  page.on('console', message => {
    if (message.type() === 'error' && !quiet.some(part => message.text().includes(part))) faults.push(`console: ${message.text()}`);
  });
  page.on('pageerror', error => faults.push(`error: ${error}`));
  page.on('dialog', dialog => { if (dialog.type() !== 'beforeunload') faults.push(`dialog: ${dialog.message()}`); void dialog.accept(); });
  await page.addInitScript(() => addEventListener('securitypolicyviolation', event => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)));
  await page.goto(`${base}/login`);
  await page.fill('#name', user);
  await page.fill('#password', password);
  await page.click('#login-form button[type=submit]');
  await page.waitForURL(url => !url.pathname.startsWith('/login'));
  return {
    page,
    /** Ends the visit; everything that went wrong meanwhile fails the test. */
    async end() {
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1);
      if (wide) faults.push(`${page.url()} is wider than the screen`);
      await context.close();
      if (faults.length) throw new Error(faults.join('\n'));
    },
  };
}

/** Accessibility faults of a page, in words. Run in a world of its own, so that the page's policy need not allow it. */
export async function faultsOf(page) {
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send('Page.getFrameTree');
  const { executionContextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id });
  const run = expression => session.send('Runtime.evaluate', { contextId: executionContextId, expression, awaitPromise: true, returnByValue: true });
  await run(axe);
  const { result } = await run(`axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(found => found.violations.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.target.join(' ')).join(' | ')))`);
  return result.value ?? [`axe did not run: ${JSON.stringify(result)}`];
}

const keys = Object.keys(JSON.parse(fs.readFileSync(path.join(root, 'ui/locales/en.json'), 'utf8'))).filter(key => key.includes('.'));

/** Keys of texts that stand on the screen as they are: nobody translated them, or a template misspelt them. */
export const rawKeys = page => page.evaluate(keys => {
  const words = new Set(document.body.innerText.split(/[^\w.]+/));
  return keys.filter(key => words.has(key));
}, keys);

/** What has the focus, in words; `body` means that it was lost. */
export const focused = page => page.evaluate(() => {
  const at = document.activeElement;
  return at === document.body || !at ? 'body' : `${at.tagName.toLowerCase()}#${at.id}`;
});

/** The JSON of a request as the person of the page. */
export const api = (page, path, body, method = body === undefined ? 'GET' : 'POST') => page.evaluate(async ([path, body, method]) => {
  const answer = await fetch(`/api/v1${path}`, { method, headers: { 'content-type': 'application/json' }, body: body === undefined ? undefined : JSON.stringify(body) });
  return answer.status === 204 ? null : answer.json();
}, [path, body, method]);

/** Keeps a picture for a person to look at. */
export async function picture(page, name) {
  fs.mkdirSync(artifacts, { recursive: true });
  await page.screenshot({ path: path.join(artifacts, `${name}.png`) });
}

// What must hold on every page: nothing that was typed runs, everybody can use it, every word is translated.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { api, faultsOf, launch, rawKeys, serve, visit } from './fixture.mjs';

let server, browser;
before(async () => { server = await serve(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

/** The pages of a first record of each kind, and those around it. */
async function addresses(page) {
  const cards = (await api(page, '/cards')).data.filter(card => card.key !== 'user');
  const found = ['/', '/me', '/api/docs'];
  for (const { key: card } of cards) {
    const first = (await api(page, `/records/${card}?limit=1&fields=id`)).data[0];
    found.push(`/c/${card}`, `/c/${card}/trash`, `/c/${card}?q=zzzz-nothing`);
    // Others are made on the record they belong to alone.
    if (!(await api(page, `/cards/${card}`)).entered_from) found.push(`/c/${card}/new`);
    if (first) found.push(`/c/${card}/${first.id}`);
  }
  return [...found, '/c/nonsense', '/nowhere'];
}

for (const [lang, dark] of [['en', false], ['zh-Hans', true]]) {
  test(`every page can be used by everybody, in ${lang}, ${dark ? 'dark, on a phone' : 'light, at a desk'}`, async () => {
    const { page, end } = await visit(browser, server.base, { user: 'admin', dark, phone: dark, quiet: ['404'] });
    await page.evaluate(async lang => fetch(`/lang/${lang}`, { method: 'POST', body: new URLSearchParams({ _csrf: document.querySelector('meta[name=csrf]').content, next: '/' }) }), lang);
    const faults = [];
    for (const path of await addresses(page)) {
      await page.goto(server.base + path, { waitUntil: 'networkidle' });
      for (const fault of await faultsOf(page)) faults.push(`${path}: ${fault}`);
      for (const key of await rawKeys(page)) faults.push(`${path}: the key ${key} stands on the screen`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1);
      if (wide) faults.push(`${path} is wider than the screen`);
    }
    assert.deepEqual(faults, []);
    await end();
  });
}

/** Two hundred texts that would do something, were they ever taken for anything but text. */
function payloads() {
  const run = 'alert(1)';
  const seeds = [
    `<script>${run}</script>`, `<img src=x onerror=${run}>`, `<svg onload=${run}>`, `<svg><script>${run}</script></svg>`, `<iframe src="javascript:${run}"></iframe>`, `<body onload=${run}>`, `<a href="javascript:${run}">x</a>`, `<details open ontoggle=${run}>`,
    `<input autofocus onfocus=${run}>`, `<video><source onerror=${run}></video>`, `<math><mtext></mtext><script>${run}</script></math>`, `<object data="javascript:${run}">`, `<embed src="javascript:${run}">`, `<form action="javascript:${run}"><button>x</button></form>`,
    `<button formaction="javascript:${run}">x</button>`, `<meta http-equiv="refresh" content="0;url=javascript:${run}">`, `<link rel=stylesheet href="data:text/css,*{}">`, `<style>@import 'javascript:${run}'</style>`, `<base href="//evil.example/">`, `<template><script>${run}</script></template>`,
    `<x-lookup data-name="f.name"></x-lookup>`, `<div hx-get="/me" hx-trigger="load">x</div>`, `<div hx-on:click="${run}">x</div>`, `<div data-hx-get="/logout" hx-trigger="load"></div>`, `<hx-partial hx-target="body">${run}</hx-partial>`,
    `{{ ${run} }}`, `{% include "/etc/passwd" %}`, `\${${run}}`, `<%= ${run} %>`, `#{${run}}`, `javascript:${run}`, `data:text/html,<script>${run}</script>`, `vbscript:${run}`, `&lt;script&gt;${run}&lt;/script&gt;`, `&#60;script&#62;${run}&#60;/script&#62;`,
    `\u003cscript\u003e${run}\u003c/script\u003e`, `%3Cscript%3E${run}%3C/script%3E`, `<<script>${run}//<</script>`, `<scr<script>ipt>${run}</scr</script>ipt>`, `<IMG SRC=JaVaScRiPt:${run}>`,
  ];
  const around = [text => text, text => `">${text}`, text => `'>${text}<'`, text => `</textarea></title></script>${text}`, text => `-->${text}<!--`];
  return around.flatMap(wrap => seeds.map(wrap));
}

test('two hundred texts that would run stay texts, in every field, label and name', async () => {
  const { page, end } = await visit(browser, server.base, { user: 'admin' });
  const all = payloads();
  assert.equal(all.length, 200);
  const texts = ['name', 'short_name', 'legal_representative', 'next_step', 'remark'];
  const made = [];
  for (let at = 0; at < all.length; at += texts.length) {
    const record = Object.fromEntries(texts.map((field, index) => [field, all[at + index].slice(0, field === 'short_name' ? 60 : 250)]));
    record.address = { city: all[at], street: all[at + 1], region: all[at + 2], postcode: all[at + 3], country: all[at + 4] };
    const answer = await api(page, '/records/customer', record);
    assert.ok(answer.id, JSON.stringify(answer));
    made.push(answer.id);
  }
  // A file's name is a text of somebody too.
  const files = await page.evaluate(async names => {
    const form = new FormData();
    for (const name of names) form.append('file', new File(['x'], name, { type: 'text/html' }), name);
    return (await fetch('/api/v1/files', { method: 'POST', body: form })).json();
  }, all.slice(0, 12).map(name => name.replace(/[\\/]/g, '∕')));
  await api(page, `/records/customer/${made[0]}`, { files: files.data.map(file => file.id) }, 'PATCH');
  const contact = await api(page, '/records/contact', { name: all[1], customer: made[0] });
  assert.ok(contact.id, JSON.stringify(contact));
  await api(page, `/records/customer/${made[1]}`, { name: all[2], next_step: all[0] }, 'PATCH');
  await api(page, `/records/customer/${made[2]}`, undefined, 'DELETE');
  // People have names, and so have groups; figures name the records they are made of.
  const people = [];
  for (const [index, name] of [all[1], all[2], all[41], all[121]].entries()) {
    const person = await api(page, '/users', { login: `odd${index}`, name, groups: ['sales'] });
    assert.ok(person.id, JSON.stringify(person));
    people.push(person.id);
  }
  const group = await api(page, '/groups', { labels: { en: all[1].slice(0, 60) } });
  assert.ok(group.key, JSON.stringify(group));
  const order = await api(page, '/records/order', { customer: made[0], lines: [] });
  assert.ok(order.id, JSON.stringify(order));
  const columns = ['name', 'short_name', 'legal_representative', 'next_step', 'remark', 'address.city'].join(',');
  const filter = encodeURIComponent(JSON.stringify({ all: [{ field: 'name', op: 'is_not', value: all[0] }, { field: 'next_step', op: 'contains', value: all[3] }] }));
  const pages = [
    `/c/customer?cols=${columns}`, `/c/customer?cols=${columns}&sort=-created_at`, `/c/customer?q=${encodeURIComponent(all[0])}`, `/c/customer?filter=${filter}`, `/c/customer?view=${encodeURIComponent(all[0])}`, `/c/customer?sort=name&after=${encodeURIComponent(all[0])}`,
    '/c/customer/trash', '/studio/users', ...people.map(id => `/studio/users/${id}`), '/studio/groups', '/studio/rights?card=customer', '/studio/sessions', '/studio/outgoing', '/studio/log?log=signin', '/studio/log?log=operation',
    `/studio/log?log=operation&user=${people[0]}`, `/lookup/user?q=${encodeURIComponent('<')}`, `/c/customer/${made[0]}/explain/order_total`, `/c/customer/${made[0]}/why`, `/palette?q=${encodeURIComponent('<script>')}`, `/lookup/customer?q=${encodeURIComponent('<img')}`, `/c/contact/${contact.id}`, `/c/contact/new?f.customer=${made[0]}&f.name=${encodeURIComponent(all[0])}`, `/c/contact?cols=name,customer`,
    `/c/customer/${made[1]}/history`, `/c/customer/${made[0]}?tab=files`, `/c/customer/${made[0]}?tab=contacts`, `/nowhere/${encodeURIComponent(all[0])}`, `/login?next=${encodeURIComponent('javascript:alert(1)')}`,
  ];
  const quiet = /404|400|Failed to load resource/;
  page.on('console', () => {});
  for (const path of [...pages, ...made.slice(3, 40).map(id => `/c/customer/${id}`)]) {
    await page.goto(server.base + path, { waitUntil: 'load' });
    const odd = await page.evaluate(() => document.querySelectorAll('main script, main iframe, main object, main embed, main base, main meta, main [onerror], main [onload], main [hx-on\\:click], main a[href^="javascript:" i], main form[action^="javascript:" i]').length);
    assert.equal(odd, 0, `${path} has an element that nobody wrote into a template`);
  }
  try { await end(); } catch (error) {
    const faults = error.message.split('\n').filter(line => !quiet.test(line));
    assert.deepEqual(faults, []);
  }
});

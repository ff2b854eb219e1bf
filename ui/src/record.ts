// A card being edited: what was changed, drafts, saving, conflicts, derived values, tabs.
import htmx from './htmx';
import { all, around, find, make, settled, t, whenever } from './dom';
import { Lines } from './lines';
import { send } from './net';
import { toast, toastLater } from './toast';
import { getValues, setValues, titlesOf } from './values';

type Entries = [string, string][];
interface Draft { version: string; at: number; entries: Entries; base: Entries; titles: Record<string, string> }

/** What the form started from, and of which record; that is sent along, so that only edits are saved. */
let baseline: Entries = [];
let baselineOf = '';
let leaving = false;
/** Whether the form was sent from here, so that the focus is ours to keep. */
let sent = false;

const form = () => find<HTMLFormElement>('#form');
const record = () => find<HTMLElement>('#record');
const fixed = new Set(['_csrf', 'accept', '_fresh', 'version', 'over', 'from', 'tab']);

function entriesOf(target: HTMLFormElement): Entries {
  return [...new FormData(target)].map(([name, value]): [string, string] => [name, String(value)]).filter(([name]) => !fixed.has(name));
}

/** A field with all its parts, or a whole table. */
const topOf = (name: string) => name.split('.').slice(0, 2).join('.');

/** What counts as one edit: a field with all its parts, or a row. Rows are known by their ids, as numbers change. */
function groups(entries: Entries): Map<string, string> {
  const ids = new Map(entries.filter(([name, value]) => value && /^c\.[^.]+\.\d+\.id$/.test(name)).map(([name, value]) => [name.slice(0, -3), value]));
  const found = new Map<string, string>();
  for (const [name, value] of entries) {
    const parts = name.split('.');
    const isRow = parts[0] === 'c' && parts.length > 3;
    const row = parts.slice(0, 3).join('.');
    const group = isRow ? ids.has(row) ? `${topOf(name)}#${ids.get(row)}` : row : topOf(name);
    found.set(group, `${found.get(group) ?? ''}${isRow ? parts.slice(3).join('.') : name}=${value}\n`);
  }
  return found;
}

function differing(now: Entries, before: Entries): string[] {
  const [left, right] = [groups(now), groups(before)];
  return [...new Set([...left.keys(), ...right.keys()])].filter((name) => (left.get(name) ?? '') !== (right.get(name) ?? ''));
}

function edits(): string[] {
  const target = form();
  return target ? differing(entriesOf(target), baseline) : [];
}

const draftKey = () => {
  const here = record();
  return here && `cardstock.draft:${document.body.dataset.draftScope}:${here.dataset.card}/${here.dataset.id || 'new'}`;
};

function keepDraft() {
  const target = form();
  const key = draftKey();
  if (!target || !key || document.body.dataset.drafts !== 'true' || !edits().length) return;
  const draft: Draft = { version: find<HTMLInputElement>('#version')?.value ?? '', at: Date.now(), base: baseline, entries: entriesOf(target).filter(([name]) => !isSecret(target, name)), titles: { ...titlesOf(target), ...rowTitles(target) } };
  try {
    localStorage.setItem(key, JSON.stringify(draft));
    const note = find('#edits-note');
    if (note) note.textContent = t('draft_kept') + invalid();
  } catch { /* a full or forbidden storage only means that no draft is kept */ }
}

const isSecret = (target: HTMLFormElement, name: string) => find(`input[type=password][name="${CSS.escape(name)}"]`, target) !== null;

function rowTitles(target: Element): Record<string, string> {
  const titles: Record<string, string> = {};
  for (const cell of all('td[data-sent]', target)) {
    const view = find<HTMLElement>('.v', cell);
    const words = view?.dataset.titles ? JSON.parse(view.dataset.titles) as Record<string, string> : {};
    Object.assign(titles, words);
    const hidden = all<HTMLInputElement>(':scope > input[type=hidden]', cell);
    if (hidden.length === 1 && hidden[0] && view?.textContent) titles[hidden[0].value] ??= view.textContent.trim();
  }
  return titles;
}

/** What had the focus may have been hidden, or replaced: it goes to what can be done next, else to the page. */
function keepFocus() {
  const at = document.activeElement;
  if (at && at !== document.body && at.checkVisibility()) return;
  const bar = find('#savebar');
  (bar && !bar.hidden ? find('#save') : find('#main'))?.focus({ preventScroll: true });
}

/** The open tab is in sight, however many there are. */
function showTab() {
  find('.tabline [aria-selected=true]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

/** Where the page was, and what had the focus, when the form was sent. */
let place = { main: 0, page: 0, at: '' };

function keepPlace() {
  const at = document.activeElement;
  place = { main: find('.rec-main')?.scrollTop ?? 0, page: scrollY, at: at?.closest('#form') ? at.id : '' };
}

/** A record that was saved is drawn anew: nothing moves away from whoever saved it. */
function comeBack() {
  const main = find('.rec-main');
  if (main) main.scrollTop = place.main;
  scrollTo(scrollX, place.page);
  const at = place.at ? document.getElementById(place.at) : null;
  if (at?.checkVisibility()) at.focus({ preventScroll: true }); else keepFocus();
}

function dropDraft() {
  const key = draftKey();
  if (key) localStorage.removeItem(key);
  const banner = find('#draft');
  if (banner) banner.hidden = true;
}

function offerDraft() {
  const key = draftKey();
  const banner = find('#draft');
  const kept = key && localStorage.getItem(key);
  if (!kept || !banner || !form()) return;
  const draft = JSON.parse(kept) as Draft;
  const when = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' }).format(draft.at);
  const words = find('[data-when]', banner);
  if (words) words.textContent = t('draft_from', { when });
  banner.hidden = false;
}

function takeDraft() {
  const target = form();
  const key = draftKey();
  const kept = key && localStorage.getItem(key);
  if (!target || !kept) return;
  const draft = JSON.parse(kept) as Draft;
  const base = draft.base ?? baseline;
  const edited = new Set(differing(draft.entries, base).map((group) => topOf(group.replace('#', '.'))));
  const byName = new Map<string, string[]>();
  for (const [name, value] of draft.entries) if (!name.startsWith('c.')) byName.set(name, [...(byName.get(name) ?? []), value]);
  for (const name of new Set([...byName.keys(), ...getValues(target).keys()])) {
    if (name.startsWith('f.') && edited.has(topOf(name))) setValues(target, name, byName.get(name) ?? [], draft.titles);
  }
  for (const lines of all('x-lines', target)) if (lines instanceof Lines && lines.hasAttribute('data-editable') && edited.has(`c.${lines.table}`)) lines.restore(draft.entries, draft.titles);
  // Saved against what it was typed over, so that somebody else's changes are not lost.
  baseline = [...baseline.filter(([name]) => !edited.has(topOf(name))), ...base.filter(([name]) => edited.has(topOf(name)))];
  const version = find<HTMLInputElement>('#version');
  if (version && draft.version) version.value = draft.version;
  const banner = find('#draft');
  if (banner) banner.hidden = true;
  show();
  keepFocus();
  recompute();
}

const invalid = () => {
  const count = all('[aria-invalid=true]', form() ?? document).length;
  return count ? t('invalid', { count }) : '';
};

/** The save bar and the marks beside changed fields. */
function show() {
  const here = record();
  const bar = find('#savebar');
  if (!here || !bar) return;
  const changed = edits();
  bar.hidden = !changed.length && !here.hasAttribute('data-new') && !here.hasAttribute('data-refused');
  const words = find('#edits');
  if (words && changed.length) words.textContent = t('edits', { count: changed.length });
  const note = find('#edits-note');
  if (note && !note.textContent) note.textContent = invalid();
  const names = new Set(changed);
  for (const box of all('.f[data-field]', here)) {
    const tail = find('.lab > .tail', box);
    const mark = tail && find('.was', tail);
    const is = names.has(box.dataset.field ?? '') && !here.hasAttribute('data-new');
    if (is && tail && !mark) tail.append(make('span', { class: 'was' }, t('edited')));
    if (!is) mark?.remove();
  }
}

const recompute = settled(150, () => {
  const sink = find('#recompute');
  if (sink) htmx.trigger(sink, 'recompute');
});

/** Which links were set since the server last worked values out: what is copied from them is copied anew. */
let asked = '';

function forgetFresh() {
  const fresh = find<HTMLInputElement>('#fresh');
  // One may have been set while the answer was on its way.
  if (fresh?.value.startsWith(asked)) fresh.value = fresh.value.slice(asked.length).trim();
}

const later = settled(2000, keepDraft);

function onEdit(event: Event) {
  if (!around(event, '#form')) return;
  if (event.target instanceof HTMLInputElement && event.target.matches('[data-colour-for]')) {
    const text = find<HTMLInputElement>(`#${CSS.escape(event.target.dataset.colourFor ?? '')}`);
    if (text) text.value = event.target.value;
  }
  if (event.target instanceof HTMLElement && event.target.getAttribute('aria-invalid') === 'true' && event.type === 'input') event.target.removeAttribute('aria-invalid');
  show();
  later();
  const link = around<HTMLElement>(event, 'x-lookup')?.dataset.name;
  const fresh = find<HTMLInputElement>('#fresh');
  if (link && fresh && event.type === 'change') fresh.value = `${fresh.value} ${link}`.trim();
  const asks = event.type === 'lines-changed' || around(event, '[data-recompute]') || around(event, 'x-lookup')?.querySelector('[data-recompute]');
  if (asks) recompute();
}

function openTab(tab: HTMLElement, focus: boolean) {
  for (const one of all('[role=tab]', tab.closest('[role=tablist]') ?? document)) {
    const open = one === tab;
    one.setAttribute('aria-selected', String(open));
    one.tabIndex = open ? 0 : -1;
    const pane = find(`#pane-${CSS.escape(one.dataset.tab ?? '')}`);
    if (!pane) continue;
    pane.hidden = !open;
    if (open && pane.hasAttribute('data-later')) { pane.removeAttribute('data-later'); htmx.trigger(pane, 'open'); }
  }
  if (focus) tab.focus();
  tab.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  history.replaceState(history.state, '', (tab as HTMLAnchorElement).href);
  const kept = find<HTMLInputElement>('#tab');
  if (kept) kept.value = tab.dataset.tab ?? '';
}

function onTabKey(event: KeyboardEvent) {
  const tab = around<HTMLElement>(event, '[role=tab]');
  if (!tab) return;
  const tabs = all('[role=tab]', tab.closest('[role=tablist]') ?? document);
  const at = tabs.indexOf(tab);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (event.key === ' ') { event.preventDefault(); openTab(tab, true); }
  if (to === undefined) return;
  event.preventDefault();
  const next = tabs[(to + tabs.length) % tabs.length];
  if (next) openTab(next, true);
}

/** Goes to an input by its id, opening its tab, its fold and its row. */
function goTo(id: string) {
  const input = document.getElementById(id) ?? document.getElementById(`v-${id}`);
  if (!input) return;
  const pane = input.closest<HTMLElement>('[role=tabpanel]');
  const tab = pane && find<HTMLElement>(`[role=tab][aria-controls="${pane.id}"]`);
  if (tab && pane.hidden) openTab(tab, false);
  const fold = input.closest('details');
  if (fold) fold.open = true;
  const lines = input.closest('x-lines');
  const row = input.closest<HTMLTableRowElement>('tr.line');
  if (lines instanceof Lines && row) { lines.edit(row, input.closest<HTMLElement>('td')?.dataset.key); return; }
  input.scrollIntoView({ block: 'center' });
  (input.matches('fieldset') ? find<HTMLElement>('input:not([type=hidden])', input) : input)?.focus();
}

function keepMine() {
  const banner = find('#conflict-banner');
  const over = find<HTMLInputElement>('#over');
  if (!banner || !over) return;
  over.value = banner.dataset.version ?? '';
  form()?.requestSubmit();
}

/** Puts values into a field or into a cell of a row; says whether there is such a place. */
function put(target: HTMLFormElement, name: string, pairs: [string, string][]): boolean {
  const [kind, table, row, key] = name.split('.');
  const values = pairs.map(([value]) => value);
  const titles = Object.fromEntries(pairs);
  if (kind === 'c') {
    const lines = all('x-lines', target).find((one) => one.dataset.table === table);
    return lines instanceof Lines && row !== undefined && key !== undefined && lines.put(row, key, values, titles);
  }
  const has = (name: string) => find(`:is(input,select,textarea,x-lookup,x-upload):is([name="${CSS.escape(name)}"],[data-name="${CSS.escape(name)}"])`, target) !== null;
  if (has(name)) { setValues(target, name, values, titles); return true; }
  const parts = [...getValues(target).keys()].filter((one) => one.startsWith(`${name}.`));
  const whole = values[0] ? JSON.parse(values[0]) as Record<string, unknown> : {};
  for (const part of parts) setValues(target, part, [String(whole[part.slice(name.length + 1)] ?? '')]);
  return parts.length > 0;
}

/** Takes over the values of what both changed; the other edits stay. What has no place in the form is read anew. */
function keepTheirs(event: Event, link: HTMLAnchorElement) {
  const target = form();
  const rows = all('#conflict-table [data-name]');
  const pairsOf = (row: HTMLElement) => JSON.parse(row.dataset.theirs || '[]') as [string, string][];
  if (!target || !rows.length || !rows.every((row) => put(target, row.dataset.name ?? '', pairsOf(row)))) { leaving = true; dropDraft(); return; }
  event.preventDefault();
  // A field that holds theirs now is no edit any more. In a row, the server sees that nothing differs.
  const now = entriesOf(target);
  const taken = rows.map((row) => row.dataset.name ?? '').filter((name) => name.startsWith('f.'));
  baseline = [...baseline.filter(([name]) => !taken.includes(topOf(name))), ...now.filter(([name]) => taken.includes(topOf(name)))];
  find('#conflict')?.replaceChildren();
  link.blur();
  show();
  recompute();
  const bar = find('#savebar');
  (bar && !bar.hidden ? find('#save') : find('#main'))?.focus();
}

async function deleteRecord(button: HTMLElement) {
  const here = record();
  const id = here?.dataset.id ?? '';
  const url = button.dataset.url ?? '';
  if (!(await send(url, new URLSearchParams({ ids: id })))) return;
  leaving = true;
  dropDraft();
  toastLater(t('deleted', { count: 1 }), { url: url.replace(/delete$/, 'restore'), ids: [id] });
  location.assign(button.dataset.back ?? '/');
}

const nameOf = (here: HTMLElement) => `${here.dataset.card}/${here.dataset.id}`;

function arrive(here: Element) {
  const target = form();
  const name = nameOf(here as HTMLElement);
  // What was refused is still an edit: it is compared with what was there before it was sent.
  const refused = here.hasAttribute('data-refused') && baselineOf === name;
  if (target && !refused) {
    baseline = here.hasAttribute('data-prefilled') ? [] : entriesOf(target);
    // What a page of its own was refused with says nothing about what was there before.
    baselineOf = here.hasAttribute('data-refused') ? '' : name;
  }
  show();
  if (sent && !here.hasAttribute('data-refused')) setTimeout(comeBack);
  else showTab();
  sent = false;
  const notice = (here as HTMLElement).dataset.notice;
  if (notice) toast(notice);
  if (here.hasAttribute('data-refused')) {
    const first = find<HTMLElement>('#errors') ?? find<HTMLElement>('#alike');
    const field = find<HTMLElement>('[data-error-for]', here)?.dataset.errorFor;
    if (field) goTo(field); else first?.focus();
  } else if (!refused && document.readyState === 'complete' && !here.hasAttribute('data-offered')) {
    here.setAttribute('data-offered', '');
  }
  if (!here.hasAttribute('data-refused')) offerDraft();
  const first = here.hasAttribute('data-new') && !here.hasAttribute('data-refused') && find<HTMLElement>('#form .pane:not([hidden]) :is(input:not([type=hidden],[type=file]),select,textarea)');
  if (first && document.activeElement === document.body && !matchMedia('(pointer: coarse)').matches) first.focus();
}

export function isDirty() {
  return !leaving && edits().length > 0;
}

export function startRecord() {
  whenever('#record', arrive);
  for (const name of ['input', 'change', 'lines-changed']) document.addEventListener(name, onEdit);
  document.addEventListener('keydown', onTabKey);
  addEventListener('beforeunload', (event) => { if (isDirty()) { keepDraft(); event.preventDefault(); } });

  document.addEventListener('htmx:before:request', (event) => {
    const { ctx } = (event as CustomEvent).detail;
    if (ctx.sourceElement?.id !== 'form') return;
    // It lies inside the form: were this to bubble, the form's own request would be stopped too.
    find('#recompute')?.dispatchEvent(new CustomEvent('htmx:abort', { bubbles: false }));
  });
  document.addEventListener('htmx:config:request', (event) => {
    const { ctx } = (event as CustomEvent).detail;
    if (ctx.sourceElement?.id === 'recompute') asked = find<HTMLInputElement>('#fresh')?.value ?? '';
    if (ctx.sourceElement?.id !== 'form') return;
    for (const lines of all('x-lines')) if (lines instanceof Lines) lines.leave();
    sent = true;
    keepPlace();
    const here = record();
    if (!here || here.hasAttribute('data-new') || baselineOf !== nameOf(here)) return;
    for (const [name, value] of baseline) ctx.request.body.append(`was.${name}`, value);
  }, true);
  document.addEventListener('htmx:after:request', (event) => {
    const { ctx } = (event as CustomEvent).detail;
    if (ctx.sourceElement?.id === 'recompute' && ctx.response.status < 300) forgetFresh();
    if (ctx.sourceElement?.id !== 'form' || ctx.response.status >= 300) return;
    const isNew = record()?.hasAttribute('data-new');
    dropDraft();
    if (ctx.response.headers.has('hx-redirect')) { leaving = true; toastLater(t('saved')); return; }
    toast(t(isNew ? 'created' : 'saved'));
  });

  // Tabs grow with the counts that come later.
  document.addEventListener('htmx:after:swap', (event) => {
    if ((event as CustomEvent).detail.ctx?.sourceElement?.getAttribute('hx-get')?.endsWith('/counts')) showTab();
  });

  document.addEventListener('click', (event) => {
    const tab = around<HTMLElement>(event, '[role=tab]');
    if (tab && !(event as MouseEvent).ctrlKey && !(event as MouseEvent).metaKey) { event.preventDefault(); openTab(tab, false); }
    const error = around<HTMLElement>(event, '[data-error-for]');
    if (error) { event.preventDefault(); goTo(error.dataset.errorFor ?? ''); }
    const doing = around<HTMLElement>(event, '[data-do]');
    switch (doing?.dataset.do) {
      case 'discard': leaving = true; dropDraft(); if (record()?.hasAttribute('data-new')) history.back(); else location.reload(); break;
      case 'draft-take': takeDraft(); break;
      case 'draft-drop': dropDraft(); keepFocus(); break;
      case 'conflict-mine': keepMine(); break;
      case 'conflict-theirs': keepTheirs(event, doing as HTMLAnchorElement); break;
      case 'conflict-compare': { const table = find('#conflict-table'); if (table) { table.hidden = !table.hidden; doing.setAttribute('aria-expanded', String(!table.hidden)); } break; }
      case 'clear-rating': { const box = doing.closest('fieldset'); all<HTMLInputElement>('[type=radio]', box ?? document).forEach((one) => { one.checked = false; }); box?.dispatchEvent(new Event('change', { bubbles: true })); break; }
      case 'delete-record': void deleteRecord(doing); break;
      case 'print': print(); break;
    }
  });
}

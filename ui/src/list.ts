// The list: a cursor for the keyboard, selection, deleting with undo, and at most five windows of rows.
import htmx from './htmx';
import { all, around, find, isTyping, t, whenever } from './dom';
import { send } from './net';
import { type Undo, toast } from './toast';

const MOST_WINDOWS = 5;
const selected = new Set<string>();
let anchor = '';

const list = () => find<HTMLElement>('[data-list]');
const rows = () => all<HTMLTableRowElement>('tr.rec');
const cursor = () => find<HTMLTableRowElement>('tr.rec.cursor');

function moveTo(row: HTMLTableRowElement | undefined, focus = true) {
  if (!row) return;
  for (const one of all<HTMLTableRowElement>('tr.rec.cursor,tr.rec[tabindex="0"]')) { one.classList.remove('cursor'); one.tabIndex = -1; }
  row.classList.add('cursor');
  row.tabIndex = 0;
  if (focus) row.focus({ preventScroll: true });
  row.scrollIntoView({ block: 'nearest' });
}

function draw() {
  for (const row of rows()) {
    const is = selected.has(row.dataset.id ?? '');
    row.setAttribute('aria-selected', String(is));
    const box = find<HTMLInputElement>('.check', row);
    if (box) box.checked = is;
  }
  const boxes = all('tr.rec .check').length;
  const head = find<HTMLInputElement>('#check-all');
  if (head) { head.checked = boxes > 0 && selected.size >= boxes; head.indeterminate = selected.size > 0 && !head.checked; }
  const bar = find('#bulk');
  if (bar) bar.hidden = selected.size === 0;
  const words = find('#bulk-count');
  if (words) words.textContent = t('selected', { count: selected.size });
}

function toggle(row: HTMLTableRowElement, through: boolean) {
  const id = row.dataset.id ?? '';
  const here = rows();
  const from = here.findIndex((one) => one.dataset.id === anchor);
  const to = here.indexOf(row);
  const add = !selected.has(id);
  const range = through && from >= 0 ? here.slice(Math.min(from, to), Math.max(from, to) + 1) : [row];
  for (const one of range) {
    if (!find('.check', one)) continue;
    if (add || through) selected.add(one.dataset.id ?? ''); else selected.delete(one.dataset.id ?? '');
  }
  anchor = id;
  draw();
}

async function deleteSelected() {
  const url = list()?.dataset.deleteUrl ?? '';
  const ids = [...selected];
  if (!ids.length || !(await send(url, new URLSearchParams(ids.map((id) => ['ids', id]))))) return;
  const gone = rows().filter((row) => selected.has(row.dataset.id ?? ''));
  const last = gone[gone.length - 1];
  let next: Element | null | undefined = last?.nextElementSibling ?? gone[0]?.previousElementSibling;
  gone.forEach((row) => row.remove());
  selected.clear();
  draw();
  seen();
  if (!next?.isConnected) next = rows()[0];
  if (next instanceof HTMLTableRowElement && next.matches('.rec')) moveTo(next); else find('#q')?.focus();
  toast(t('deleted', { count: ids.length }), { label: t('undo'), run: () => void restore({ url: url.replace(/delete$/, 'restore'), ids }) });
}

export async function restore(undo: Undo) {
  if (await send(undo.url, new URLSearchParams(undo.ids.map((id) => ['ids', id])))) {
    sessionStorage.setItem('cardstock.toast', JSON.stringify({ text: t('restored', { count: undo.ids.length }) }));
    location.reload();
  }
}

async function restoreOne(button: HTMLElement) {
  const line = button.closest('li');
  if (!(await send(button.dataset.url ?? '', new URLSearchParams({ ids: button.dataset.id ?? '' })))) return;
  const next = (line?.nextElementSibling ?? line?.previousElementSibling)?.querySelector<HTMLElement>('button');
  line?.remove();
  (next ?? find('#main'))?.focus();
  toast(t('restored', { count: 1 }));
}

function seen() {
  const words = find('#list-seen');
  if (words) words.textContent = t('in_view', { count: rows().length });
}

/** Windows far away are replaced by a gap of the same height, which fetches them again when it comes near. */
function thin() {
  const windows = all<HTMLTableSectionElement>('tbody.win');
  if (windows.length <= MOST_WINDOWS) return;
  const middle = innerHeight / 2;
  const far = (one: Element) => { const box = one.getBoundingClientRect(); return Math.max(box.top - middle, middle - box.bottom, 0); };
  const furthest = windows.reduce((best, one) => (far(one) > far(best) ? one : best));
  if (furthest.contains(document.activeElement)) return;
  const gap = document.createElement('tbody');
  gap.className = 'gap';
  gap.dataset.window = furthest.dataset.window ?? '';
  const cell = gap.insertRow().insertCell();
  cell.colSpan = find<HTMLTableRowElement>('tr', furthest)?.cells.length ?? 1;
  cell.style.height = `${furthest.getBoundingClientRect().height}px`;
  furthest.replaceWith(gap);
  nearing.observe(gap);
}

const nearing = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting || !(target instanceof HTMLElement)) continue;
    nearing.unobserve(target);
    void htmx.ajax('GET', target.dataset.window ?? '', { source: target, target, swap: 'outerHTML' });
  }
});

function arrived() {
  // A window fetched again brings its "more" along, which stands there already or belongs to the end only.
  for (const more of all('tbody.more')) if (more.nextElementSibling?.matches('tbody')) more.remove();
  draw();
  seen();
  thin();
  const first = rows()[0];
  if (first && !find('tr.rec[tabindex="0"]')) first.tabIndex = 0;
}

function onKey(event: KeyboardEvent) {
  if (!list() || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey || find('dialog[open],.menu:popover-open')) return;
  const here = rows();
  const at = here.indexOf(cursor() as HTMLTableRowElement);
  const inGrid = event.target instanceof Element && (event.target.matches('tr.rec,body,.grid-wrap,#main') || event.target.closest('tr.rec') !== null);
  const single = document.body.dataset.shortcuts === 'true';
  if ((event.key === 'j' && single) || (event.key === 'ArrowDown' && inGrid)) moveTo(here[Math.min(at + 1, here.length - 1)]);
  else if ((event.key === 'k' && single) || (event.key === 'ArrowUp' && inGrid)) moveTo(here[Math.max(at - 1, 0)]);
  else if (event.key === 'Home' && inGrid) moveTo(here[0]);
  else if (event.key === 'End' && inGrid) moveTo(here[here.length - 1]);
  else if (((event.key === 'x' || event.key === 'X') && single || event.key === ' ') && here[at] && inGrid) toggle(here[at], event.shiftKey);
  else if (event.key === 'Enter' && event.target === here[at]) find<HTMLAnchorElement>('a', here[at])?.click();
  else if (event.key === 'Escape' && selected.size) { selected.clear(); draw(); }
  else if ((event.key === 'Delete' || event.key === 'Backspace') && selected.size && inGrid) void deleteSelected();
  else return;
  event.preventDefault();
}

function onClick(event: MouseEvent) {
  const row = around<HTMLTableRowElement>(event, 'tr.rec');
  const box = around<HTMLInputElement>(event, 'tr.rec .check');
  if (row && box) { moveTo(row, false); toggle(row, event.shiftKey); return; }
  if (around(event, '#check-all')) {
    const every = (event.target as HTMLInputElement).checked;
    for (const one of rows()) if (find('.check', one)) { if (every) selected.add(one.dataset.id ?? ''); else selected.delete(one.dataset.id ?? ''); }
    draw();
    return;
  }
  if (row && !around(event, 'a,button,input')) {
    moveTo(row);
    // A row is a link as a whole; selecting its text must stay possible.
    if (!getSelection()?.toString()) find<HTMLAnchorElement>('td.name a', row)?.click();
  }
  const doing = around<HTMLElement>(event, '[data-do]');
  if (doing?.dataset.do === 'bulk-delete') void deleteSelected();
  if (doing?.dataset.do === 'bulk-clear') { selected.clear(); draw(); moveTo(cursor() ?? rows()[0]); }
  if (doing?.dataset.do === 'restore') void restoreOne(doing);
}

export function startList() {
  document.addEventListener('keydown', onKey);
  document.addEventListener('click', onClick);
  whenever('tbody.win', arrived, true);
  whenever('#count', (count) => {
    const known = (count as HTMLElement).dataset.rows;
    if (known) find('#grid')?.setAttribute('aria-rowcount', known);
  });
}

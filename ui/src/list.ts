// The list: a cursor for the keyboard, windows of rows, and what is done to those that are chosen.
import htmx from './htmx';
import { all, around, csrf, find, isTyping, settled, t, whenever } from './dom';
import { edit, isEditable } from './cells';
import { fit } from './columns';
import { closeGroup, openGroup, restoreGroups } from './groups';
import { send } from './net';
import { backToPlace, keepPlace } from './place';
import { chooseAll, chooseShown, clearSelection, drawSelection, isAny, selection, toggle } from './selection';
import { type Undo, toast } from './toast';
import { explainCell } from './why';

const MOST_WINDOWS = 5;

const list = () => find<HTMLElement>('[data-list]');
const rows = () => all<HTMLElement>('.rec');
/** What the cursor goes over: rows and heads of groups. */
const stops = () => all<HTMLElement>('.rec,tr.grp').filter((one) => !one.closest('tbody[hidden]'));
const cursor = () => find<HTMLElement>('.rec.cursor,tr.grp.cursor');
const cellsOf = (row: Element) => all<HTMLTableCellElement>('td[data-path]', row);

function moveTo(row: HTMLElement | undefined, focus = true) {
  if (!row) return;
  for (const one of all<HTMLElement>('.cursor,.rec[tabindex="0"],tr.grp[tabindex="0"]')) { one.classList.remove('cursor'); one.tabIndex = -1; }
  row.classList.add('cursor');
  row.tabIndex = 0;
  if (focus) row.focus({ preventScroll: true });
  row.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

/** Moves the cursor; a focus that stood in a cell stays in its column. */
function step(to: HTMLElement | undefined, path: string | undefined) {
  moveTo(to, !path);
  if (!to || !path) return;
  const cell = cellsOf(to).find((one) => one.dataset.path === path);
  (cell ?? to).focus({ preventScroll: true });
  cell?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

async function deleteSelected() {
  const chosen = selection();
  if ('all' in chosen) return;
  const url = list()?.dataset.deleteUrl ?? '';
  const { ids } = chosen;
  if (!ids.length || !find('[data-do=bulk-delete]') || !(await send(url, new URLSearchParams(ids.map((id) => ['ids', id]))))) return;
  const gone = rows().filter((row) => ids.includes(row.dataset.id ?? ''));
  const last = gone[gone.length - 1];
  let next: Element | null | undefined = last?.nextElementSibling ?? gone[0]?.previousElementSibling;
  gone.forEach((row) => row.remove());
  clearSelection();
  seen();
  if (!next?.isConnected) next = rows()[0];
  if (next instanceof HTMLElement && next.matches('.rec')) moveTo(next); else find('#q')?.focus();
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
  if (words) words.textContent = t('in_view', { count: rows().filter((row) => !row.closest('tbody[hidden]')).length });
}

function gapOf({ url, height }: { url: string; height: number }, columns = 1) {
  const gap = document.createElement('tbody');
  gap.className = 'gap';
  gap.dataset.window = url;
  const cell = gap.insertRow().insertCell();
  cell.colSpan = columns;
  cell.style.height = `${height}px`;
  nearing.observe(gap);
  return gap;
}

/** Windows far away are replaced by a gap of the same height, which fetches them again when it comes near. */
function thin() {
  const windows = all<HTMLTableSectionElement>('tbody.win').filter((one) => !one.hidden);
  if (windows.length <= MOST_WINDOWS || rows().length <= MOST_WINDOWS * 100) return;
  const middle = innerHeight / 2;
  const far = (one: Element) => { const box = one.getBoundingClientRect(); return Math.max(box.top - middle, middle - box.bottom, 0); };
  const furthest = windows.reduce((best, one) => (far(one) > far(best) ? one : best));
  if (furthest.contains(document.activeElement)) return;
  furthest.replaceWith(gapOf({ url: furthest.dataset.window ?? '', height: furthest.getBoundingClientRect().height }, find<HTMLTableRowElement>('tr', furthest)?.cells.length));
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
  for (const more of all('tbody.more')) if (more.nextElementSibling?.matches('tbody.win,tbody.gap')) more.remove();
  drawSelection();
  seen();
  thin();
  const first = stops()[0];
  if (first && !find('.rec[tabindex="0"],tr.grp[tabindex="0"]')) first.tabIndex = 0;
}

/** Keys inside the table: rows, cells, groups. Answers whether the key was meant for it. */
function onGridKey(event: KeyboardEvent, row: HTMLElement): boolean {
  const cell = around<HTMLTableCellElement>(event, 'td[data-path]');
  const group = row.matches('tr.grp');
  const open = row.getAttribute('aria-expanded') === 'true';
  const cells = cellsOf(row);
  const at = cell ? cells.indexOf(cell) : -1;
  switch (event.key) {
    case 'ArrowRight':
      if (group) { if (!open) void openGroup(row); else moveTo(stops()[stops().indexOf(row) + 1]); } else (cells[at + 1] ?? cell)?.focus();
      return true;
    case 'ArrowLeft':
      if (group && open) closeGroup(row);
      else if (cell) (cells[at - 1] ?? row).focus();
      else { const level = Number(row.getAttribute('aria-level') ?? 1); moveTo(stops().slice(0, stops().indexOf(row)).reverse().find((one) => one.matches('tr.grp') && Number(one.getAttribute('aria-level')) < level)); }
      return true;
    case 'Enter':
      if (around(event, '.cell-why')) return false;
      if (group) { if (open) closeGroup(row); else void openGroup(row); return true; }
      if (cell && isEditable(cell) && at > 0) { void edit(cell); return true; }
      if (event.target === row || cell) { find<HTMLAnchorElement>('a', row)?.click(); return true; }
      return false;
    case 'F2': {
      if (cell && !isEditable(cell) && explainCell(cell)) return true;
      const first = cell ?? cells.find((one) => isEditable(one));
      if (first) void edit(first);
      return !!first;
    }
    default:
      if (cell && isEditable(cell) && event.key.length === 1 && event.key !== ' ' && !event.isComposing) { void edit(cell, event.key); return true; }
      return false;
  }
}

function onKey(event: KeyboardEvent) {
  if (!list() || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey || find('dialog[open],.menu:popover-open')) return;
  const here = stops();
  const at = here.indexOf(cursor() as HTMLElement);
  const row = around<HTMLElement>(event, '.rec,tr.grp');
  const inGrid = event.target instanceof Element && (event.target.matches('body,.grid-wrap,#main') || row !== null);
  const single = document.body.dataset.shortcuts === 'true';
  const path = around<HTMLElement>(event, 'td[data-path]')?.dataset.path;
  if (row?.matches('tr') && onGridKey(event, row)) { event.preventDefault(); return; }
  const now = here[at];
  if ((event.key === 'j' && single) || (event.key === 'ArrowDown' && inGrid)) step(here[Math.min(at + 1, here.length - 1)], path);
  else if ((event.key === 'k' && single) || (event.key === 'ArrowUp' && inGrid)) step(here[Math.max(at - 1, 0)], path);
  else if (event.key === 'Home' && inGrid) step(here[0], path);
  else if (event.key === 'End' && inGrid) step(here[here.length - 1], path);
  else if (((event.key === 'x' || event.key === 'X') && single || event.key === ' ') && now?.matches('.rec') && find('.check', now) && inGrid) toggle(now, event.shiftKey);
  else if (event.key === 'Enter' && event.target === now) find<HTMLAnchorElement>('a', now)?.click();
  else if (event.key === 'Escape' && isAny()) clearSelection();
  else if ((event.key === 'Delete' || event.key === 'Backspace') && isAny() && inGrid) void deleteSelected();
  else return;
  event.preventDefault();
}

function onClick(event: MouseEvent) {
  const row = around<HTMLElement>(event, '.rec');
  const box = around<HTMLInputElement>(event, '.rec .check');
  if (row && box) { moveTo(row, false); toggle(row, event.shiftKey); return; }
  if (around(event, '#check-all')) { chooseShown((event.target as HTMLInputElement).checked); return; }
  if (row && around(event, 'a')) keepPlace(row);
  if (row && !around(event, 'a,button,input')) {
    const cell = around<HTMLElement>(event, 'td[data-path]');
    moveTo(row, !cell);
    cell?.focus({ preventScroll: true });
    // On a phone a row is a link as a whole; in a table its name is, and a cell is a place to stand at.
    if (!cell || matchMedia('(max-width: 720px)').matches) { if (!getSelection()?.toString()) find<HTMLAnchorElement>('td.name a,a.tt,a.who', row)?.click(); }
  }
  const doing = around<HTMLElement>(event, '[data-do]');
  if (doing?.dataset.do === 'bulk-delete') void deleteSelected();
  if (doing?.dataset.do === 'select-all') { chooseAll(); find('#check-all')?.focus(); }
  if (doing?.dataset.do === 'bulk-clear') { clearSelection(); moveTo(cursor() ?? stops()[0]); }
  if (doing?.dataset.do === 'restore') void restoreOne(doing);
  const kind = around<HTMLElement>(event, '[data-kind-to]');
  if (kind) keepPlace(cursor());
}

/** How high rows are: at once, and for the next page. */
async function chooseDensity(button: HTMLElement) {
  const density = button.dataset.densityChoice ?? 'normal';
  document.documentElement.dataset.density = density;
  for (const one of all('[data-density-choice]')) one.setAttribute('aria-checked', String(one === button));
  await fetch('/me', { method: 'POST', body: new URLSearchParams({ density }), headers: csrf(), redirect: 'manual' }).catch(() => undefined);
}

async function begin() {
  if (!list()) return;
  arrived();
  await restoreGroups();
  const columns = find<HTMLTableRowElement>('#heads')?.cells.length ?? 1;
  const row = await backToPlace((window) => gapOf(window, columns));
  if (row) moveTo(row);
}

export function startList() {
  document.addEventListener('keydown', onKey);
  document.addEventListener('click', onClick);
  document.addEventListener('click', (event) => { const button = around<HTMLElement>(event, '[data-density-choice]'); if (button) void chooseDensity(button); });
  document.addEventListener('list:rows', arrived);
  document.addEventListener('list:arrive', () => { clearSelection(); arrived(); fit(); void restoreGroups(); });
  whenever('tbody.win', arrived, true);
  const cards = settled(0, arrived);
  whenever('li.gcard,li.kcard', cards, true);
  whenever('#count,[data-count]', () => {
    const known = find('#count')?.dataset.rows;
    if (known) find('table#grid')?.setAttribute('aria-rowcount', known);
    const foot = find('#totals [data-count]');
    if (foot) foot.textContent = find('#count')?.textContent?.trim() ?? '';
    drawSelection();
  });
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', () => void begin()); else void begin();
}

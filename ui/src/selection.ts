// Which rows are chosen: some by id, or all that match.
import { all, find, t } from './dom';

const ids = new Set<string>();
let every = false;
let anchor = '';

/** What is chosen: ids, or everything the list's address matches. `query` is that address's query. */
export type Selection = { ids: string[] } | { all: true; query: string; count: number };

export function selection(): Selection {
  if (!every) return { ids: [...ids] };
  const query = new URL(find('[data-list]')?.dataset.rowsUrl ?? '', location.href).search.slice(1);
  return { all: true, query, count: matches() };
}

export const isChosen = (id: string) => every || ids.has(id);
export const isAny = () => every || ids.size > 0;
const rows = () => all('.rec');
const matches = () => Number(find('#count')?.dataset.rows ?? -1);

/** Boxes, bar and counts as they should be. */
export function drawSelection() {
  for (const row of rows()) {
    const is = isChosen(row.dataset.id ?? '');
    row.setAttribute(row.matches('tr') ? 'aria-selected' : 'data-selected', String(is));
    const box = find<HTMLInputElement>('.check', row);
    if (box) box.checked = is;
  }
  const boxes = all('.rec .check').length;
  const head = find<HTMLInputElement>('#check-all');
  if (head) { head.checked = boxes > 0 && (every || ids.size >= boxes); head.indeterminate = isAny() && !head.checked; }
  const bar = find('#bulk');
  if (bar) { bar.hidden = !isAny(); bar.toggleAttribute('data-all', every); }
  const count = every ? matches() : ids.size;
  const words = find('#bulk-count');
  if (words) words.textContent = every ? t('all_selected', { count: count < 0 ? '' : count.toLocaleString() }) : t('selected', { count });
  const more = find('#select-all-matches');
  if (more) { more.hidden = every || !head?.checked || (matches() >= 0 && matches() <= ids.size); more.textContent = t('select_all'); }
}

export function toggle(row: HTMLElement, through: boolean) {
  const id = row.dataset.id ?? '';
  const here = rows();
  const from = here.findIndex((one) => one.dataset.id === anchor);
  const to = here.indexOf(row);
  if (every) { every = false; here.forEach((one) => ids.add(one.dataset.id ?? '')); }
  const add = !ids.has(id);
  const range = through && from >= 0 ? here.slice(Math.min(from, to), Math.max(from, to) + 1) : [row];
  for (const one of range) if (add || through) ids.add(one.dataset.id ?? ''); else ids.delete(one.dataset.id ?? '');
  anchor = id;
  drawSelection();
}

/** All rows that are there, or none. */
export function chooseShown(on: boolean) {
  every = false;
  for (const one of rows()) if (on) ids.add(one.dataset.id ?? ''); else ids.delete(one.dataset.id ?? '');
  drawSelection();
}

/** Everything that matches, whether it was fetched or not. */
export function chooseAll() {
  every = true;
  ids.clear();
  drawSelection();
}

export function clearSelection() {
  every = false;
  ids.clear();
  drawSelection();
}

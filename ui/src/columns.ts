// Columns: order, width and which stay in sight, by dragging and by menu. Kept for each person and list, or in the
// address where that names columns.
import { all, around, find, t, whenever } from './dom';
import { behind, draggable, mark, unmark } from './drag';
import { go, here, post } from './go';
import { dropOnBar, endBar, overBar } from './groups';
import { explain } from './net';
import { toast } from './toast';

const LEAST = 56;
const STEP = 24;
/** From this width on a column holds words, of which a part says something, too. */
const WORDS = 180;

const list = () => find('[data-list]');
const heads = () => all<HTMLTableCellElement>('#heads th[data-path]');
const names = () => heads().map((head) => head.dataset.path ?? '');
const col = (path: string) => find<HTMLTableColElement>(`col[data-path="${CSS.escape(path)}"]`);

/** The table is as wide as its columns, at least as its frame; the last column takes what is left. */
export function fit() {
  const wrap = find('.grid-wrap');
  const table = find<HTMLTableElement>('table.grid', wrap ?? document);
  const cols = all<HTMLTableColElement>('colgroup col', table ?? document);
  if (!wrap || !table || cols.length < 2) return;
  for (const one of cols) one.dataset.width ??= one.getAttribute('width') ?? '160';
  // Nobody chose a width yet, and a little less of each brings all columns into sight: of those that hold words, but for the
  // name. Half a number, date or figure says nothing.
  const asked = cols.reduce((sum, one) => sum + Number(one.dataset.width), 0);
  const words = cols.slice(2).filter((one) => Number(one.dataset.width) >= WORDS);
  const room = words.reduce((sum, one) => sum + Number(one.dataset.width), 0);
  const part = (room - asked + wrap.clientWidth) / room;
  if (!table.hasAttribute('data-own-widths') && part < 1 && part > 0.7) for (const one of words) one.dataset.width = String(Math.floor(Number(one.dataset.width) * part));
  const widths = cols.map((one) => Number(one.dataset.width));
  const sum = widths.reduce((all, one) => all + one, 0);
  const left = Math.max(0, wrap.clientWidth - sum);
  cols.forEach((one, index) => one.setAttribute('width', String((widths[index] ?? 0) + (index === cols.length - 1 ? left : 0))));
  table.style.inlineSize = `${sum + left}px`;
  let at = 0;
  widths.forEach((width, index) => { table.style.setProperty(`--pin-${index + 1}`, `${at}px`); at += width; });
}

/** Keeps a change, and offers to take it back. */
async function keep(change: Record<string, string>, redraw: boolean, say: string, focus?: string) {
  const own = list();
  const url = own?.dataset.layoutUrl ?? '';
  const send = (fields: Record<string, string>) => post(url, new URLSearchParams({ view: own?.dataset.view ?? '', ...fields }));
  const answer = await send(change);
  if (!answer) return;
  if (answer.status !== 200) { explain(answer.status, answer.text, answer.id); return; }
  const undo = { label: t('undo'), run: () => void send({ kept: answer.text }).then(() => go(here(), { push: false })) };
  if (redraw) await go(here(), { push: false, say, undo, focus }); else toast(say, undo);
}

/** The list with these columns. */
export function useColumns(cols: string[], say = t('layout_kept'), focus?: string) {
  if (list()?.hasAttribute('data-shared')) void go(here({ cols: cols.join(',') }), { say, focus });
  else void keep({ cols: cols.join(',') }, true, say, focus);
}

export function resetColumns() {
  if (list()?.hasAttribute('data-shared')) void go(here({ cols: '' }));
  else void keep({ kept: '{}' }, true, t('layout_kept'));
}

function moveColumn(path: string, by: number) {
  const cols = names();
  const at = cols.indexOf(path);
  const to = at + by;
  if (at < 1 || to < 1 || to >= cols.length) return;
  cols.splice(at, 1);
  cols.splice(to, 0, path);
  const label = find(`th[data-path="${CSS.escape(path)}"]`)?.dataset.label ?? path;
  useColumns(cols, t('column_moved', { what: label, at: to + 1, count: cols.length }), `th[data-path="${CSS.escape(path)}"] .menu-btn`);
}

function setWidth(path: string, width: number, save: boolean) {
  const one = col(path);
  if (!one) return;
  one.dataset.width = String(Math.max(LEAST, Math.round(width)));
  fit();
  if (save) void keep({ widths: JSON.stringify({ [path]: Number(one.dataset.width) }) }, false, t('column_width', { what: find(`th[data-path="${CSS.escape(path)}"]`)?.dataset.label ?? path, width: one.dataset.width }));
}

function onMenu(button: HTMLElement) {
  const head = button.closest<HTMLElement>('th[data-path]');
  const path = head?.dataset.path ?? '';
  const width = Number(col(path)?.dataset.width ?? 160);
  const at = names().indexOf(path);
  const again = `th[data-path="${CSS.escape(path)}"] .menu-btn`;
  button.closest<HTMLElement>('[popover]')?.hidePopover();
  switch (button.dataset.column) {
    case 'left': moveColumn(path, -1); break;
    case 'right': moveColumn(path, 1); break;
    case 'hide': useColumns(names().filter((one) => one !== path)); break;
    case 'wider': setWidth(path, width + STEP, true); find(again)?.focus(); break;
    case 'narrower': setWidth(path, width - STEP, true); find(again)?.focus(); break;
    case 'pin': void keep({ pinned: String(at + 1) }, true, t('layout_kept'), again); break;
    case 'unpin': void keep({ pinned: String(at) }, true, t('layout_kept'), again); break;
    case 'reset': resetColumns(); break;
  }
}

/** Pulling the edge of a head. */
function resize(event: PointerEvent, edge: HTMLElement) {
  const path = edge.closest<HTMLElement>('th')?.dataset.path ?? '';
  const begin = Number(col(path)?.dataset.width ?? 160);
  const x = event.clientX;
  edge.setPointerCapture(event.pointerId);
  edge.classList.add('pulled');
  const move = (to: PointerEvent) => setWidth(path, begin + to.clientX - x, false);
  const done = (to: PointerEvent) => {
    edge.removeEventListener('pointermove', move);
    edge.classList.remove('pulled');
    if (Math.abs(to.clientX - x) > 2) setWidth(path, begin + to.clientX - x, true);
  };
  edge.addEventListener('pointermove', move);
  edge.addEventListener('pointerup', done, { once: true });
  event.preventDefault();
  event.stopPropagation();
}

export function startColumns() {
  document.addEventListener('pointerdown', (event) => {
    const edge = around<HTMLElement>(event, '[data-resize]');
    if (edge && event.button === 0) resize(event, edge);
  }, true);
  document.addEventListener('click', (event) => {
    const button = around<HTMLElement>(event, '[data-column]');
    if (button) { event.preventDefault(); onMenu(button); }
  });
  const place = (x: number) => behind(heads().slice(1), x, true);
  draggable<HTMLTableCellElement>({
    item: '#heads th[data-path]', not: '[popover],[data-resize]', scroll: '.grid-wrap',
    start: () => { find('#groupbar')?.classList.add('ready'); return true; },
    over: (head, x, y) => {
      if (head.dataset.groupAs && overBar(x, y)) return;
      const row = find('#heads')?.getBoundingClientRect();
      if (!row || y < row.top - 20 || y > row.bottom + 60) { unmark(); return; }
      const next = place(x);
      const all = heads();
      const at = next?.getBoundingClientRect().left ?? all[all.length - 1]?.getBoundingClientRect().right ?? x;
      mark(at - 1, row.top, row.height, true);
    },
    drop: (head, x, y) => {
      const path = head.dataset.path ?? '';
      const text = head.dataset.groupAs;
      if (text && overBar(x, y)) { dropOnBar(text, t('grouped', { what: head.dataset.label ?? '' }), x, null); return; }
      const row = find('#heads')?.getBoundingClientRect();
      if (!row || y < row.top - 20 || y > row.bottom + 60 || path === names()[0]) return;
      const next = place(x)?.dataset.path;
      const cols = names().filter((one) => one !== path);
      cols.splice(next && next !== path ? cols.indexOf(next) : next === path ? names().indexOf(path) : cols.length, 0, path);
      if (cols.join() !== names().join()) useColumns(cols, t('column_moved', { what: head.dataset.label ?? path, at: cols.indexOf(path) + 1, count: cols.length }));
    },
    end: endBar,
  });
  addEventListener('resize', fit);
  whenever('table.grid', fit);
}

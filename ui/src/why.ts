// Where a calculated cell of a list comes from. One mark for all of them: it stands in the cell that the pointer or the
// focus is in, so that a row costs nothing and no column moves.
import { around, find, icon, make } from './dom';

let mark: HTMLAnchorElement | null = null;

const cellAt = (event: Event) => around<HTMLTableCellElement>(event, 'tr.rec td[data-path]');

/** Puts the mark into a cell that has something to tell. */
function put(cell: HTMLTableCellElement): HTMLAnchorElement | null {
  const { path = '' } = cell.dataset;
  const words = find(`#heads th[data-path="${CSS.escape(path)}"]`)?.dataset.why;
  const card = find('[data-list]')?.dataset.card;
  const id = cell.closest<HTMLElement>('.rec')?.dataset.id;
  if (!words || !card || !id) return null;
  mark ??= make('a', { class: 'why cell-why', 'aria-haspopup': 'dialog', 'aria-keyshortcuts': 'F2', tabindex: '-1' }, icon('square-function'));
  const url = `/c/${card}/${id}/explain/${encodeURIComponent(path)}`;
  mark.href = url;
  mark.dataset.explain = url;
  mark.title = words;
  mark.setAttribute('aria-label', words);
  if (mark.parentElement !== cell) cell.append(mark);
  return mark;
}

/** Opens what a cell has to tell. Answers whether there is anything. */
export function explainCell(cell: HTMLTableCellElement): boolean {
  const own = put(cell);
  own?.click();
  return !!own;
}

const isOpen = () => !!find('#explain-menu:popover-open');

function onPoint(event: Event) {
  const cell = cellAt(event);
  if (isOpen() || document.activeElement === mark || (cell && mark?.parentElement === cell) || (cell && put(cell))) return;
  // A cell that has the focus keeps it.
  if (mark?.parentElement && !mark.parentElement.contains(document.activeElement)) mark.remove();
}

export function startWhy() {
  document.addEventListener('pointerover', onPoint);
  document.addEventListener('focusin', (event) => { const cell = cellAt(event); if (cell && event.target !== mark && !isOpen()) put(cell); });
}

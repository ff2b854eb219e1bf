// Where a calculated cell of a list comes from. One mark for all of them: it stands in the cell that the pointer or the
// focus is in, so that a row costs nothing and no column moves.
import { around, find, icon, make } from './dom';

let mark: HTMLAnchorElement | null = null;

const cellAt = (event: Event) => around<HTMLTableCellElement>(event, 'tr.rec td[data-path]');

/** As much as a mark takes of its cell. */
const MARK = 20;

/** Beside the words of its cell, however wide that is: after them, and before figures. */
function nestle(cell: HTMLElement, own: HTMLElement) {
  const words = document.createRange();
  words.setStart(cell, 0);
  words.setEndBefore(own);
  const [box, inner] = [cell.getBoundingClientRect(), words.getBoundingClientRect()];
  if (!inner.width) return;
  const isEnd = cell.classList.contains('end');
  const away = `${Math.min(isEnd ? box.right - inner.left + 2 : inner.right - box.left + 2, box.width - MARK)}px`;
  own.style.insetInline = isEnd ? `auto ${away}` : `${away} auto`;
}

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
  nestle(cell, mark);
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
  const beside = around<HTMLElement>(event, 'td');
  const there = beside && find(':scope > .cell-why', beside);
  if (beside && there && there !== mark) nestle(beside, there);
  const cell = cellAt(event);
  if (isOpen() || document.activeElement === mark || (cell && mark?.parentElement === cell) || (cell && put(cell))) return;
  // A cell that has the focus keeps it.
  if (mark?.parentElement && !mark.parentElement.contains(document.activeElement)) mark.remove();
}

export function startWhy() {
  document.addEventListener('pointerover', onPoint);
  document.addEventListener('focusin', (event) => { const cell = cellAt(event); if (cell && event.target !== mark && !isOpen()) put(cell); });
}

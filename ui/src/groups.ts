// Groups of a list: opening and closing, what was open stays open, and the bar that columns are dropped on.
import htmx from './htmx';
import { all, around, find, t } from './dom';
import { behind, draggable, mark, unmark } from './drag';
import { go, here, pieces } from './go';


/** Rows that are opened by themselves when a list is seen for the first time, and groups opened by one press. */
const FIRST_ROWS = 30;
const MOST_OPENED = 50;

const key = () => `cardstock.groups:${location.pathname}${location.search}`;
const opened = (): string[] | null => JSON.parse(sessionStorage.getItem(key()) ?? 'null');
const level = (body: Element | null) => Number((body as HTMLElement | null)?.dataset.level ?? 0);
const bodyOf = (head: Element) => head.closest('tbody') as HTMLTableSectionElement;
export const heads = () => all<HTMLTableRowElement>('tr.grp').filter((head) => !bodyOf(head).hidden);
const isOpen = (head: Element) => head.getAttribute('aria-expanded') === 'true';

function remember() {
  sessionStorage.setItem(key(), JSON.stringify(all('tr.grp[aria-expanded=true]').map((head) => head.id)));
}

/** Everything that stands in a group: up to the next head of the same or an outer level. */
function inside(head: Element): HTMLElement[] {
  const found: HTMLElement[] = [];
  for (let next = bodyOf(head).nextElementSibling; next?.matches('tbody'); next = next.nextElementSibling) {
    if (next.matches('.grp') && level(next) <= level(bodyOf(head))) break;
    if (next.matches('.note') && level(bodyOf(head)) === 1) break;
    found.push(next as HTMLElement);
  }
  return found;
}

function show(head: Element) {
  let closed = 0;
  for (const body of inside(head)) {
    if (closed && body.matches('.grp') && level(body) <= closed) closed = 0;
    body.hidden = closed > 0;
    const own = find('tr.grp', body);
    if (!closed && own && !isOpen(own)) closed = level(body);
  }
}

export async function openGroup(head: HTMLElement, keep = true) {
  if (isOpen(head)) return;
  head.setAttribute('aria-expanded', 'true');
  if (head.dataset.content) {
    head.setAttribute('aria-busy', 'true');
    const found = await pieces(head.dataset.content);
    head.removeAttribute('aria-busy');
    if (!found) { head.setAttribute('aria-expanded', 'false'); return; }
    delete head.dataset.content;
    bodyOf(head).after(...found);
    found.forEach((one) => htmx.process(one));
    document.dispatchEvent(new CustomEvent('list:rows'));
  } else {
    show(head);
  }
  if (keep) { remember(); drawLeft(false); }
}

export function closeGroup(head: HTMLElement) {
  if (!isOpen(head)) return;
  head.setAttribute('aria-expanded', 'false');
  for (const body of inside(head)) body.hidden = true;
  remember();
  drawLeft(false);
  document.dispatchEvent(new CustomEvent('list:rows'));
}

export const toggleGroup = (head: HTMLElement) => (isOpen(head) ? closeGroup(head) : void openGroup(head));

/** Opens what was open, or the first groups of a list that is new. */
export async function restoreGroups() {
  if (!find('tr.grp')) return;
  const known = opened();
  if (known) {
    // Inner groups are there once the outer ones are.
    for (let again = true; again;) {
      again = false;
      for (const head of all('tr.grp[aria-expanded=false]')) if (known.includes(head.id)) { await openGroup(head, false); again = true; }
    }
    return;
  }
  let rows = 0;
  // Whoever opens or closes something meanwhile decides from there on.
  for (let head = heads()[0]; head && rows < FIRST_ROWS && !opened(); head = heads().find((one) => !isOpen(one) && one.compareDocumentPosition(head as Node) & Node.DOCUMENT_POSITION_PRECEDING) as HTMLTableRowElement) {
    await openGroup(head, false);
    if (bodyOf(head).nextElementSibling?.matches('.win')) rows += Number(head.dataset.records ?? 0);
  }
  if (opened()) remember();
}

/** Opens the next groups, and says how many are left: all of a long list at once would be more than a page bears. */
async function openAll() {
  const closed = heads().filter((head) => !isOpen(head)).slice(0, MOST_OPENED);
  for (const head of closed) await openGroup(head, false);
  remember();
  drawLeft(true);
}

/** How many groups are still closed, with a way to open more. */
function drawLeft(asked: boolean) {
  const left = find('#groups-left');
  const words = left && find('span', left);
  if (!left || !words || (left.hidden && !asked)) return;
  const known = heads();
  const open = known.filter((head) => isOpen(head)).length;
  left.hidden = open === known.length || open === 0;
  words.textContent = left.hidden ? '' : t('groups_open', { open, all: known.length });
}

const levels = () => (find('#groupbar')?.dataset.group ?? '').split(',').filter(Boolean);

/** The list grouped by these levels. */
export function groupBy(texts: string[], say: string) {
  const before = here();
  void go(here({ group: texts.join(',') || '-' }), { say, focus: '#groupbar', undo: { label: t('undo'), run: () => void go(before) } });
}

/** Whether a column head may be dropped on the bar at this point; shows where it would land. */
export function overBar(x: number, y: number): boolean {
  const bar = find('#groupbar');
  const box = bar?.getBoundingClientRect();
  const is = !!bar && !!box && y >= box.top - 6 && y <= box.bottom + 6 && x >= box.left && x <= box.right;
  bar?.classList.toggle('over', is);
  if (is) {
    const chips = all('.gchip');
    const next = behind(chips, x, true);
    const last = chips[chips.length - 1];
    const at = next?.getBoundingClientRect().left ?? last?.getBoundingClientRect().right;
    if (at !== undefined && box) mark(at - (next ? 4 : -3), box.top + 5, box.height - 10, true); else unmark();
  }
  return is;
}

/** Drops a level on the bar: before the chip behind the point. */
export function dropOnBar(text: string, label: string, x: number, moved: string | null) {
  const next = behind(all<HTMLElement>('.gchip'), x, true)?.dataset.levelText ?? null;
  const rest = levels().filter((one) => one !== moved);
  const field = (one: string) => one.split(':')[0];
  if (!moved && rest.some((one) => field(one) === field(text))) return;
  if (!moved && find('#groupbar[data-full]')) return;
  const at = next && next !== moved ? rest.indexOf(next) : next === moved && moved ? levels().indexOf(moved) : rest.length;
  rest.splice(at < 0 ? rest.length : at, 0, text);
  if (rest.join() !== levels().join()) groupBy(rest, moved ? t('grouped_order') : label);
}

export function endBar() {
  find('#groupbar')?.classList.remove('over', 'ready');
  unmark();
}

function onClick(event: MouseEvent) {
  const doing = around<HTMLElement>(event, '[data-do]')?.dataset.do;
  if (doing === 'open-groups') void openAll();
  if (doing === 'close-groups') { heads().filter((head) => isOpen(head) && level(bodyOf(head)) === 1).forEach(closeGroup); }
  const head = around<HTMLElement>(event, 'tr.grp');
  if (head && !around(event, 'a')) toggleGroup(head);
}

export function startGroups() {
  document.addEventListener('click', onClick);
  draggable({
    item: '.gchip', not: 'a',
    start: () => true,
    over: (_item, x, y) => { if (!overBar(x, y)) unmark(); },
    drop: (item, x, y) => {
      const text = item.dataset.levelText ?? '';
      const box = find('#groupbar')?.getBoundingClientRect();
      if (box && y >= box.top - 6 && y <= box.bottom + 6) dropOnBar(text, '', x, text);
      else groupBy(levels().filter((one) => one !== text), t('ungrouped'));
    },
    end: endBar,
  });
}


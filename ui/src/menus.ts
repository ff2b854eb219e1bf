// Menus: where they open, what they load, how keys move in them, and the little forms in the list's menus.
import htmx from './htmx';
import { useColumns } from './columns';
import { all, around, find, whenever } from './dom';

const GAP = 4;

/** Puts a popover beside its button and inside the window. */
export function place(menu: HTMLElement, anchor: Element) {
  const box = anchor.getBoundingClientRect();
  const size = menu.getBoundingClientRect();
  const left = menu.dataset.align === 'end' ? box.right - size.width : box.left;
  const below = box.bottom + GAP;
  const fits = below + size.height <= innerHeight - GAP || box.top < innerHeight / 2;
  const top = menu.dataset.side === 'top' || !fits ? box.top - size.height - GAP : below;
  menu.style.left = `${Math.max(GAP, Math.min(left, innerWidth - size.width - GAP))}px`;
  menu.style.top = `${Math.max(GAP, Math.min(top, innerHeight - size.height - GAP))}px`;
}

const anchors = new WeakMap<HTMLElement, Element>();

export function openAt(menu: HTMLElement, anchor: Element) {
  anchors.set(menu, anchor);
  menu.showPopover();
}

function anchorOf(menu: HTMLElement) {
  const known = anchors.get(menu);
  return known?.isConnected ? known : find(`[popovertarget="${menu.id}"]:not(.only-m)`) ?? find(`[popovertarget="${menu.id}"]`);
}

function onToggle(event: Event) {
  const menu = event.target;
  if (!(menu instanceof HTMLElement) || !menu.matches('.menu[popover=auto],.menu[popover=""]')) return;
  const open = (event as ToggleEvent).newState === 'open';
  const anchor = anchorOf(menu);
  anchor?.setAttribute('aria-expanded', String(open));
  if (!open || !anchor) return;
  if (menu.hasAttribute('data-load-on-open')) htmx.trigger(menu, 'open');
  place(menu, anchor);
  focusFirst(menu);
}

function focusFirst(menu: HTMLElement) {
  const first = find<HTMLElement>('[autofocus],input:not([type=hidden]),select,button,a', menu);
  // A keyboard on the screen would jump up with every menu.
  if (first && !(first.matches('input') && matchMedia('(pointer: coarse)').matches)) first.focus();
  return first !== null;
}

function onKey(event: KeyboardEvent) {
  const menu = around<HTMLElement>(event, '.menu:popover-open');
  if (!menu || !['ArrowDown', 'ArrowUp', 'Home', 'End'].includes(event.key)) return;
  if (event.target instanceof Element && event.target.matches('select,[role=combobox],[type=date],[type=datetime-local],[type=time],[type=radio]')) return;
  const stops = all<HTMLElement>('.mi,input:not([type=hidden]):not(.mi input),a.btn,button.btn', menu).map((stop) => (stop.matches('label') ? find('input', stop) ?? stop : stop)).filter((stop) => stop.offsetParent !== null);
  const at = stops.indexOf(document.activeElement as HTMLElement);
  const to = event.key === 'Home' ? 0 : event.key === 'End' ? stops.length - 1 : at + (event.key === 'ArrowDown' ? 1 : -1);
  stops[(to + stops.length) % stops.length]?.focus();
  event.preventDefault();
}

/** Shows only the lines whose words contain what was typed. */
function narrow(input: HTMLInputElement) {
  const words = input.value.trim().toLowerCase();
  for (const line of all('[data-words]', input.closest('.menu') ?? document)) {
    line.hidden = !(line.dataset.words ?? '').toLowerCase().includes(words);
  }
}

type Leaf = { field: string; op: string; value?: unknown };

/** The value a filter's form holds, in the shape that filters take. */
function filterValue(form: HTMLFormElement): unknown {
  const values = new FormData(form).getAll('value').map(String).map((text) => text.trim()).filter((text) => text !== '');
  const point = document.body.dataset.point ?? '.';
  const number = (text: string) => [...text].filter((one) => one === point || !/[.,\s]/.test(one)).map((one) => (one === point ? '.' : one)).join('');
  switch (form.dataset.editor) {
    case 'none': return undefined;
    case 'options': case 'links': return values;
    case 'number': return values[0] === undefined ? undefined : number(values[0]);
    case 'number_range': return values.map(number);
    case 'date_range': return values;
    case 'datetime': return values[0] && new Date(values[0]).toISOString();
    case 'datetime_range': return values.map((text) => new Date(text).toISOString());
    case 'boolean': return values[0] === 'true';
    default: return values[0];
  }
}

function applyFilter(form: HTMLFormElement) {
  const leaf: Leaf = { field: form.dataset.field ?? '', op: new FormData(form).get('op') as string };
  const value = filterValue(form);
  const missing = form.dataset.editor !== 'none' && (value === undefined || value === '' || (Array.isArray(value) && value.length === 0));
  const ranged = form.dataset.editor?.endsWith('_range') && (value as unknown[]).length !== 2;
  if (missing || ranged) {
    find<HTMLElement>('[name=value],[role=combobox]', form)?.focus();
    return;
  }
  if (value !== undefined) leaf.value = value;
  const filter = JSON.parse(form.dataset.filter || '{"all":[]}');
  const parts: unknown[] = Array.isArray(filter.all) ? filter.all : [filter];
  if (form.dataset.index === undefined) parts.push(leaf); else parts[Number(form.dataset.index)] = leaf;
  const url = new URL(form.action);
  url.searchParams.set('filter', JSON.stringify({ all: parts }));
  location.assign(url);
}

function applyColumns(form: HTMLFormElement) {
  const shown = all<HTMLInputElement>('[data-path] input:checked', form).map((input) => input.value);
  form.closest<HTMLElement>('[popover]')?.hidePopover();
  useColumns(shown);
}

function moveColumn(button: Element) {
  const line = button.closest('[data-path]');
  const beside = button.hasAttribute('data-up') ? line?.previousElementSibling : line?.nextElementSibling;
  if (!line || !beside || find('input:disabled', beside)) return;
  if (button.hasAttribute('data-up')) beside.before(line); else beside.after(line);
  (button as HTMLElement).focus();
}

export function startMenus() {
  document.addEventListener('toggle', onToggle, true);
  document.addEventListener('keydown', onKey);
  document.addEventListener('input', (event) => { if (event.target instanceof HTMLInputElement && event.target.matches('[data-narrow]')) narrow(event.target); });
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    if (form.matches('[data-filter-form]')) { event.preventDefault(); applyFilter(form); }
    if (form.matches('[data-columns-form]')) { event.preventDefault(); applyColumns(form); }
  });
  document.addEventListener('click', (event) => {
    const chip = around<HTMLElement>(event, '[data-edit-chip]');
    const menu = find('#chip-menu');
    if (chip && menu) {
      const from = chip.closest('th') ?? chip;
      for (const open of all('.menu:popover-open')) open.hidePopover();
      void htmx.ajax('GET', chip.dataset.editChip ?? '', { target: menu, swap: 'innerHTML' });
      openAt(menu, from);
    }
    const why = around<HTMLElement>(event, '[data-explain]');
    const told = find('#explain-menu');
    if (why && told && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      void htmx.ajax('GET', why.dataset.explain ?? '', { target: told, swap: 'innerHTML' });
      // A value explained inside an explanation takes its place.
      if (!told.contains(why)) openAt(told, why);
    }
    const next = around<HTMLElement>(event, '[data-next-menu]');
    const other = next && find(`#${next.dataset.nextMenu}`);
    if (next && other) {
      const from = anchorOf(next.closest<HTMLElement>('[popover]') ?? next);
      next.closest<HTMLElement>('[popover]')?.hidePopover();
      openAt(other, from ?? next);
    }
    const move = around(event, '[data-up],[data-down]');
    if (move) moveColumn(move);
  });
  // A menu that was filled after it opened may have outgrown its place.
  document.addEventListener('htmx:after:settle', (event) => {
    const menu = event.target instanceof Element ? event.target.closest<HTMLElement>('.menu:popover-open') : null;
    const anchor = menu && anchorOf(menu);
    if (!menu || !anchor || menu.matches('[role=listbox]')) return;
    place(menu, anchor);
    if (menu.contains(document.activeElement) && document.activeElement !== menu) return;
    // Where nothing in it can be chosen, keys go on from where it was opened.
    if (!focusFirst(menu) && anchor instanceof HTMLElement) anchor.focus();
  });
  whenever('[data-narrow]', (input) => input.closest('.menu')?.scrollTo(0, 0));
}

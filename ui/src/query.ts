// The query builder: steps go to the server as the form; here are only choosing a field, counting again, and dragging.
import htmx from './htmx';
import { all, around, find, whenever } from './dom';
import { openAt } from './menus';

const form = () => find<HTMLFormElement>('#query');

/** One step, as if its button had been pressed. */
function step(value: string) {
  const query = form();
  if (!query) return;
  const button = document.createElement('button');
  Object.assign(button, { type: 'submit', name: 'do', value, hidden: true, formNoValidate: true });
  query.append(button);
  query.requestSubmit(button);
  button.remove();
}

async function chooseField(button: HTMLElement) {
  const menu = find('#query-fields');
  if (!menu) return;
  for (const open of all('.menu:popover-open')) open.hidePopover();
  await htmx.ajax('GET', button.dataset.fields ?? '', { source: menu, target: menu, swap: 'innerHTML' });
  openAt(menu, button);
}

let stepped = false;

/** After a step the focus stays in the builder: at what was added, else where it was, else at the first button. */
function settle(query: Element) {
  if (!stepped) return;
  stepped = false;
  requestAnimationFrame(() => {
    const at = document.activeElement;
    const fresh = find<HTMLElement>('[data-focus]', query);
    if (fresh) fresh.focus();
    else if (!at || at === document.body || at.id === 'main' || !at.isConnected) find<HTMLElement>('.q-add button', query)?.focus();
    const wrong = find('.q-node .err', query)?.closest('.q-node');
    if (wrong) (find<HTMLElement>('.q-value :is(input:not([type=hidden]),select)', wrong) ?? find<HTMLElement>('button,select', wrong))?.focus();
  });
}

const line = document.createElement('div');
line.className = 'q-line';

/** Where a part that is held at a point would be dropped: its group, and before which part. */
function placeAt(x: number, y: number, held: Element) {
  const under = document.elementFromPoint(x, y);
  const group = under?.closest<HTMLElement>('.q-group');
  if (!group || held.contains(group)) return null;
  const parts = all<HTMLElement>(':scope > .q-parts > .q-node', group);
  const index = parts.findIndex((part) => { const box = part.getBoundingClientRect(); return y < box.top + box.height / 2; });
  return { group, parts, index: index < 0 ? parts.length : index };
}

function startDrag(event: PointerEvent, grip: Element) {
  const held = grip.closest<HTMLElement>('.q-node');
  if (!held || event.button !== 0) return;
  event.preventDefault();
  let at: ReturnType<typeof placeAt> = null;
  held.classList.add('held');
  const move = (moved: PointerEvent) => {
    at = placeAt(moved.clientX, moved.clientY, held);
    if (!at) { line.remove(); return; }
    const before = at.parts[at.index];
    if (before) before.before(line); else find(':scope > .q-parts > .q-add', at.group)?.before(line);
  };
  const end = (ended: PointerEvent) => {
    removeEventListener('pointermove', move);
    removeEventListener('pointerup', end);
    removeEventListener('pointercancel', end);
    held.classList.remove('held');
    line.remove();
    if (!at || ended.type !== 'pointerup') return;
    // Among its own siblings, what stands behind it moves up when it is taken out.
    const from = at.parts.indexOf(held);
    const index = from >= 0 && from < at.index ? at.index - 1 : at.index;
    if (from === index) return;
    step(`drop:${held.dataset.node}:${at.group.dataset.group}:${index}`);
  };
  addEventListener('pointermove', move);
  addEventListener('pointerup', end);
  addEventListener('pointercancel', end);
}

export function startQuery() {
  document.addEventListener('click', (event) => {
    const button = around<HTMLElement>(event, '[data-fields]');
    if (button) void chooseField(button);
  });
  document.addEventListener('change', (event) => {
    const query = form();
    if (!query || !(event.target instanceof Element) || !query.contains(event.target)) return;
    // Another operator or another way of holding together draws the form anew; a value only counts anew.
    if (event.target.matches('[data-step]')) step('redraw'); else htmx.trigger(query, 'recount');
  });
  document.addEventListener('input', (event) => {
    const query = form();
    if (query && event.target instanceof Element && query.contains(event.target) && !event.target.matches('[data-narrow],[role=combobox],select')) htmx.trigger(query, 'recount');
  });
  document.addEventListener('submit', (event) => {
    if (event.target !== form()) return;
    // What ends the form is sent the browser's way; everything else is a step.
    if (event.submitter?.matches('[data-plain]')) event.stopPropagation(); else stepped = true;
  }, true);
  document.addEventListener('pointerdown', (event) => {
    const grip = around(event, '[data-grip]');
    if (grip) startDrag(event, grip);
  });
  whenever('#query', settle, true);
}

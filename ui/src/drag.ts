// Dragging with the pointer: columns, levels of groups, cards of a board, records of a calendar. Every drag has a twin in a menu.
import { around, find } from './dom';

const FAR = 5;
const HOLD = 180;
const EDGE = 48;

export interface Dragging<T extends HTMLElement = HTMLElement> {
  /** What can be dragged. */
  item: string;
  /** Not from here. */
  not?: string;
  /** Says whether it may begin. */
  start?(item: T): boolean;
  /** The pointer is here. */
  over(item: T, x: number, y: number): void;
  /** It was let go here. */
  drop(item: T, x: number, y: number): void;
  /** It is over, however it ended. */
  end(item: T): void;
  /** What scrolls when the pointer comes near its edge. */
  scroll?: string;
}

type Held = { rule: Dragging; item: HTMLElement; x: number; y: number; dx: number; dy: number; id: number; ghost: HTMLElement | null; timer: number };
let held: Held | null = null;

function lift(x: number, y: number) {
  if (!held || held.ghost) return;
  if (held.rule.start && !held.rule.start(held.item)) { held = null; return; }
  const box = held.item.getBoundingClientRect();
  const ghost = document.createElement('div');
  ghost.className = `drag-ghost ${held.item.matches('th') ? 'ghost-th' : ''}`;
  const copy = held.item.cloneNode(true) as HTMLElement;
  copy.removeAttribute('id');
  for (const one of copy.querySelectorAll('[id],[popover]')) if (one.hasAttribute('popover')) one.remove(); else one.removeAttribute('id');
  ghost.append(...(held.item.matches('th') ? [...copy.childNodes] : [copy]));
  ghost.setAttribute('aria-hidden', 'true');
  ghost.style.inlineSize = `${Math.min(box.width, 320)}px`;
  document.body.append(ghost);
  document.body.classList.add('dragging');
  held.ghost = ghost;
  held.dx = Math.min(x - box.left, 320);
  held.dy = y - box.top;
  held.item.classList.add('lifted');
  getSelection()?.removeAllRanges();
}

function move(event: PointerEvent) {
  if (!held || event.pointerId !== held.id) return;
  const { clientX: x, clientY: y } = event;
  if (!held.ghost) {
    const far = Math.hypot(x - held.x, y - held.y) > FAR;
    if (!far) return;
    // A finger that moves at once scrolls; one that rests first drags.
    if (event.pointerType === 'touch') { drop(); return; }
    lift(x, y);
  }
  if (!held?.ghost) return;
  held.ghost.style.translate = `${x - held.dx}px ${y - held.dy}px`;
  edge(held.rule.scroll, x, y);
  held.rule.over(held.item, x, y);
}

function edge(selector: string | undefined, x: number, y: number) {
  const box = selector ? find(selector) : null;
  const around = box?.getBoundingClientRect();
  if (!box || !around) return;
  if (x > around.right - EDGE) box.scrollLeft += 12; else if (x < around.left + EDGE) box.scrollLeft -= 12;
  if (y > around.bottom - EDGE) box.scrollTop += 12; else if (y < around.top + EDGE) box.scrollTop -= 12;
}

/** Lets go without anything happening. */
function drop() {
  if (!held) return;
  clearTimeout(held.timer);
  held.ghost?.remove();
  held.item.classList.remove('lifted');
  document.body.classList.remove('dragging');
  if (held.ghost) held.rule.end(held.item);
  held = null;
}

function up(event: PointerEvent) {
  if (!held || event.pointerId !== held.id) return;
  const { rule, item, ghost } = held;
  drop();
  if (!ghost) return;
  // The click that follows is no click; one that comes later is.
  const swallow = (click: Event) => { click.preventDefault(); click.stopPropagation(); };
  addEventListener('click', swallow, { capture: true, once: true });
  setTimeout(() => removeEventListener('click', swallow, { capture: true }), 40);
  rule.drop(item, event.clientX, event.clientY);
}

/** Registers a kind of drag. */
export function draggable<T extends HTMLElement = HTMLElement>(rule: Dragging<T>) {
  document.addEventListener('pointerdown', (event) => {
    const item = around<T>(event, rule.item);
    if (!item || held || event.button !== 0 || around(event, `button,input,select,textarea${rule.not ? `,${rule.not}` : ''}`)) return;
    const [x, y] = [event.clientX, event.clientY];
    held = { rule: rule as unknown as Dragging, item, x, y, dx: 0, dy: 0, id: event.pointerId, ghost: null, timer: 0 };
    if (event.pointerType === 'touch') held.timer = window.setTimeout(() => lift(x, y), HOLD);
  });
}

export function startDrag() {
  document.addEventListener('pointermove', move);
  document.addEventListener('pointerup', up);
  document.addEventListener('pointercancel', drop);
  document.addEventListener('touchmove', (event) => { if (held?.ghost) event.preventDefault(); }, { passive: false });
  document.addEventListener('dragstart', (event) => { if (around(event, 'th,.kcard,.ev,.gchip')) event.preventDefault(); });
  document.addEventListener('contextmenu', (event) => { if (held?.ghost) event.preventDefault(); });
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && held?.ghost) { event.stopPropagation(); drop(); } }, true);
}

/** The first of some elements whose middle lies behind a point. */
export function behind<T extends Element>(all: T[], at: number, across = false): T | null {
  return all.find((one) => { const box = one.getBoundingClientRect(); return across ? at < box.left + box.width / 2 : at < box.top + box.height / 2; }) ?? null;
}

/** A line that says where something will land. */
export function mark(x: number, y: number, length: number, upright: boolean) {
  const line = find('#drop-line') ?? document.body.appendChild(Object.assign(document.createElement('div'), { id: 'drop-line' }));
  line.hidden = false;
  Object.assign(line.style, { left: `${x}px`, top: `${y}px`, inlineSize: upright ? '2px' : `${length}px`, blockSize: upright ? `${length}px` : '2px' });
}

export function unmark() {
  const line = find('#drop-line');
  if (line) line.hidden = true;
}

// A week or a day by the hour: records stand where their time is, side by side where they overlap; they move and grow
// by dragging. Keys and the form do the same, in the calendar.
import { all, find } from './dom';
import { draggable } from './drag';

const DAY = 1_440;
const STEP = 15;
/** What is shorter is drawn so, or it could not be read. */
const SHORTEST = 30;
/** Where the grid opens. */
const MORNING = 7;

export const hours = () => find('[data-hours]');
const narrow = () => matchMedia('(max-width: 720px)').matches;

type Placed = { event: HTMLElement; from: number; to: number; lane: number };

/** Records that overlap share the width of their day. */
function place(group: Placed[]) {
  const ends: number[] = [];
  for (const one of group) {
    const free = ends.findIndex((end) => end <= one.from);
    one.lane = free < 0 ? ends.length : free;
    ends[one.lane] = one.to;
  }
  for (const { event, from, to, lane } of group) {
    event.style.insetBlockStart = `${(from / DAY) * 100}%`;
    event.style.blockSize = `${((to - from) / DAY) * 100}%`;
    event.style.insetInlineStart = `${(lane / ends.length) * 100}%`;
    event.style.inlineSize = `${100 / ends.length}%`;
  }
}

/** Puts every record where its time is. */
function lay() {
  const own = hours();
  if (!own || narrow()) return;
  for (const column of all('.hcol', own)) {
    const placed = all('.ev', column).map((event): Placed => {
      const from = Math.min(Number(event.dataset.from), DAY - SHORTEST);
      return { event, from, to: Math.max(Number(event.dataset.to), from + SHORTEST), lane: 0 };
    });
    placed.sort((one, other) => one.from - other.from || other.to - one.to);
    let group: Placed[] = [];
    let end = -1;
    for (const one of placed) {
      if (one.from >= end) { place(group); group = []; }
      group.push(one);
      end = Math.max(end, one.to);
    }
    place(group);
  }
  const now = find('.now', own);
  if (now) now.style.insetBlockStart = `${(Number(now.dataset.minute) / DAY) * 100}%`;
}

/** Opens where people work: at the morning, or at the first record if that is earlier. */
function open() {
  const own = hours();
  const box = own?.closest<HTMLElement>('.cal');
  if (!own || !box || narrow()) return;
  const first = Math.min(MORNING * 60, ...all('.hcol .ev', own).map((event) => Number(event.dataset.from)));
  box.scrollTop = (Math.max(first - 15, 0) / DAY) * (find('.hcol', own)?.offsetHeight ?? 0);
}

export function drawHours() { lay(); open(); }

const columnAt = (x: number) => all('.hcol').find((one) => { const box = one.getBoundingClientRect(); return x >= box.left && x < box.right; });

/** The minute of the day at a height, to the quarter. */
function minuteAt(column: Element, y: number): number {
  const box = column.getBoundingClientRect();
  return Math.round((((y - box.top) / box.height) * DAY) / STEP) * STEP;
}

/** Whether a point lies above the hours, among what lasts whole days. */
export const isAbove = (y: number) => { const own = hours(); return !!own && y < own.getBoundingClientRect().top; };

type Move = (event: HTMLElement, minutes: number, only: 'both' | 'end') => void;
const day = (text: string) => Date.parse(`${text.slice(0, 10)}T00:00:00Z`) / 60_000;

export function startHours(allowed: () => boolean, move: Move) {
  let grip = 0;
  let height = 0;
  document.addEventListener('pointerdown', (event) => {
    const held = event.target instanceof Element ? event.target.closest('.hcol .ev') : null;
    if (held) { grip = event.clientY - held.getBoundingClientRect().top; height = held.getBoundingClientRect().height; }
  }, true);
  const clean = () => all('.hcol.over').forEach((one) => one.classList.remove('over'));
  draggable({
    item: '.hcol .ev', not: '.move,.rz', scroll: '.cal',
    start: allowed,
    over: (_event, x) => { clean(); columnAt(x)?.classList.add('over'); },
    drop: (event, x, y) => {
      const to = columnAt(x);
      const from = event.closest<HTMLElement>('.hcol');
      if (!to || !from || isAbove(y)) return;
      const days = day(to.dataset.day ?? '') - day(from.dataset.day ?? '');
      const minute = Math.max(0, Math.min(minuteAt(to, y - grip), DAY - STEP));
      const shift = days + minute - Math.round(Number(event.dataset.from) / STEP) * STEP;
      if (shift) move(event, shift, 'both');
    },
    end: clean,
  });
  draggable({
    item: '.rz', scroll: '.cal',
    start: allowed,
    over: (handle, _x, y) => {
      const event = handle.closest<HTMLElement>('.ev');
      if (event) event.style.blockSize = `${Math.max(y - event.getBoundingClientRect().top, 12)}px`;
    },
    drop: (handle, _x, y) => {
      const event = handle.closest<HTMLElement>('.ev');
      const column = event?.closest('.hcol');
      if (!event || !column) return;
      const end = Math.max(minuteAt(column, y), Number(event.dataset.from) + STEP);
      if (end !== Number(event.dataset.to)) move(event, end - Number(event.dataset.to), 'end'); else lay();
    },
    end: () => { height = 0; lay(); },
  });
  addEventListener('resize', () => { if (!height) lay(); });
}

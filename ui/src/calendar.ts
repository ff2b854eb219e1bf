// A calendar: records move to other days by dragging, by keys and by a form; empty days make new ones.
import { all, around, find, isTyping, t, whenever } from './dom';
import { draggable } from './drag';
import { saveFields, wordsOf } from './cells';
import { go, here } from './go';
import { drawHours, hours, startHours } from './hours';
import { openAt } from './menus';
import { complain, toast } from './toast';

const DAY = 1_440;
const QUARTER = 15;
const calendar = () => find('[data-calendar]');
const day = (text: string) => Date.parse(`${text.slice(0, 10)}T00:00:00Z`) / 60_000;
const minute = (text: string) => Date.parse(`${text.slice(0, 16).padEnd(16, 'T00:00')}:00Z`) / 60_000;
/** A day or a moment, as an input holds it, some minutes later. */
const shifted = (text: string, by: number) => (!text ? '' : text.includes('T') ? new Date((minute(text) + by) * 60_000).toISOString().slice(0, 16) + text.slice(16) : new Date((day(text) + by) * 60_000).toISOString().slice(0, 10));
const days = () => all<HTMLElement>('.day[data-day]');

function isLocked(): boolean {
  const why = calendar()?.dataset.locked;
  if (why) toast(why);
  return !!why;
}

/** Moves a record by some minutes, and what it lasts until along with it; or only its end. */
async function moveBy(event: HTMLElement, by: number, only: 'both' | 'end' = 'both') {
  const own = calendar();
  if (!own || !by || isLocked()) return;
  const { id = '', version = '', raw = '', until = '' } = event.dataset;
  const [start, end] = [`f.${own.dataset.field}`, own.dataset.until && until ? `f.${own.dataset.until}` : ''];
  if (only === 'end' && (!end || minute(until) + by <= minute(raw))) return;
  const at = (by: number) => Object.fromEntries([...(only === 'both' ? [[start, shifted(raw, by)]] : []), ...(end ? [[end, shifted(until, by)]] : [])]) as Record<string, string>;
  const target = hours() ? null : find(`.day[data-day="${shifted(raw, by).slice(0, 10)}"] .evs`);
  const home = event.parentElement;
  if (target) target.append(event);
  const outcome = await saveFields(id, version, at(by), at(0));
  if (!outcome?.saved) {
    home?.append(event);
    drawHours();
    find('a', event)?.focus();
    if (outcome) complain(wordsOf(outcome));
    return;
  }
  const { saved } = outcome;
  const focus = `.ev[data-id="${CSS.escape(id)}"] a`;
  const undo = () => void saveFields(id, String(saved.version), at(0), at(by)).then((back) => (back?.saved ? go(here(), { push: false, focus, say: t('undone') }) : back && complain(wordsOf(back))));
  const to = shifted(only === 'end' ? until : raw, by);
  const label = [find(`.day[data-day="${to.slice(0, 10)}"] .dw`)?.textContent ?? to.slice(0, 10), to.slice(11, 16)].filter(Boolean).join(' ');
  await go(here(), { push: false, focus, say: saved.warnings[0] ?? t('moved', { what: label }), undo: { label: t('undo'), run: undo } });
}

let chosen: HTMLElement | null = null;

function onKey(event: KeyboardEvent) {
  const own = around<HTMLElement>(event, '.ev');
  if (!own || isTyping(event.target) || event.ctrlKey || event.metaKey) return;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }[event.key];
  // By the hour, up and down are a quarter; with Shift they are the end's.
  const upright = !!own.closest('.hcol') && !!step && Math.abs(step) === 7;
  if (step && event.altKey) void moveBy(own, upright ? Math.sign(step) * QUARTER : step * DAY, upright && event.shiftKey ? 'end' : 'both');
  else if (step) {
    const links = all<HTMLElement>('.ev[data-first] a,.ev a');
    const at = links.indexOf(find('a', own) as HTMLElement);
    links[at + (step > 0 ? 1 : -1)]?.focus();
  } else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}

export function startCalendar() {
  document.addEventListener('keydown', onKey, true);
  document.addEventListener('click', (event) => {
    const button = around<HTMLElement>(event, '[data-move-day]');
    const menu = find('#day-menu');
    chosen = button?.closest<HTMLElement>('.ev') ?? chosen;
    if (button && menu && chosen) {
      if (isLocked()) return;
      const input = find<HTMLInputElement>('input', menu);
      if (input) input.value = (chosen.dataset.raw ?? '').slice(0, input.type === 'date' ? 10 : 16);
      openAt(menu, button);
      return;
    }
    // An empty place of a day makes a record there.
    const cell = around<HTMLElement>(event, '.day');
    if (cell && !around(event, 'a,button,.ev')) find<HTMLAnchorElement>('.add', cell)?.click();
    // So does an empty hour, at that hour.
    const column = around<HTMLElement>(event, '.hcol[data-new]');
    if (column && !around(event, '.ev')) {
      const box = column.getBoundingClientRect();
      const half = Math.floor(((event.clientY - box.top) / box.height) * 48) * 30;
      const url = new URL(column.dataset.new ?? '', location.href);
      const name = `f.${calendar()?.dataset.field}`;
      url.searchParams.set(name, shifted(`${column.dataset.day}T00:00`, Math.min(half, DAY - 30)));
      location.assign(url);
    }
  });
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.matches('[data-day-form]')) return;
    event.preventDefault();
    const to = new FormData(form).get('day') as string;
    form.closest<HTMLElement>('[popover]')?.hidePopover();
    const raw = chosen?.dataset.raw ?? to;
    if (chosen && to) void moveBy(chosen, to.includes('T') ? minute(to) - minute(raw) : day(to) - day(raw));
  });
  const under = (x: number, y: number) => days().find((one) => { const box = one.getBoundingClientRect(); return x >= box.left && x < box.right && y >= box.top && y < box.bottom; });
  const clean = () => days().forEach((one) => one.classList.remove('over'));
  draggable({
    item: '.day .ev', not: '.move,.rz',
    start: () => !isLocked(),
    over: (_event, x, y) => { clean(); under(x, y)?.classList.add('over'); },
    drop: (event, x, y) => {
      const to = under(x, y);
      const from = event.closest<HTMLElement>('.day');
      if (to && from) void moveBy(event, day(to.dataset.day ?? '') - day(from.dataset.day ?? ''));
    },
    end: clean,
  });
  startHours(() => !isLocked(), (event, by, only) => void moveBy(event, by, only));
  document.addEventListener('list:arrive', drawHours);
  whenever('[data-hours]', drawHours, true);
}

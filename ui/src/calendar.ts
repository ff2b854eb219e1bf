// A calendar: records move to other days by dragging, by keys and by a form; empty days make new ones.
import { all, around, find, isTyping, t } from './dom';
import { draggable } from './drag';
import { saveFields, wordsOf } from './cells';
import { go, here } from './go';
import { openAt } from './menus';
import { complain, toast } from './toast';

const DAY = 86_400_000;
const calendar = () => find('[data-calendar]');
const day = (text: string) => Date.parse(`${text.slice(0, 10)}T00:00:00Z`);
const shifted = (text: string, by: number) => (text ? new Date(day(text) + by * DAY).toISOString().slice(0, 10) + text.slice(10) : '');
const days = () => all<HTMLElement>('.day[data-day]');

/** Moves a record by some days, and what it lasts until along with it. */
async function moveBy(event: HTMLElement, by: number) {
  const own = calendar();
  if (!own || !by) return;
  if (own.dataset.locked) { toast(own.dataset.locked); return; }
  const { id = '', version = '', raw = '', until = '' } = event.dataset;
  const names = [`f.${own.dataset.field}`, own.dataset.until && until ? `f.${own.dataset.until}` : ''].filter(Boolean);
  const at = (by: number) => Object.fromEntries(names.map((name, index) => [name, shifted(index ? until : raw, by)]));
  const target = find(`.day[data-day="${shifted(raw, by).slice(0, 10)}"] .evs`);
  const home = event.parentElement;
  if (target) target.append(event);
  const outcome = await saveFields(id, version, at(by), at(0));
  if (!outcome?.saved) {
    home?.append(event);
    find('a', event)?.focus();
    if (outcome) complain(wordsOf(outcome));
    return;
  }
  const { saved } = outcome;
  const focus = `.ev[data-id="${CSS.escape(id)}"] a`;
  const undo = () => void saveFields(id, String(saved.version), at(0), at(by)).then((back) => (back?.saved ? go(here(), { push: false, focus, say: t('undone') }) : back && complain(wordsOf(back))));
  const label = find(`.day[data-day="${shifted(raw, by).slice(0, 10)}"] .dw`)?.textContent ?? shifted(raw, by).slice(0, 10);
  await go(here(), { push: false, focus, say: saved.warnings[0] ?? t('moved', { what: label }), undo: { label: t('undo'), run: undo } });
}

let chosen: HTMLElement | null = null;

function onKey(event: KeyboardEvent) {
  const own = around<HTMLElement>(event, '.ev');
  if (!own || isTyping(event.target) || event.ctrlKey || event.metaKey) return;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }[event.key];
  if (step && event.altKey) void moveBy(own, step);
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
      if (calendar()?.dataset.locked) { toast(calendar()?.dataset.locked ?? ''); return; }
      const input = find<HTMLInputElement>('input', menu);
      if (input) input.value = (chosen.dataset.raw ?? '').slice(0, 10);
      openAt(menu, button);
      return;
    }
    // An empty place of a day makes a record there.
    const cell = around<HTMLElement>(event, '.day');
    if (cell && !around(event, 'a,button,.ev')) find<HTMLAnchorElement>('.add', cell)?.click();
  });
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.matches('[data-day-form]')) return;
    event.preventDefault();
    const to = new FormData(form).get('day') as string;
    form.closest<HTMLElement>('[popover]')?.hidePopover();
    if (chosen && to) void moveBy(chosen, Math.round((day(to) - day(chosen.dataset.raw ?? to)) / DAY));
  });
  const under = (x: number, y: number) => days().find((one) => { const box = one.getBoundingClientRect(); return x >= box.left && x < box.right && y >= box.top && y < box.bottom; });
  const clean = () => days().forEach((one) => one.classList.remove('over'));
  draggable({
    item: '.ev', not: '.move',
    start: () => { const why = calendar()?.dataset.locked; if (why) toast(why); return !why; },
    over: (_event, x, y) => { clean(); under(x, y)?.classList.add('over'); },
    drop: (event, x, y) => {
      const to = under(x, y);
      const from = event.closest<HTMLElement>('.day');
      if (to && from) void moveBy(event, Math.round((day(to.dataset.day ?? '') - day(from.dataset.day ?? '')) / DAY));
    },
    end: clean,
  });
}

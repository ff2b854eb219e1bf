// A board: cards move between lanes by dragging, by menu and by keys; what is refused goes back.
import htmx from './htmx';
import { all, around, find, isTyping, t } from './dom';
import { behind, draggable, mark, unmark } from './drag';
import { redraw, saveFields, wordsOf } from './cells';
import { openAt } from './menus';
import { send } from './net';
import { openSheet } from './sheets';
import { complain, toast } from './toast';

const board = () => find('.board[data-field]');
const laneOf = (card: Element) => card.closest<HTMLElement>('.lane');
const lanes = () => all<HTMLElement>('.board .lane');
const cards = (lane: Element) => all<HTMLElement>('.kcard', lane);

function locked(): boolean {
  const why = board()?.dataset.locked;
  if (why) toast(why);
  return !!why;
}

const figures = () => { const box = find('#lane-figures'); if (box) htmx.trigger(box, 'refresh'); };

const moves = new Map<string, Promise<void>>();

/** Moves a card once its last move is saved: each move needs the version that the one before made. */
function moveTo(card: HTMLElement, lane: HTMLElement, before: Element | null = null) {
  const id = card.dataset.id ?? '';
  const next = (moves.get(id) ?? Promise.resolve()).then(() => move(find(`#r-${CSS.escape(id)}`) ?? card, lane, before));
  moves.set(id, next);
  return next;
}

type Outcome = NonNullable<Awaited<ReturnType<typeof saveFields>>>;
/** What is told of a step beside what is told of every save: in which state the record is now, and what that is called. */
type Stepped = Omit<Outcome, 'saved'> & { saved?: NonNullable<Outcome['saved']> & { state?: string | null; text?: string | null } };

/** Takes the step that leads to a lane. One that asks something opens its dialog, and the card stays for now. */
async function takeStep(id: string, card: HTMLElement, field: string, to: string): Promise<Stepped | null> {
  const url = `/c/${find('[data-list]')?.dataset.card}/${id}/move`;
  const answer = await send(url, new URLSearchParams({ field, to, version: card.dataset.version ?? '' }));
  if (!answer) return null;
  const told = await answer.json() as NonNullable<Stepped['saved']> & { dialog?: string };
  if (told.dialog) { void openSheet(told.dialog, card); return null; }
  return { saved: told };
}

/** Moves a card at once, saves, and moves it back if that is refused. */
async function move(card: HTMLElement, lane: HTMLElement, before: Element | null) {
  const from = laneOf(card);
  const home = card.nextElementSibling;
  const field = `f.${board()?.dataset.field}`;
  const [was, now] = [from?.dataset.value ?? '', lane.dataset.value ?? ''];
  const target = find('[data-lane]', lane);
  if (!from || !target || was === now || locked()) return;
  const id = card.dataset.id ?? '';
  const put = (to: Element | null, at: Element | null, one: Element = card) => { to?.insertBefore(one, at); };
  put(target, before ?? target.firstElementChild);
  card.focus({ preventScroll: false });
  card.setAttribute('aria-busy', 'true');
  const bySteps = board()?.hasAttribute('data-by-steps');
  const outcome: Stepped | null = bySteps ? await takeStep(id, card, board()?.dataset.field ?? '', now) : await saveFields(id, card.dataset.version ?? '', { [field]: now }, { [field]: was });
  card.removeAttribute('aria-busy');
  if (!outcome?.saved) {
    put(find('[data-lane]', from), home?.isConnected ? home : null);
    card.focus();
    if (outcome) complain(wordsOf(outcome));
    if (outcome?.clash) (await redraw(id))?.focus();
    return;
  }
  const { saved } = outcome;
  // What others must agree to first stays where it was, or waits in a lane of its own.
  if (saved.state && saved.state !== now) {
    const there = lanes().find((one) => one.dataset.value === saved.state);
    const into = there && find('[data-lane]', there);
    if (into) put(into, there === from && home?.isConnected ? home : into.firstElementChild);
  }
  figures();
  (await redraw(id))?.focus({ preventScroll: true });
  const say = saved.text ?? saved.warnings[0] ?? t('moved', { what: lane.dataset.label ?? '' });
  // A step is not undone by going back: another step leads back, if one does.
  if (bySteps) { toast(say); return; }
  toast(say, { label: t('undo'), run: () => {
    const back = async () => {
      const outcome = await saveFields(id, find(`#r-${CSS.escape(id)}`)?.dataset.version ?? String(saved.version), { [field]: was }, { [field]: now });
      if (!outcome?.saved) { if (outcome) complain(wordsOf(outcome)); return; }
      const again = find(`#r-${CSS.escape(id)}`);
      if (again) put(find('[data-lane]', from), home?.isConnected ? home : null, again);
      figures();
      (await redraw(id))?.focus();
      toast(t('undone'));
    };
    moves.set(id, (moves.get(id) ?? Promise.resolve()).then(back));
  } });
}

let chosen: HTMLElement | null = null;

function openMenu(card: HTMLElement, anchor: Element) {
  const menu = find('#move-menu');
  if (!menu || locked()) return;
  chosen = card;
  for (const item of all('[data-move-to]', menu)) item.hidden = item.dataset.moveTo === laneOf(card)?.dataset.value;
  openAt(menu, anchor);
}

function onKey(event: KeyboardEvent) {
  const card = around<HTMLElement>(event, '.kcard');
  if (!card || isTyping(event.target) || event.ctrlKey || event.metaKey) return;
  const all = lanes();
  const lane = laneOf(card);
  const at = all.indexOf(lane as HTMLElement);
  const side = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0;
  if (side && event.altKey) { const to = all[at + side]; if (to) void moveTo(card, to); }
  else if (side) {
    const mine = card.getBoundingClientRect().top;
    for (let to = at + side; all[to]; to += side) {
      const there = cards(all[to] as HTMLElement);
      const near = there.reduce<HTMLElement | null>((best, one) => (!best || Math.abs(one.getBoundingClientRect().top - mine) < Math.abs(best.getBoundingClientRect().top - mine) ? one : best), null);
      if (near) { near.focus(); near.scrollIntoView({ block: 'nearest', inline: 'nearest' }); break; }
    }
  } else if (event.key === 'm' || event.key === 'M') openMenu(card, card);
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}

export function startBoard() {
  document.addEventListener('keydown', onKey, true);
  document.addEventListener('click', (event) => {
    const button = around<HTMLElement>(event, '[data-move]');
    const card = button?.closest<HTMLElement>('.kcard');
    if (button && card) openMenu(card, button);
    const to = around<HTMLElement>(event, '[data-move-to]');
    const lane = to && lanes().find((one) => one.dataset.value === to.dataset.moveTo);
    if (lane && chosen) { find('#move-menu')?.hidePopover(); void moveTo(chosen, lane); }
  });
  const under = (x: number, y: number) => lanes().find((lane) => { const box = lane.getBoundingClientRect(); return x >= box.left && x <= box.right && y >= box.top - 8; });
  const clean = () => { unmark(); lanes().forEach((lane) => lane.classList.remove('over')); };
  draggable({
    item: '.kcard', not: '.move', scroll: '.board',
    start: () => !locked(),
    over: (card, x, y) => {
      clean();
      const lane = under(x, y);
      const into = lane && find('[data-lane]', lane);
      if (!lane || !into || lane === laneOf(card)) return;
      lane.classList.add('over');
      const next = behind(cards(lane), y);
      const last = cards(lane).pop();
      const box = into.getBoundingClientRect();
      mark(box.left, next ? next.getBoundingClientRect().top - 5 : last ? last.getBoundingClientRect().bottom + 3 : box.top, box.width, false);
    },
    drop: (card, x, y) => { const lane = under(x, y); if (lane) void moveTo(card, lane, behind(cards(lane), y)); },
    end: clean,
  });
}

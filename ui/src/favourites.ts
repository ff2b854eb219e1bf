// Folders of records: the star's menu, selected rows, rows dragged onto a folder, folders dragged into order.
import htmx from './htmx';
import { all, around, find, t } from './dom';
import { openAt } from './menus';
import { send } from './net';
import { type Selection, isChosen, selection } from './selection';
import { toast } from './toast';

const TYPE = 'application/x-cardstock-records';

type Told = { text?: string; undo?: { url: string; ids: string[] } };

const recount = () => { htmx.trigger(document.body, 'folders-changed'); };

const idsOf = (ids: string[]) => new URLSearchParams({ ids: ids.join(',') });

/** Puts records into a folder or takes them out, and says so with a way back. */
async function put(url: string, card: string, chosen: Selection) {
  const body = 'all' in chosen ? new URLSearchParams({ query: chosen.query }) : idsOf(chosen.ids);
  body.set('card', card);
  const answer = await send(url, body);
  if (!answer) return false;
  const { text, undo } = await answer.json() as Told;
  if (text) toast(text, undo && { label: t('undo'), run: () => void send(undo.url, idsOf(undo.ids)).then(recount) });
  recount();
  return true;
}

async function openMenu(url: string, anchor: Element) {
  const menu = find('#star-menu');
  if (!menu) return;
  for (const open of all('.menu:popover-open')) open.hidePopover();
  await htmx.ajax('GET', url, { source: menu, target: menu, swap: 'innerHTML' });
  openAt(menu, anchor);
}

/** The record a star stands beside: a row's, or the page's. */
function recordOf(star: Element) {
  const row = star.closest<HTMLElement>('.rec');
  const page = find('[data-record]');
  const card = (row ? find('[data-list]') : page)?.dataset.card ?? '';
  return { card, id: (row ?? page)?.dataset.id ?? '' };
}

async function choose(item: HTMLElement) {
  const { fav = '', card = '', record = '' } = item.dataset;
  const held = item.getAttribute('aria-checked') === 'true';
  const chosen = record ? { ids: [record] } : selection();
  item.closest<HTMLElement>('[popover]')?.hidePopover();
  if ('all' in chosen || chosen.ids.length) await put(`${fav}/${held ? 'remove' : 'add'}`, card, chosen);
}

function startDragging() {
  let folder: HTMLElement | null = null;
  document.addEventListener('dragstart', (event) => {
    folder = around<HTMLElement>(event, '[data-folders] a');
    const row = around<HTMLElement>(event, '.rec');
    if (!row || !event.dataTransfer) return;
    const id = row.dataset.id ?? '';
    const chosen = isChosen(id) ? selection() : { ids: [id] };
    event.dataTransfer.setData(TYPE, JSON.stringify({ card: find('[data-list]')?.dataset.card, chosen }));
    event.dataTransfer.effectAllowed = 'copyLink';
  });
  document.addEventListener('dragover', (event) => {
    const over = around<HTMLElement>(event, '[data-folders] a');
    for (const one of all('[data-folders] .over')) if (one !== over) one.classList.remove('over');
    if (!over) return;
    if (event.dataTransfer?.types.includes(TYPE) && over.hasAttribute('data-fills')) { event.preventDefault(); over.classList.add('over'); }
    const line = over.closest('li');
    const from = folder?.closest('li');
    if (!folder || !line || !from || line === from) return;
    event.preventDefault();
    const box = line.getBoundingClientRect();
    if (event.clientY < box.top + box.height / 2) line.before(from); else line.after(from);
  });
  document.addEventListener('drop', (event) => {
    const over = around<HTMLAnchorElement>(event, '[data-folders] a[data-fills]');
    const text = event.dataTransfer?.getData(TYPE);
    over?.classList.remove('over');
    if (!over || !text) return;
    event.preventDefault();
    const { card, chosen } = JSON.parse(text) as { card: string; chosen: Selection };
    void put(`${over.getAttribute('href')}/add`, card, chosen);
  });
  document.addEventListener('dragend', () => {
    if (folder) void send('/fav/order', idsOf(all('[data-folders] a').map((one) => one.dataset.folder ?? '')));
    folder = null;
    for (const one of all('[data-folders] .over')) one.classList.remove('over');
  });
}

export function startFavourites() {
  document.addEventListener('click', (event) => {
    const star = around<HTMLElement>(event, '[data-star]');
    const many = around<HTMLElement>(event, '[data-star-selected]');
    const item = around<HTMLElement>(event, '[data-fav]');
    if (star) { const { card, id } = recordOf(star); void openMenu(`/fav/menu/${card}/${id}`, star); }
    if (many) void openMenu(`/fav/choose?card=${find('[data-list]')?.dataset.card ?? ''}`, many);
    if (item) void choose(item);
  });
  startDragging();
}

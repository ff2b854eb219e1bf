// Where one was in a list: coming back from a record, or seeing the list another way, leads there again.
import htmx from './htmx';
import { all, find } from './dom';
import { pieces } from './go';

type Window = { url: string; height: number };
type Place = { id: string; address: string; before: Window[]; url: string };

const LIST = /^\/c\/([^/]+)\/?$/;
const RECORD = /^\/c\/([^/]+)\/([0-9a-f-]{36})$/;
const key = (card: string) => `cardstock.place:${card}`;

function read(card: string): Place | null {
  return JSON.parse(sessionStorage.getItem(key(card)) ?? 'null');
}

/** Keeps which row one stands at, and how far down its window lies. */
export function keepPlace(row: HTMLElement | null) {
  const card = LIST.exec(location.pathname)?.[1];
  if (!card || !row) return;
  const own = row.closest<HTMLElement>('tbody.win');
  const windows = all<HTMLElement>('tbody.win,tbody.gap');
  const at = own ? windows.indexOf(own) : 0;
  const before = find('tr.grp') ? [] : windows.slice(1, Math.max(1, at)).map((one) => ({ url: one.dataset.window ?? '', height: one.getBoundingClientRect().height }));
  sessionStorage.setItem(key(card), JSON.stringify({ id: row.dataset.id, address: location.pathname + location.search, before, url: at > 0 ? own?.dataset.window ?? '' : '' }));
}

/** On a record's page: going on from one record to the next takes the place along. */
function follow() {
  const [, card, id] = RECORD.exec(location.pathname) ?? [];
  const place = card && read(card);
  if (place && id) sessionStorage.setItem(key(card), JSON.stringify({ ...place, id }));
}

/** Leads back to the row, fetching its window if it lay further down. Answers it, if it is still there. */
export async function backToPlace(gap: (window: Window) => HTMLElement): Promise<HTMLElement | null> {
  const card = LIST.exec(location.pathname)?.[1];
  const place = card ? read(card) : null;
  if (!card || !place) return null;
  const came = document.referrer ? new URL(document.referrer).pathname : '';
  const [entry] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  const back = came.startsWith(`/c/${card}`) || entry?.type === 'back_forward';
  if (!back) return null;
  const row = () => find(`#r-${CSS.escape(place.id)}`);
  const more = find('tbody.more');
  if (!row() && place.url && place.address === location.pathname + location.search && more) {
    const found = await pieces(place.url);
    if (found) {
      more.before(...place.before.map(gap), ...found);
      more.remove();
      found.forEach((one) => htmx.process(one));
    }
  }
  return row();
}

export function startPlace() {
  follow();
}

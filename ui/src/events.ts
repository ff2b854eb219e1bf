// What happens while a page is open: the number on the bell. One tab of a browser listens, and tells the others.
import { all, around, find, t } from './dom';
import { send } from './net';
import { toast } from './toast';

/** Pages are there first; and browsers that cannot listen ask now and then. */
const PATIENCE = 3_000;
const ASK = 60_000;

const others = 'BroadcastChannel' in window ? new BroadcastChannel('cardstock.notices') : null;

/** The bells show a number; whoever looks at the page is told when it has grown. */
function draw(count: number) {
  const before = Number(find('[data-bell]')?.dataset.count ?? 0);
  for (const bell of all('[data-bell]')) {
    bell.dataset.count = String(count);
    const dot = find('.bell-count', bell);
    if (dot) { dot.hidden = count === 0; dot.textContent = count > 99 ? '99+' : String(count); }
    const label = t('notices_new', { count });
    if (bell.matches('button')) { bell.setAttribute('aria-label', label); bell.title = label; }
  }
  if (count > before && document.visibilityState === 'visible') toast(t('notices_more'), { label: t('notices_show'), run: () => location.assign('/notices') });
}

function heard(count: number) {
  draw(count);
  others?.postMessage(count);
}

async function ask() {
  if (document.visibilityState !== 'visible') return;
  const answer = await fetch('/notices/count', { credentials: 'same-origin' }).catch(() => null);
  if (answer?.ok) heard(((await answer.json()) as { unread: number }).unread);
}

/** Listens as long as the page is there; asks instead where nobody answers. */
function listen() {
  const source = new EventSource('/events');
  source.addEventListener('notices', (event) => heard(Number((event as MessageEvent<string>).data)));
  source.addEventListener('error', () => { if (source.readyState === EventSource.CLOSED) setInterval(() => void ask(), ASK); });
}

async function seen() {
  if (!(await send('/notices/seen', new URLSearchParams({ all: 'true' })))) return;
  for (const row of all('.notice-row.new')) { row.classList.remove('new'); find('.new-dot', row)?.remove(); }
  find('[data-do=notices-seen]')?.closest('form')?.remove();
  find('#notices-menu a')?.focus();
  heard(0);
}

export function startEvents() {
  if (!find('[data-bell]')) return;
  others?.addEventListener('message', (event: MessageEvent<number>) => draw(event.data));
  document.addEventListener('click', (event) => { if (around(event, '[data-do=notices-seen]')) void seen(); });
  setTimeout(() => {
    // The lock goes to the next tab when this one is closed.
    if (navigator.locks) void navigator.locks.request('cardstock.notices', () => { listen(); return new Promise<void>(() => undefined); });
    else setInterval(() => void ask(), ASK);
  }, PATIENCE);
}

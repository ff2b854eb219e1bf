// What happens when an answer is an error, or does not come.
import htmx from './htmx';
import { csrf, find, icon, make, t } from './dom';
import { type Way, complain } from './toast';

const BY_STATUS: Record<number, string> = { 401: 'signed_out', 403: 'forbidden', 404: 'missing', 413: 'too_large', 429: 'busy', 503: 'busy' };

/** Says what an answer means. `body` may be a problem document with a text for people. */
export function explain(status: number, body: string, requestId: string | null, say: (text: string, way?: Way) => void = complain) {
  let detail = '';
  try { detail = JSON.parse(body).detail ?? ''; } catch { /* a page, or nothing: the status says enough */ }
  const words = detail || t(BY_STATUS[status] ?? (status >= 500 ? 'broken' : 'refused'));
  const text = status >= 500 && requestId ? `${words} (${t('request', { id: requestId })})` : words;
  const signIn = status === 401 ? { label: t('sign_in'), run: () => { window.open('/login', '_blank', 'noopener'); } } : undefined;
  say(text, signIn);
}

/** Sends a form by hand. Explains errors itself; answers null then. */
export async function send(url: string, body: BodyInit, say?: (text: string, way?: Way) => void): Promise<Response | null> {
  let answer: Response;
  try {
    answer = await fetch(url, { method: 'POST', body, headers: { Accept: 'application/json', 'HX-Request': 'true', ...csrf() }, credentials: 'same-origin', redirect: 'manual' });
  } catch {
    offline(true);
    return null;
  }
  offline(false);
  if (answer.ok || answer.type === 'opaqueredirect') return answer;
  explain(answer.status, await answer.text(), answer.headers.get('x-request-id'), say);
  return null;
}

/** A part of the page that did not come does not seem to be still on its way: it says so, and can be asked for again. */
function missing(target: Element, source: Element) {
  const waiting = find('.loading', target);
  const url = source.getAttribute('hx-get');
  if (!waiting || !url) return;
  const again = make('button', { type: 'button', class: 'btn' }, icon('rotate-cw', 'sm'), t('again'));
  const note = make('div', { class: 'banner t-red', role: 'alert' }, icon('circle-alert'), make('span', { class: 'grow' }, t('part_missing')), again);
  again.addEventListener('click', () => {
    note.replaceWith(waiting);
    find('#main')?.focus({ preventScroll: true });
    target.setAttribute('aria-busy', 'true');
    void htmx.ajax('GET', url, { target, swap: 'innerHTML' }).then(() => { target.removeAttribute('aria-busy'); if (waiting.isConnected) waiting.replaceWith(note); });
  });
  waiting.replaceWith(note);
}

export function offline(away: boolean) {
  const banner = find('#offline');
  if (banner && banner.hidden === away) banner.hidden = !away;
}

export function watchNetwork() {
  addEventListener('offline', () => offline(true));
  addEventListener('online', () => offline(false));
  if (!navigator.onLine) offline(true);

  document.addEventListener('htmx:response:error', (event) => {
    const { ctx } = (event as CustomEvent).detail;
    const { status, headers } = ctx.response;
    if (status === 412 || status === 422) return;
    if (ctx.target instanceof Element) missing(ctx.target, ctx.sourceElement);
    // An answer that brings its own message needs no second one.
    if (ctx.hx?.trigger?.includes('toast')) return;
    explain(status, ctx.text ?? '', headers.get('x-request-id'));
  });
  document.addEventListener('htmx:error', (event) => {
    const { error } = (event as CustomEvent).detail;
    if (error instanceof TypeError || error === 'timeout') offline(true);
  });
  document.addEventListener('htmx:after:request', () => offline(false));
}

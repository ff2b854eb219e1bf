// Moving inside a list: the same page drawn anew, without losing focus, scroll and the other half of the screen.
import htmx, { fragment, pageOf } from './htmx';
import { around, csrf, find } from './dom';
import { explain, offline } from './net';
import { type Way, toast } from './toast';

type How = { focus?: string | undefined; say?: string | undefined; undo?: Way | undefined; push?: boolean };

/** Asks for a page or a fragment. Explains errors itself; answers null then. */
export async function ask(url: string, part = true): Promise<string | null> {
  try {
    const answer = await fetch(url, { headers: part ? { 'HX-Request': 'true' } : {}, credentials: 'same-origin' });
    offline(false);
    const text = await answer.text();
    if (answer.ok) return text;
    explain(answer.status, part ? text : '', answer.headers.get('x-request-id'));
  } catch {
    offline(true);
  }
  return null;
}

/** Fetches elements; they still have to be put somewhere, and given to `htmx.process`. */
export async function pieces(url: string): Promise<Element[] | null> {
  const text = await ask(url);
  return text === null ? null : [...fragment(text).children];
}

/** Sends a form, and answers with what came back, whatever its status. */
export async function post(url: string, body: URLSearchParams): Promise<{ status: number; text: string; id: string | null } | null> {
  try {
    const answer = await fetch(url, { method: 'POST', body, headers: { Accept: 'application/json', 'HX-Request': 'true', ...csrf() }, credentials: 'same-origin' });
    offline(false);
    return { status: answer.status, text: await answer.text(), id: answer.headers.get('x-request-id') };
  } catch {
    offline(true);
    return null;
  }
}

/** The list's address with some of it changed; empty values fall away. */
export function here(change: Record<string, string> = {}): string {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(change)) if (value) url.searchParams.set(name, value); else url.searchParams.delete(name);
  return url.pathname + url.search;
}

/** Draws the list at another address. */
export async function go(url: string, how: How = {}) {
  const old = find('#list');
  old?.setAttribute('aria-busy', 'true');
  const text = await ask(url, false);
  const page = text === null ? null : pageOf(text);
  const list = page?.querySelector<HTMLElement>('#list');
  if (!old || !page || !list) { old?.removeAttribute('aria-busy'); return; }
  const wrap = find('.grid-wrap,.board');
  const [left, focused] = [wrap?.scrollLeft ?? 0, document.activeElement?.id];
  if (how.push !== false) history.pushState({ list: true }, '', url);
  document.title = page.title;
  document.dispatchEvent(new CustomEvent('list:leave'));
  document.adoptNode(list);
  old.replaceWith(list);
  htmx.process(list);
  const now = find('.grid-wrap,.board');
  if (now) now.scrollLeft = left;
  document.dispatchEvent(new CustomEvent('list:arrive'));
  const target = (how.focus && find(how.focus)) || (focused && document.getElementById(focused)) || find('#groupbar button') || find('.grid-wrap') || find('#main');
  (target?.matches('button,a,input,[tabindex]') ? target : target?.querySelector<HTMLElement>('button,a') ?? find('#main'))?.focus({ preventScroll: true });
  if (how.say) toast(how.say, how.undo);
}

function onClick(event: MouseEvent) {
  const link = around<HTMLAnchorElement>(event, 'a[data-go]');
  if (!link || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const before = here();
  const { say, focus } = link.dataset;
  void go(link.getAttribute('href') ?? '', { say, focus: focus && `#${focus}`, undo: say ? { label: undoWord(), run: () => void go(before) } : undefined });
}

let word = '';
const undoWord = () => word;

export function startGo(undo: string) {
  word = undo;
  document.addEventListener('click', onClick);
  // htmx would load the whole page again.
  document.addEventListener('htmx:before:history:restore', (event) => { if (find('#list')) event.preventDefault(); });
  addEventListener('popstate', () => { if (find('#list')) void go(here(), { push: false }); });
}

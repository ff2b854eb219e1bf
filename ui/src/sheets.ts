// Dialogs that the server fills, forms that go on to where the server says, and tabs that are dragged into order.
import htmx from './htmx';
import { all, around, find, icon, make } from './dom';
import { send } from './net';
import { type Undo, type Way, toast, toastLater } from './toast';

type Then = { url?: string; text?: string; undo?: Undo };

/** Opens the dialog with what an address answers. Focus goes back to where it was when it closes. */
export async function openSheet(url: string, from: Element | null) {
  const sheet = find<HTMLDialogElement>('#sheet');
  if (!sheet) return;
  for (const menu of all('.menu:popover-open')) menu.hidePopover();
  sheet.replaceChildren();
  await htmx.ajax('GET', url, { target: sheet, swap: 'innerHTML' });
  if (!sheet.firstElementChild) return;
  sheet.addEventListener('close', () => { if (from instanceof HTMLElement && from.isConnected) from.focus(); sheet.replaceChildren(); }, { once: true });
  if (!sheet.open) sheet.showModal();
}

const LINE = 'cardstock.line';

/** The same page is drawn anew without the line that was acted on: the next one has the focus. */
function keepLine(form: HTMLFormElement, url: string | undefined) {
  const line = form.closest('.approvals > li');
  if (line && url && new URL(url, location.href).pathname === location.pathname) sessionStorage.setItem(LINE, String(all('.approvals > li').indexOf(line as HTMLElement)));
}

function backToLine() {
  const kept = sessionStorage.getItem(LINE);
  sessionStorage.removeItem(LINE);
  if (kept === null) return;
  const lines = all('.approvals > li');
  const line = lines[Math.min(Number(kept), lines.length - 1)];
  ((line && find('[type=submit]', line)) ?? find('#main'))?.focus();
}

/** What was wrong, at the head of the form: a message elsewhere would lie behind the dialog. */
function refuse(form: HTMLFormElement, text: string, way?: Way) {
  find('[data-refusal]', form)?.remove();
  const note = make('div', { class: 'banner t-red', role: 'alert', 'data-refusal': '' }, icon('circle-alert'), make('span', { class: 'grow' }, text));
  if (way) {
    const button = make('button', { type: 'button', class: 'btn' }, way.label);
    button.addEventListener('click', way.run);
    note.append(button);
  }
  form.prepend(note);
  find('[autofocus]', form)?.focus();
}

/** What is done after a form was taken: the next page says it, with a way back. */
function goOn({ url, text, undo }: Then) {
  if (text && url) toastLater(text, undo);
  else if (text) toast(text);
  if (url) location.assign(url);
}

async function submit(form: HTMLFormElement, by: HTMLElement | null) {
  // Which button it was, is a part of what is sent.
  const sent = new URLSearchParams(new FormData(form, by) as unknown as Record<string, string>);
  const buttons = all<HTMLButtonElement>('button[type=submit]', form);
  for (const button of buttons) button.disabled = true;
  const answer = await send(form.action, sent, form.closest('dialog') ? (text, way) => { refuse(form, text, way); } : undefined);
  for (const button of buttons) button.disabled = false;
  if (!answer) return;
  const then = await answer.json() as Then;
  keepLine(form, then.url);
  goOn(then);
}

/** Tabs are dragged with the mouse; their menu moves them by keyboard. */
function startTabs() {
  let dragged: HTMLElement | null = null;
  document.addEventListener('dragstart', (event) => {
    dragged = around<HTMLElement>(event, '[data-view-tabs] > a');
    dragged?.classList.add('dragged');
  });
  document.addEventListener('dragover', (event) => {
    const over = around<HTMLElement>(event, '[data-view-tabs] > a');
    if (!dragged || !over || over.parentElement !== dragged.parentElement) return;
    event.preventDefault();
    const box = over.getBoundingClientRect();
    if (over !== dragged) { if (event.clientX < box.left + box.width / 2) over.before(dragged); else over.after(dragged); }
  });
  document.addEventListener('dragend', () => {
    const bar = dragged?.closest<HTMLElement>('[data-view-tabs]');
    dragged?.classList.remove('dragged');
    dragged = null;
    if (!bar) return;
    const ids = all<HTMLElement>('a[data-view]', bar).map((tab) => tab.dataset.view ?? '');
    void send(bar.dataset.viewTabs ?? '', new URLSearchParams({ ids: ids.join(',') }));
  });
}

export function startSheets() {
  document.addEventListener('click', (event) => {
    const button = around<HTMLElement>(event, '[data-dialog]');
    if (!button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    // A link, where scripts do not run.
    event.preventDefault();
    void openSheet(button.dataset.dialog ?? '', button);
  });
  document.addEventListener('submit', (event) => {
    if (!(event.target instanceof HTMLFormElement) || !event.target.matches('[data-then]')) return;
    event.preventDefault();
    void submit(event.target, event.submitter);
  });
  startTabs();
  backToLine();
}

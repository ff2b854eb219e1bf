// The same change to many selected records: a dialog that asks what, a message with a way back, progress of what takes longer.
import htmx from './htmx';
import { around, find, make, t, whenever } from './dom';
import { go, here } from './go';
import { clearSelection, selection } from './selection';
import { send } from './net';
import { toast } from './toast';

interface Told { text: string; title: string; batch_url: string; undo_url: string | null; job: string | null }

let opener: HTMLElement | null = null;

const dialog = () => find<HTMLDialogElement>('#bulk-dialog') ?? made();

function made() {
  const box = make('dialog', { id: 'bulk-dialog', class: 'bulk-dialog', 'aria-labelledby': 'bulk-title' });
  box.addEventListener('close', () => { box.replaceChildren(); (opener?.isConnected && opener.offsetParent ? opener : find('#grid tr.rec[tabindex="0"],#q'))?.focus(); });
  document.body.append(box);
  return box;
}

/** What is selected, as a form sends it. */
function chosen(): Record<string, string> {
  const now = selection();
  return 'all' in now ? { all: 'true', query: now.query } : { ids: now.ids.join(',') };
}

async function open(button: HTMLElement) {
  opener = button;
  const box = dialog();
  const query = new URLSearchParams({ action: button.dataset.action ?? '', ...chosen() });
  await htmx.ajax('GET', `${button.dataset.url}?${query}`, { source: box, target: box, swap: 'innerHTML' });
  if (!box.firstElementChild) return;
  if (!box.open) box.showModal();
  (find<HTMLElement>('#bulk-choose,.input:not([type=hidden])', box) ?? find('#bulk-title', box))?.focus();
}

/** A field that was chosen is offered no more, until it is dropped. */
function offer(key: string, on: boolean) {
  const option = find<HTMLOptionElement>(`#bulk-choose option[value="${CSS.escape(key)}"]`);
  if (option) option.disabled = !on;
}

function arrived(box: Element) {
  const key = (box as HTMLElement).dataset.bulkField ?? '';
  offer(key, false);
  const choose = find<HTMLSelectElement>('#bulk-choose');
  if (choose) choose.value = '';
  find<HTMLElement>('.input:not(.bulk-op):not([type=hidden]),input:not([type=hidden])', box)?.focus();
}

function drop(button: HTMLElement) {
  const box = button.closest<HTMLElement>('[data-bulk-field]');
  offer(box?.dataset.bulkField ?? '', true);
  box?.remove();
  find('#bulk-choose')?.focus();
}

function emptied(select: HTMLSelectElement) {
  const field = find('.f', select.closest('[data-bulk-field]') ?? undefined);
  if (field) field.hidden = select.value === 'clear';
}

async function apply(form: HTMLFormElement) {
  const button = find<HTMLButtonElement>('#bulk-apply', form);
  if (button?.getAttribute('aria-disabled') === 'true') return;
  button?.setAttribute('aria-disabled', 'true');
  const answer = await send(form.getAttribute('action') ?? '', new URLSearchParams([...new FormData(form)].map(([name, value]): [string, string] => [name, String(value)])));
  button?.removeAttribute('aria-disabled');
  if (!answer) return;
  find<HTMLDialogElement>('#bulk-dialog')?.close();
  clearSelection();
  await tell(await answer.json() as Told);
}

/** Says what came of it, and draws the list anew; what takes longer is shown until it is through. */
async function tell(told: Told) {
  if (told.job) { progress(told); return; }
  await redraw();
  const undo = told.undo_url;
  toast(told.text, undo ? { label: t('undo'), run: () => void takeBack(undo) } : { label: t('details'), run: () => location.assign(told.batch_url) });
}

async function takeBack(url: string) {
  const answer = await send(url, new URLSearchParams());
  if (answer) await tell(await answer.json() as Told);
}

/** The list as it is now, in its place. */
async function redraw() {
  if (!find('#list')) { location.reload(); return; }
  await go(here(), { push: false });
  if (document.activeElement === document.body) find<HTMLElement>('#grid tr.rec[tabindex="0"],#q')?.focus({ preventScroll: true });
}

let waiting: Told | null = null;

function progress(told: Told) {
  waiting = told;
  find('#bulk-progress')?.remove();
  const panel = make('section', { id: 'bulk-progress', class: 'bulk-progress', 'aria-label': told.title },
    make('h2', {}, told.title),
    make('div', { id: 'job-state', 'hx-get': `/jobs/${told.job}`, 'hx-trigger': 'load', 'hx-swap': 'outerHTML' }),
    make('div', { id: 'job-actions' }));
  find('#toasts-polite')?.before(panel);
  htmx.process(panel);
}

/** The job's state comes again until it has ended. */
async function progressed(state: Element) {
  const told = waiting;
  if (!told || !state.closest('#bulk-progress') || state.hasAttribute('hx-get')) return;
  waiting = null;
  find('#bulk-progress')?.remove();
  const answer = await fetch(`/api/v1/batches/${told.batch_url.split('/').pop()}`, { credentials: 'same-origin' });
  if (!answer.ok) return;
  const batch = await answer.json() as { changed: number; skipped: number; failed: number; undoable: boolean };
  const text = `${told.title}: ${t('bulk_done', { count: batch.changed })}${batch.skipped + batch.failed ? ` · ${t('bulk_left', { count: batch.skipped + batch.failed })}` : ''}`;
  await tell({ ...told, job: null, text, undo_url: batch.undoable ? `${told.batch_url}/undo` : null });
}

/** A button that runs a script on each of the selected records. */
async function act(button: HTMLElement) {
  if (button.getAttribute('aria-disabled') === 'true') return;
  button.setAttribute('aria-disabled', 'true');
  const answer = await send(button.dataset.url ?? '', new URLSearchParams(chosen()));
  button.removeAttribute('aria-disabled');
  if (!answer) return;
  const told = await answer.json() as { text: string };
  clearSelection();
  await redraw();
  toast(told.text);
}

/** All that match go to the trash; those chosen one by one are the list's own affair. */
async function deleteAll() {
  const list = find('[data-list]');
  if (!list || !('all' in selection())) return;
  const answer = await send(`/c/${list.dataset.card}/bulk`, new URLSearchParams({ action: 'delete', ...chosen() }));
  if (!answer) return;
  clearSelection();
  await tell(await answer.json() as Told);
}

export function startBulk() {
  document.addEventListener('click', (event) => {
    const doing = around<HTMLElement>(event, '[data-do]');
    if (doing?.dataset.do === 'bulk-open') void open(doing);
    if (doing?.dataset.do === 'bulk-act') void act(doing);
    if (doing?.dataset.do === 'bulk-delete') void deleteAll();
    if (doing?.dataset.do === 'bulk-drop') drop(doing);
    if (doing?.dataset.do === 'bulk-close') { const box = find<HTMLDialogElement>('#bulk-dialog'); if (box?.open) box.close(); else history.back(); }
  });
  document.addEventListener('change', (event) => { const op = around<HTMLSelectElement>(event, '.bulk-op'); if (op) emptied(op); });
  document.addEventListener('submit', (event) => {
    // A file of what is selected: without ids, of all that match.
    const file = around<HTMLFormElement>(event, '[data-export-form]');
    const ids = file && find<HTMLInputElement>('[name=ids]', file);
    if (ids) { ids.value = chosen().ids ?? ''; file.hidePopover(); return; }
    const form = around<HTMLFormElement>(event, '#bulk-form');
    if (!form || !form.closest('dialog')) return;
    event.preventDefault();
    void apply(form);
  });
  whenever('[data-bulk-field]', arrived);
  whenever('#job-state', (state) => void progressed(state), true);
}

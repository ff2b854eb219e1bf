// A field edited where it is seen: cells of a table, and what boards and calendars change by moving.
import htmx, { fragment } from './htmx';
import { all, around, find, t } from './dom';
import { ask, pieces, post } from './go';
import { explain } from './net';
import { complain, toast } from './toast';

type Fields = Record<string, string | string[]>;
type Saved = { version: number; merged: boolean; warnings: string[] };
type Outcome = { saved?: Saved; clash?: string; problem?: { detail: string; violations: { path: string; message: string }[] } };

const list = () => find('[data-list]');
const pop = () => find('#cell-pop');
const cellUrl = (id: string) => `/c/${list()?.dataset.card}/${id}/cell`;

/** Saves some fields of a record; `null` when it never arrived or was explained already. */
export async function saveFields(id: string, version: string, now: Fields, was: Fields, over = ''): Promise<Outcome | null> {
  const body = new URLSearchParams({ version });
  const put = (name: string, value: string | string[]) => [value].flat().forEach((one) => body.append(name, one));
  for (const [name, value] of Object.entries(now)) put(name, value);
  for (const [name, value] of Object.entries(was)) put(`was.${name}`, value);
  if (over) body.set('over', over);
  const answer = await post(cellUrl(id), body);
  if (!answer) return null;
  if (answer.status === 200) return { saved: JSON.parse(answer.text) as Saved };
  if (answer.status === 412) return { clash: answer.text };
  if (answer.status === 422) return { problem: JSON.parse(answer.text) };
  explain(answer.status, answer.text, answer.id);
  return null;
}

/** What a refusal says, in one line. */
export const wordsOf = (outcome: Outcome) => outcome.problem?.violations.map((one) => one.message).join(' ') || outcome.problem?.detail || (outcome.clash && fragment(outcome.clash).querySelector('p')?.textContent) || t('refused');

/** Draws one record of the list anew, in its place. Gone from sight: its row stays, and says so no more than that. */
export async function redraw(id: string): Promise<HTMLElement | null> {
  const old = find(`#r-${CSS.escape(id)}`);
  const url = new URL(list()?.dataset.rowsUrl ?? '', location.href);
  url.searchParams.set('only', id);
  const level = old?.getAttribute('aria-level');
  if (level) url.searchParams.set('level', String(Number(level) - 1));
  const found = await pieces(url.pathname + url.search);
  const fresh = found?.map((one) => (one.matches('.rec') ? one : one.querySelector('.rec'))).find((one): one is HTMLElement => one instanceof HTMLElement);
  if (!fresh || !old) { if (found && old) toast(t('gone')); return null; }
  if (old.classList.contains('cursor')) fresh.classList.add('cursor');
  fresh.tabIndex = old.tabIndex;
  const index = old.getAttribute('aria-rowindex');
  if (index) fresh.setAttribute('aria-rowindex', index);
  old.replaceWith(fresh);
  htmx.process(fresh);
  document.dispatchEvent(new CustomEvent('list:rows'));
  return fresh;
}

const headOf = (path: string) => find(`#heads th[data-path="${CSS.escape(path)}"]`);
const cellOf = (id: string, path: string) => find<HTMLTableCellElement>(`#r-${CSS.escape(id)} td[data-path="${CSS.escape(path)}"]`);
export const isEditable = (cell: HTMLElement) => !!headOf(cell.dataset.path ?? '')?.hasAttribute('data-editable');

let open: { id: string; path: string; before: Fields } | null = null;

function values(form: HTMLFormElement): Fields {
  const found: Fields = {};
  for (const [name, value] of new FormData(form)) {
    if (!name.startsWith('f.')) continue;
    const known = found[name];
    found[name] = known === undefined ? String(value) : [...[known].flat(), String(value)];
  }
  return found;
}

/** Opens the editor over a cell. `typed` stands in the place of what was there. */
export async function edit(cell: HTMLElement, typed?: string) {
  const id = cell.closest<HTMLElement>('.rec')?.dataset.id ?? '';
  const path = cell.dataset.path ?? '';
  if (!isEditable(cell)) { toast(t('not_editable')); return; }
  const text = await ask(`${cellUrl(id)}?field=${encodeURIComponent(path)}`);
  const box = pop();
  if (text === null || !box) return;
  box.replaceChildren(fragment(text));
  htmx.process(box);
  const form = find<HTMLFormElement>('[data-cell-form]', box);
  if (!form) return;
  open = { id, path, before: values(form) };
  box.showPopover();
  place(box, cell);
  const input = find<HTMLInputElement>('.cell-in :is(input:not([type=hidden]),select,textarea,button)', form);
  input?.focus();
  if (input?.matches('input:not([type=checkbox],[type=radio]),textarea')) {
    if (typed !== undefined && input.matches('[type=text],[type=email],[type=url],[type=tel],[type=search],[role=combobox],:not([type]),textarea')) {
      input.value = typed;
      input.dispatchEvent(new Event('input', { bubbles: true }));
    } else if (typed === undefined) input.select?.();
  }
}

function place(box: HTMLElement, cell: HTMLElement) {
  const at = cell.getBoundingClientRect();
  box.style.inlineSize = `${Math.max(at.width, 260)}px`;
  const size = box.getBoundingClientRect();
  box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - size.width - 8))}px`;
  box.style.top = `${Math.max(8, Math.min(at.top - 6, innerHeight - size.height - 8))}px`;
}

/** Closes the editor; the focus goes back to where it was opened. */
function close() {
  const was = open;
  open = null;
  if (pop()?.matches(':popover-open')) pop()?.hidePopover();
  pop()?.replaceChildren();
  if (was) cellOf(was.id, was.path)?.focus({ preventScroll: true });
}

/** Saves what is in the editor. Answers whether the editor may go. */
async function commit(form: HTMLFormElement, over = ''): Promise<boolean> {
  const was = open;
  if (!was) return true;
  const now = values(form);
  if (JSON.stringify(now) === JSON.stringify(was.before)) { close(); return true; }
  const version = find<HTMLInputElement>('[name=version]', form)?.value ?? '';
  form.setAttribute('aria-busy', 'true');
  const outcome = await saveFields(was.id, version, now, was.before, over);
  form.removeAttribute('aria-busy');
  if (!outcome) return false;
  if (!outcome.saved) { refuse(form, outcome, was.path); return false; }
  const { saved } = outcome;
  if (open === was) open = null;
  if (pop()?.matches(':popover-open')) pop()?.hidePopover();
  const row = await redraw(was.id);
  if (row) cellOf(was.id, was.path)?.focus({ preventScroll: true }); else find('.grid-wrap')?.focus();
  const say = saved.warnings.length ? saved.warnings.join(' ') : saved.merged ? t('merged') : t('saved');
  toast(say, { label: t('undo'), run: () => void takeBack(was.id, String(saved.version), was.before, now) });
  return true;
}

/** Puts back what was there before. */
export async function takeBack(id: string, version: string, before: Fields, now: Fields) {
  const outcome = await saveFields(id, version, before, now);
  if (!outcome) return;
  if (!outcome.saved) { complain(wordsOf(outcome)); return; }
  await redraw(id);
  toast(t('undone'));
}

function refuse(form: HTMLFormElement, outcome: Outcome, path: string) {
  const say = find('.cell-say', form);
  if (!say) return;
  say.hidden = false;
  if (outcome.clash) {
    say.replaceChildren(fragment(outcome.clash));
    find<HTMLElement>('[data-clash-mine]', say)?.focus();
  } else {
    const own = outcome.problem?.violations ?? [];
    const line = (one: { path: string; message: string }) => (one.path === path ? one.message : `${headOf(one.path)?.dataset.label ?? one.path}: ${one.message}`);
    say.textContent = own.length ? own.map(line).join(' ') : wordsOf(outcome);
    for (const input of all<HTMLElement>('.cell-in input,.cell-in select,.cell-in textarea', form)) input.setAttribute('aria-invalid', 'true');
    find<HTMLElement>('.cell-in :is(input:not([type=hidden]),select,textarea)', form)?.focus();
  }
  const cell = open && cellOf(open.id, open.path);
  const box = pop();
  if (cell && box) place(box, cell);
}

/** The next cell of the row that can be edited, or of the next row. */
function beside(id: string, path: string, back: boolean): HTMLElement | null {
  const cells = all<HTMLTableCellElement>('tr.rec td[data-path]').filter((cell) => !cell.closest('[hidden]') && isEditable(cell));
  const at = cells.findIndex((cell) => cell.dataset.path === path && cell.closest<HTMLElement>('.rec')?.dataset.id === id);
  return cells[at + (back ? -1 : 1)] ?? null;
}

function onKey(event: KeyboardEvent) {
  const form = around<HTMLFormElement>(event, '[data-cell-form]');
  if (!form || event.isComposing) return;
  const target = event.target as HTMLElement;
  const listing = target.matches('[role=combobox][aria-expanded=true]');
  if (event.key === 'Escape' && !listing) { close(); }
  else if (event.key === 'Enter' && !listing && (!target.matches('textarea,button') || event.ctrlKey || event.metaKey)) void commit(form);
  else if (event.key === 'Tab' && open) {
    const inputs = all<HTMLElement>('.cell-in :is(input:not([type=hidden]),select,textarea,button)', form).filter((one) => one.offsetParent !== null);
    const edge = event.shiftKey ? inputs[0] : inputs[inputs.length - 1];
    // Within an address, or a rating, Tab goes on; at its end, to the next cell.
    if (target !== edge && inputs.includes(target) && !target.matches('[role=combobox]')) return;
    const { id, path } = open;
    const back = event.shiftKey;
    void commit(form).then((gone) => { const next = gone && beside(id, path, back); if (next) { next.scrollIntoView({ block: 'nearest', inline: 'nearest' }); void edit(next); } });
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

export function startCells() {
  document.addEventListener('keydown', onKey, true);
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (form instanceof HTMLFormElement && form.matches('[data-cell-form]')) { event.preventDefault(); void commit(form); }
  });
  document.addEventListener('dblclick', (event) => {
    const cell = around<HTMLElement>(event, 'tr.rec td[data-path]');
    if (cell && !around(event, 'input')) { event.preventDefault(); getSelection()?.removeAllRanges(); void edit(cell); }
  });
  document.addEventListener('pointerdown', (event) => {
    const form = find<HTMLFormElement>('#cell-pop [data-cell-form]');
    if (!open || !form || around(event, '#cell-pop,.menu,.toast')) return;
    if (find('.clash', form)) close(); else void commit(form);
  }, true);
  document.addEventListener('click', (event) => {
    const form = around<HTMLFormElement>(event, '[data-cell-form]');
    if (!form) return;
    if (around(event, '[data-cell-cancel]')) close();
    if (around(event, '[data-clash-mine]')) void commit(form, find('.clash', form)?.dataset.clash);
    if (around(event, '[data-clash-theirs]') && open) { const { id, path } = open; close(); void redraw(id).then(() => cellOf(id, path)?.focus()); toast(t('theirs_kept')); }
  });
}

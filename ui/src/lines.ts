// <x-lines>: the rows a card owns. Rows are text with hidden inputs; one row at a time is edited.
//
// While a row is edited its editors carry the names and the hidden inputs are away, so the form always sends each
// value once. Derived values come from the server (`recompute`) and replace `.v` spans.
import { all, around, find, make, t } from './dom';
import { toast } from './toast';
import { getValues, setValues, titlesOf, wordsOf } from './values';

const OPEN_LIST = '[role=listbox]:popover-open';

export class Lines extends HTMLElement {
  private next = 0;
  private started = false;
  get table() { return this.dataset.table ?? ''; }
  get body() { return find<HTMLTableSectionElement>('tbody[data-rows]', this)!; }
  private get blank() { return find<HTMLTableRowElement>('tr', find<HTMLTemplateElement>('template[data-blank]', this)!.content)!; }
  private get rows() { return all<HTMLTableRowElement>('tr.line', this.body); }
  private get editing() { return find<HTMLTableRowElement>('tr.editing', this.body); }

  connectedCallback() {
    if (this.started || !this.hasAttribute('data-editable')) return;
    this.started = true;
    this.next = Math.max(-1, ...this.rows.map((row) => Number(row.dataset.n))) + 1;
    this.roving();
    this.addEventListener('click', (event) => this.onClick(event));
    this.addEventListener('keydown', (event) => this.onKey(event));
    this.addEventListener('focusout', (event) => {
      const to = event.relatedTarget;
      if (to instanceof Node && this.contains(to)) return;
      // A click on nothing moves the focus to the body only afterwards; a new window keeps it.
      setTimeout(() => { if (!this.contains(document.activeElement) && document.hasFocus()) this.leave(); });
    });
  }

  private onClick(event: Event) {
    if (around(event, '[data-add]')) { this.add(); return; }
    const row = around<HTMLTableRowElement>(event, 'tr.line');
    if (!row) return;
    if (around(event, '[data-remove]')) { this.remove_(row); return; }
    if (around(event, 'a[href]') || row === this.editing) return;
    const cell = around<HTMLTableCellElement>(event, 'td[data-sent]');
    this.edit(row, cell?.dataset.key);
  }

  private onKey(event: KeyboardEvent) {
    if (event.isComposing) return;
    const row = around<HTMLTableRowElement>(event, 'tr.line');
    if (!row) return;
    if (row === this.editing) this.onEditKey(event, row); else if (event.target === row) this.onRowKey(event, row); else this.onWhyKey(event, row);
  }

  /** Keys beside calculated values: along the row, and back to it. */
  private onWhyKey(event: KeyboardEvent, row: HTMLTableRowElement) {
    const whys = all<HTMLElement>('.cell-why', row);
    const at = whys.indexOf(event.target as HTMLElement);
    if (at < 0) return;
    const next = { ArrowRight: whys[at + 1], ArrowLeft: whys[at - 1] ?? row, Escape: row }[event.key];
    if (!next || find('#explain-menu:popover-open')) return;
    next.focus();
    event.preventDefault();
    event.stopPropagation();
  }

  /** Keys while a row has the focus as a whole. */
  private onRowKey(event: KeyboardEvent, row: HTMLTableRowElement) {
    const rows = this.rows;
    const at = rows.indexOf(row);
    const move = { ArrowDown: rows[at + 1], ArrowUp: rows[at - 1], Home: rows[0], End: rows[rows.length - 1] }[event.key];
    if (move) this.focusRow(move);
    else if (event.key === 'Enter' || event.key === 'F2' || event.key === ' ') this.edit(row);
    else if (event.key === 'Delete') this.remove_(row);
    else if (event.key === 'ArrowRight') find<HTMLElement>('.cell-why', row)?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Keys inside the editors. */
  private onEditKey(event: KeyboardEvent, row: HTMLTableRowElement) {
    const target = event.target as HTMLElement;
    const key = target.closest<HTMLElement>('td')?.dataset.key;
    if (event.key === 'Escape') {
      this.leave();
      this.focusRow(row);
    } else if (event.key === 'Enter' && !target.matches('textarea,button') && !find(OPEN_LIST, row)) {
      this.step(row, event.shiftKey ? -1 : 1, key);
    } else if (event.key === 'Tab' && !event.shiftKey && this.isLast(target, row)) {
      this.step(row, 1);
    } else if ((event.ctrlKey || event.metaKey) && event.key === 'Delete') {
      this.remove_(row);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  private stops(row: Element) {
    return all<HTMLElement>('.ed input:not([type=hidden],[type=file]),.ed select,.ed textarea', row).filter((stop) => stop.offsetParent !== null);
  }

  private isLast(target: Element, row: Element) {
    const stops = this.stops(row);
    return stops[stops.length - 1] === target;
  }

  /** To the row before or after; after the last one a new row, unless the last is still empty. */
  private step(row: HTMLTableRowElement, by: 1 | -1, key?: string) {
    const rows = this.rows;
    const to = rows[rows.indexOf(row) + by];
    if (to) { this.edit(to, key); return; }
    if (by === 1 && this.isFilled(row)) this.add(); else if (by === 1) { this.leave(); find<HTMLElement>('[data-add]', this)?.focus(); }
  }

  private isFilled(row: Element) {
    return [...getValues(row)].some(([name, values]) => !name.endsWith('.id') && values.some((value) => value !== '' && value !== 'false'));
  }

  edit(row: HTMLTableRowElement, key?: string) {
    if (this.editing !== row) {
      this.leave();
      row.classList.add('editing');
      for (const cell of all<HTMLTableCellElement>('td[data-sent]', row)) this.open(row, cell);
    }
    const cells = all<HTMLTableCellElement>('td[data-sent]', row);
    const cell = cells.find((one) => one.dataset.key === key) ?? cells[0];
    const input = cell && find<HTMLElement>('input:not([type=hidden]),select,textarea', cell);
    input?.focus();
    if (input instanceof HTMLInputElement && input.type === 'text') input.select();
  }

  private open(row: HTMLTableRowElement, cell: HTMLTableCellElement) {
    const pattern = all('td[data-key]', this.blank).find((one) => one.dataset.key === cell.dataset.key);
    const view = find<HTMLElement>('.v', cell);
    const editor = pattern && find('.ed', pattern)?.cloneNode(true) as HTMLElement | undefined;
    if (!editor || !view) return;
    const n = row.dataset.n ?? '';
    number(editor, this.table, n);
    const name = `c.${this.table}.${n}.${cell.dataset.key}`;
    const hidden = all<HTMLInputElement>(':scope > input[type=hidden]', cell);
    const values = hidden.map((input) => input.value);
    const parts = new Map(hidden.map((input) => [input.name, input.value]));
    hidden.forEach((input) => input.remove());
    editor.hidden = false;
    for (const input of all('input:not([type=hidden]),select,textarea', editor)) if (!input.getAttribute('aria-label')) input.setAttribute('aria-label', this.label(cell));
    view.hidden = true;
    cell.append(editor);
    const titles = Object.fromEntries(values.map((value, at) => [value, (all('a,.trunc', view)[at]?.textContent ?? view.textContent ?? '').trim()]));
    const stored = view.dataset.titles ? JSON.parse(view.dataset.titles) as Record<string, string> : titles;
    setValues(editor, name, values, stored);
    for (const [part, value] of parts) if (part !== name) setValues(editor, part, [value]);
    editor.dataset.before = JSON.stringify([...getValues(editor)]);
  }

  private label(cell: HTMLTableCellElement) {
    return find(`thead th:nth-child(${cell.cellIndex + 1})`, this)?.firstChild?.textContent?.trim() ?? '';
  }

  /** Ends editing: editors become text and hidden inputs again. */
  leave() {
    const row = this.editing;
    if (!row) return;
    for (const cell of all<HTMLTableCellElement>('td[data-sent]', row)) this.shut(cell);
    row.classList.remove('editing');
    row.querySelectorAll('.err').forEach((error) => error.remove());
  }

  private shut(cell: HTMLTableCellElement) {
    const editor = find<HTMLElement>('.ed', cell);
    const view = find<HTMLElement>('.v', cell);
    if (!editor || !view) return;
    const values = getValues(editor);
    const words = wordsOf(editor);
    const titles = titlesOf(editor);
    const changed = JSON.stringify([...values]) !== editor.dataset.before;
    editor.remove();
    for (const [name, list] of values) for (const value of list) cell.append(make('input', { type: 'hidden', name, value }));
    view.hidden = false;
    if (changed && view.dataset.fresh === undefined) {
      view.textContent = words;
      view.dataset.titles = JSON.stringify(titles);
    }
    delete view.dataset.fresh;
  }

  add() {
    this.leave();
    const n = String(this.next++);
    const row = this.blank.cloneNode(true) as HTMLTableRowElement;
    row.dataset.n = n;
    row.tabIndex = -1;
    for (const cell of all<HTMLTableCellElement>('td[data-key]', row)) {
      const editor = find('.ed', cell);
      if (editor) {
        number(editor, this.table, n);
        for (const [name, values] of getValues(editor)) for (const value of values) cell.append(make('input', { type: 'hidden', name, value }));
        editor.remove();
      }
      number(cell, this.table, n);
    }
    this.body.append(row);
    this.recount();
    this.edit(row);
    return row;
  }

  private remove_(row: HTMLTableRowElement) {
    this.leave();
    const next = row.nextElementSibling ?? row.previousElementSibling;
    const place = row.nextSibling;
    row.remove();
    this.recount();
    this.changed();
    if (next instanceof HTMLTableRowElement && next.matches('.line')) this.focusRow(next); else find<HTMLElement>('[data-add]', this)?.focus();
    toast(t('row_removed'), { label: t('undo'), run: () => { this.body.insertBefore(row, place?.isConnected ? place : null); this.recount(); this.changed(); this.focusRow(row); } });
  }

  /** Puts values into a cell of a saved row; says whether there is such a cell. */
  put(id: string, key: string, values: string[], titles: Record<string, string>): boolean {
    this.leave();
    const row = this.rows.find((one) => one.dataset.rowId === id);
    const cell = row && all<HTMLTableCellElement>('td[data-sent]', row).find((one) => one.dataset.key === key);
    const view = cell && find<HTMLElement>('.v', cell);
    if (!row || !cell || !view) return false;
    all(':scope > input[type=hidden]', cell).forEach((input) => input.remove());
    for (const value of values) cell.append(make('input', { type: 'hidden', name: `c.${this.table}.${row.dataset.n}.${key}`, value }));
    view.textContent = values.map((value) => titles[value] || value).join(', ');
    view.dataset.titles = JSON.stringify(titles);
    return true;
  }

  /** The rows of a draft: names and values as a form sends them. */
  restore(entries: [string, string][], titles: Record<string, string>) {
    this.leave();
    const prefix = `c.${this.table}.`;
    const mine = entries.filter(([name]) => name.startsWith(prefix));
    const numbers = [...new Set(mine.map(([name]) => name.slice(prefix.length).split('.')[0] ?? ''))];
    const known = new Map(this.rows.map((row) => [row.dataset.n ?? '', row]));
    for (const [n, row] of known) if (!numbers.includes(n)) row.remove();
    for (const n of numbers) {
      let row = known.get(n);
      if (!row) { this.next = Number(n); row = this.add(); this.leave(); }
      for (const cell of all<HTMLTableCellElement>('td[data-sent]', row)) {
        const name = `${prefix}${n}.${cell.dataset.key}`;
        const sent = mine.filter(([one]) => one === name || one.startsWith(`${name}.`));
        const old = all<HTMLInputElement>(':scope > input[type=hidden]', cell);
        if (JSON.stringify(old.map((input) => [input.name, input.value])) === JSON.stringify(sent)) continue;
        old.forEach((input) => input.remove());
        for (const [one, value] of sent) cell.append(make('input', { type: 'hidden', name: one, value }));
        const view = find<HTMLElement>('.v', cell);
        if (view) { view.textContent = sent.map(([, value]) => titles[value] ?? value).filter(Boolean).join(', '); view.dataset.titles = JSON.stringify(titles); }
      }
    }
    this.next = Math.max(this.next, ...numbers.map(Number)) + 1;
    this.recount();
  }

  private focusRow(row: HTMLElement) {
    this.rows.forEach((one) => { one.tabIndex = -1; });
    row.tabIndex = 0;
    row.focus();
  }

  private roving() {
    if (!find('tr.line[tabindex="0"]', this.body) && this.rows[0]) this.rows[0].tabIndex = 0;
  }

  private recount() {
    this.rows.forEach((row, at) => { const no = find('.no', row); if (no) { const id = find('input', no); no.textContent = String(at + 1); if (id) no.append(id); } });
    const count = find('[data-count]', this.parentElement ?? this);
    if (count) count.textContent = String(this.rows.length);
    this.roving();
  }

  private changed() {
    this.dispatchEvent(new CustomEvent('lines-changed', { bubbles: true }));
  }
}

/** Puts a row's number in place of `N` in names and ids. */
function number(root: Element, table: string, n: string) {
  const swap = (text: string) => text.replaceAll(`c.${table}.N.`, `c.${table}.${n}.`).replaceAll(`c-${table}-N-`, `c-${table}-${n}-`);
  for (const element of [root, ...all<Element>('*', root)]) {
    for (const attribute of ['id', 'name', 'for', 'aria-controls', 'aria-describedby', 'data-name', 'data-needs', 'data-colour-for']) {
      const value = element.getAttribute(attribute);
      if (value) element.setAttribute(attribute, swap(value));
    }
  }
}

export function startLines() {
  customElements.define('x-lines', Lines);
  // A value that the server worked out anew: the form must send that one from now on.
  document.addEventListener('htmx:after:settle', () => {
    for (const view of all<HTMLElement>('.v[data-new]')) {
      view.removeAttribute('data-new');
      const cell = view.closest<HTMLElement>('td[data-sent]');
      const row = view.closest<HTMLElement>('tr.line');
      const table = view.closest<HTMLElement>('x-lines')?.dataset.table;
      if (!cell || !row || !table) continue;
      const raw = view.dataset.raw ?? '';
      const editor = find<HTMLElement>('.ed', cell);
      const name = `c.${table}.${row.dataset.n}.${cell.dataset.key}`;
      if (!editor) { const hidden = find<HTMLInputElement>(':scope > input[type=hidden]', cell); if (hidden) hidden.value = raw; continue; }
      view.hidden = true;
      if (editor.contains(document.activeElement)) continue;
      setValues(editor, name, [raw], { [raw]: view.textContent?.trim() ?? '' });
      editor.dataset.before = JSON.stringify([...getValues(editor)]);
    }
  });
}

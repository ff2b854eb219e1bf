// <x-lookup>: the input of a link. Finds records on the server while typing; holds the chosen ids in hidden inputs.
import Combobox from '@github/combobox-nav';
import htmx from './htmx';
import { all, around, find, icon, make, settled, t } from './dom';
import { place } from './menus';

export interface Chosen { value: string; title: string }

export class Lookup extends HTMLElement {
  private box: Combobox | undefined;
  private title_ = '';

  get input() { return find<HTMLInputElement>('[role=combobox]', this)!; }
  private get list() { return find<HTMLElement>('[role=listbox]', this)!; }
  private get multiple() { return this.hasAttribute('data-multiple'); }
  get name() { return this.dataset.name ?? ''; }

  connectedCallback() {
    if (this.box || !find('[role=combobox]', this)) return;
    const { input, list } = this;
    this.title_ = input.value;
    this.box = new Combobox(input, list, { tabInsertsSuggestions: false, firstOptionSelectionMode: 'selected' });
    const ask = settled(150, () => this.ask());
    input.addEventListener('input', () => { this.open(); ask(); });
    input.addEventListener('click', () => { if (!list.matches(':popover-open')) { this.open(); this.ask(true); } });
    input.addEventListener('keydown', (event) => this.onKey(event), true);
    input.addEventListener('change', (event) => { if (event.isTrusted) event.stopPropagation(); });
    input.addEventListener('blur', () => this.leave());
    list.addEventListener('mousedown', (event) => event.preventDefault());
    list.addEventListener('combobox-commit', (event) => this.commit(event));
    list.addEventListener('htmx:after:settle', () => { if (list.matches(':popover-open')) { this.box?.stop(); this.box?.start(); place(list, input); } });
    this.addEventListener('click', (event) => {
      const item = around<HTMLElement>(event, '[data-drop]')?.closest<HTMLElement>('.picked-item');
      if (item) { item.remove(); this.changed(); input.focus(); }
      if (around(event, '[data-clear]')) { this.set([]); this.changed(); input.focus(); }
    });
  }

  disconnectedCallback() {
    this.box?.stop();
    this.box = undefined;
  }

  /** What is chosen. */
  get(): Chosen[] {
    if (this.multiple) return all('.picked-item', this).map((item) => ({ value: item.dataset.value ?? '', title: item.textContent?.trim() ?? '' }));
    const value = find<HTMLInputElement>('input[type=hidden]', this)?.value ?? '';
    return value ? [{ value, title: this.title_ }] : [];
  }

  set(chosen: Chosen[]) {
    if (this.multiple) {
      find('.picked', this)?.replaceChildren(...chosen.map((one) => this.item(one)));
      this.input.value = '';
      return;
    }
    const hidden = find<HTMLInputElement>('input[type=hidden]', this);
    if (hidden) hidden.value = chosen[0]?.value ?? '';
    this.title_ = chosen[0]?.title ?? '';
    this.input.value = this.title_;
    const clear = find('[data-clear]', this);
    if (clear) clear.hidden = !chosen.length;
    find('a.open', this)?.remove();
  }

  private item({ value, title }: Chosen) {
    const drop = make('button', { type: 'button', 'data-drop': '', 'aria-label': t('remove', { what: title }) }, icon('x'));
    return make('span', { class: 'picked-item', 'data-value': value }, make('input', { type: 'hidden', name: this.name, value }), title, drop);
  }

  private open() {
    const { list, input } = this;
    if (list.matches(':popover-open')) return;
    list.showPopover();
    list.style.minWidth = `${input.getBoundingClientRect().width}px`;
    place(list, input);
    this.box?.start();
  }

  private close() {
    if (!this.list.matches(':popover-open')) return;
    this.box?.stop();
    this.list.hidePopover();
  }

  /** Asks the server; `everything` ignores the words that stand for what is chosen. */
  private ask(everything = false) {
    const url = new URL(this.dataset.url ?? '', location.href);
    const words = this.input.value.trim();
    url.searchParams.set('q', everything || words === this.title_ ? '' : words);
    url.searchParams.set('for', this.input.id);
    const form = this.closest('form');
    for (const name of (this.dataset.needs ?? '').split(' ').filter(Boolean)) {
      const sent = form && new FormData(form).getAll(name).map(String);
      for (const value of sent ?? []) url.searchParams.append(name, value);
    }
    void htmx.ajax('GET', url.pathname + url.search, { source: this.list, target: this.list, swap: 'innerHTML' });
  }

  private onKey(event: KeyboardEvent) {
    if (event.isComposing) return;
    const open = this.list.matches(':popover-open');
    if (event.key === 'Escape' && open) { event.stopPropagation(); event.preventDefault(); this.input.value = this.multiple ? '' : this.title_; this.close(); }
    if (event.key === 'ArrowDown' && !open) { event.preventDefault(); event.stopPropagation(); this.open(); this.ask(true); }
    // The only option stays chosen: there is nowhere else to go.
    const alone = open && all('[role=option]', this.list).length === 1 && find('[aria-selected="true"]', this.list);
    if (alone && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) { event.preventDefault(); event.stopImmediatePropagation(); }
    if (event.key === 'Enter' && open && find('[aria-selected="true"]', this.list)) event.stopPropagation();
    if (event.key === 'Enter' && open && find('[aria-selected="true"]', this.list)) { event.preventDefault(); find('[aria-selected="true"]', this.list)?.click(); }
    if (event.key === 'Tab' && open && this.input.value.trim() !== this.title_ && this.input.value.trim()) find('[aria-selected="true"]', this.list)?.click();
    if (event.key === 'Backspace' && this.multiple && this.input.value === '') {
      const items = all('.picked-item', this);
      items[items.length - 1]?.remove();
      if (items.length) this.changed();
    }
  }

  private commit(event: Event) {
    const option = around<HTMLElement>(event, '[role=option]');
    if (!option) return;
    if (option.dataset.create) { window.open(option.dataset.create, '_blank', 'noopener'); this.close(); return; }
    const one = { value: option.dataset.value ?? '', title: option.dataset.title ?? '' };
    const others = this.multiple ? this.get().filter((other) => other.value !== one.value) : [];
    this.set([...others, one]);
    this.close();
    this.changed();
  }

  /** Half-typed words are not a choice: emptied means none, anything else means as before. */
  private leave() {
    this.close();
    if (this.multiple) { this.input.value = ''; return; }
    if (this.input.value.trim() === '' && this.title_) { this.set([]); this.changed(); return; }
    this.input.value = this.title_;
  }

  private changed() {
    this.input.dispatchEvent(new Event('change', { bubbles: true }));
  }
}

export function startLookups() {
  customElements.define('x-lookup', Lookup);
}

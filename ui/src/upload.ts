// <x-upload>: files of a field. Each is sent at once and held as a hidden input; saving the card attaches it.
import { all, around, csrf, find, icon, make, t } from './dom';
import { explain, offline } from './net';
import { complain } from './toast';

interface Kept { id: string; name: string; size: number; type?: string }

const inWords = (bytes: number) => (bytes < 1024 ? `${bytes} B` : bytes < 1024 * 1024 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`);

export class Upload extends HTMLElement {
  private get list() { return find('[data-list]', this)!; }
  private get multiple() { return this.hasAttribute('data-multiple'); }
  private started = false;
  get name() { return this.dataset.name ?? ''; }

  connectedCallback() {
    if (this.started) return;
    this.started = true;
    const input = find<HTMLInputElement>('input[type=file]', this);
    input?.addEventListener('change', (event) => { event.stopPropagation(); this.take(input.files); input.value = ''; });
    for (const name of ['dragenter', 'dragover']) this.addEventListener(name, (event) => { event.preventDefault(); this.classList.add('over'); });
    for (const name of ['dragleave', 'drop']) this.addEventListener(name, () => this.classList.remove('over'));
    this.addEventListener('drop', (event) => { event.preventDefault(); this.take((event as DragEvent).dataTransfer?.files ?? null); });
    this.addEventListener('paste', (event) => this.take((event as ClipboardEvent).clipboardData?.files ?? null));
    this.addEventListener('click', (event) => {
      const row = around(event, '[data-drop]')?.closest('li');
      if (row) { row.remove(); this.changed(); input?.focus(); }
    });
  }

  set(kept: { value: string; title: string }[]) {
    this.list.replaceChildren(...kept.map((one) => this.row({ id: one.value, name: one.title, size: 0 })));
  }

  get() {
    return all('li[data-id]', this).map((row) => ({ value: row.dataset.id ?? '', title: find('a,b', row)?.textContent ?? '' }));
  }

  private take(files: FileList | null) {
    const wanted = [...(files ?? [])].slice(0, this.multiple ? undefined : 1);
    const most = Number(this.dataset.max ?? 0);
    for (const file of wanted) {
      if (most && file.size > most) complain(t('upload_large', { name: file.name })); else this.send(file);
    }
  }

  private send(file: File) {
    const bar = make('progress', { max: '1', value: '0', 'aria-label': t('uploading', { name: file.name }) });
    const row = make('li', { class: 'file busy' }, make('span', { class: 'file-ico' }, icon('loader', 'sm')), make('span', { class: 'grow' }, make('span', { class: 'trunc' }, file.name), bar));
    if (!this.multiple) this.list.replaceChildren();
    this.list.append(row);
    const body = new FormData();
    body.append('file', file);
    const request = new XMLHttpRequest(); // fetch cannot tell how far an upload is.
    request.open('POST', '/files');
    for (const [name, value] of Object.entries({ Accept: 'application/json', 'HX-Request': 'true', ...csrf() })) request.setRequestHeader(name, value);
    request.upload.addEventListener('progress', (event) => { if (event.lengthComputable) bar.value = event.loaded / event.total; });
    request.addEventListener('load', () => this.sent(request, row, file));
    request.addEventListener('error', () => { row.remove(); offline(true); complain(t('upload_failed', { name: file.name })); });
    request.send(body);
  }

  private sent(request: XMLHttpRequest, row: Element, file: File) {
    if (request.status >= 400) {
      row.remove();
      explain(request.status, request.responseText, request.getResponseHeader('x-request-id'));
      return;
    }
    const answer = JSON.parse(request.responseText);
    const kept: Kept = answer.data?.[0] ?? answer;
    row.replaceWith(this.row(kept, file.type.startsWith('image/') ? URL.createObjectURL(file) : undefined));
    this.changed();
  }

  private row(kept: Kept, picture?: string) {
    const sign = picture ? make('img', { src: picture, alt: '', width: '32', height: '32' }) : make('span', { class: 'file-ico' }, icon('file', 'sm'));
    const drop = make('button', { type: 'button', class: 'btn ghost icon', 'data-drop': '', 'aria-label': t('remove', { what: kept.name }) }, icon('x', 'sm'));
    const words = make('span', { class: 'grow' }, make('a', { class: 'trunc', href: `/files/${encodeURIComponent(kept.id)}`, download: '' }, kept.name), make('small', {}, kept.size ? inWords(kept.size) : ''));
    return make('li', { class: 'file', 'data-id': kept.id }, make('input', { type: 'hidden', name: this.name, value: kept.id }), sign, words, drop);
  }

  private changed() {
    this.dispatchEvent(new Event('change', { bubbles: true }));
  }
}

export function startUploads() {
  customElements.define('x-upload', Upload);
}

// The command palette: records, cards and actions by a few letters.
import Combobox from '@github/combobox-nav';
import htmx from './htmx';
import { around, find, t } from './dom';

export function openPalette() {
  const dialog = find<HTMLDialogElement>('#cmdk');
  const input = find<HTMLInputElement>('#cmdk-input');
  if (!dialog || !input || dialog.open) return;
  input.value = '';
  dialog.showModal();
  input.focus();
  htmx.trigger(input, 'open');
}

export function startPalette() {
  const dialog = find<HTMLDialogElement>('#cmdk');
  const input = find<HTMLInputElement>('#cmdk-input');
  const list = find('#cmdk-list');
  if (!dialog || !input || !list) return;
  const box = new Combobox(input, list, { tabInsertsSuggestions: false, firstOptionSelectionMode: 'selected' });
  let beside = false;
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.isComposing || !(event.ctrlKey || event.metaKey)) return;
    const chosen = find<HTMLElement>('[aria-selected="true"]', list)?.dataset.url;
    if (chosen) window.open(chosen, '_blank', 'noopener');
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  list.addEventListener('click', (event) => { beside = event.ctrlKey || event.metaKey; }, true);
  list.addEventListener('combobox-commit', (event) => {
    const url = around<HTMLElement>(event, '[role=option]')?.dataset.url;
    if (!url) return;
    if (beside) { window.open(url, '_blank', 'noopener'); beside = false; return; }
    dialog.close();
    location.assign(url);
  });
  list.addEventListener('htmx:after:settle', () => {
    if (dialog.open) { box.stop(); box.start(); list.scrollTop = 0; }
    const count = list.querySelectorAll('[role=option]').length;
    list.setAttribute('aria-label', t('found', { count }));
  });
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener('close', () => box.stop());
}

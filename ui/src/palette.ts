// The command palette: records, cards and actions by a few letters.
import Combobox from '@github/combobox-nav';
import htmx from './htmx';
import { around, find, t } from './dom';

export function openPalette() {
  const dialog = find<HTMLDialogElement>('#cmdk');
  const input = find<HTMLInputElement>('#cmdk-input');
  if (!dialog || !input || dialog.open) return;
  input.value = '';
  const sent = find<HTMLInputElement>('#cmdk-sent [name=recent]');
  if (sent) sent.value = opened().join(',');
  dialog.showModal();
  input.focus();
  htmx.trigger(input, 'open');
}

// Which records were opened last stays on this device, as ids; what they are called is asked for.
const RECENT = 8;
const key = () => `recent:${document.body.dataset.draftScope ?? ''}`;

function opened(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key()) ?? '[]');
    return Array.isArray(kept) ? kept.filter((one): one is string => typeof one === 'string').slice(0, RECENT) : [];
  } catch { return []; }
}

function noteOpened() {
  const [, card, id] = /^\/c\/([a-z0-9_]+)\/([0-9a-f-]{36})$/.exec(location.pathname) ?? [];
  if (!card || !id || document.body.dataset.drafts !== 'true') return;
  const one = `${card}:${id}`;
  try { localStorage.setItem(key(), JSON.stringify([one, ...opened().filter((other) => other !== one)].slice(0, RECENT))); } catch { /* full, or forbidden */ }
}

function startScope(input: HTMLInputElement) {
  const chip = find<HTMLButtonElement>('#cmdk-scope');
  const sent = find<HTMLInputElement>('#cmdk-sent [name=scope]');
  if (!chip || !sent) return;
  const turn = () => {
    const only = chip.getAttribute('aria-pressed') !== 'true';
    chip.setAttribute('aria-pressed', String(only));
    sent.value = only ? chip.dataset.scope ?? '' : '';
    input.focus();
    htmx.trigger(input, 'open');
  };
  chip.addEventListener('click', turn);
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Tab' || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    turn();
  }, true);
}

export function startPalette() {
  noteOpened();
  const dialog = find<HTMLDialogElement>('#cmdk');
  const input = find<HTMLInputElement>('#cmdk-input');
  const list = find('#cmdk-list');
  if (!dialog || !input || !list) return;
  startScope(input);
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

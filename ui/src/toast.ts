// Short messages at the bottom, with a way to undo.
import { all, find, icon, make, t } from './dom';

export interface Undo { url: string; ids: string[] }
export type Way = { label: string; run: () => void };

const LASTS = 6000;

export function toast(text: string, way?: Way) {
  const box = make('div', { class: 'toast' }, text);
  if (way) {
    const button = make('button', { type: 'button' }, way.label);
    button.addEventListener('click', () => { box.remove(); way.run(); });
    box.append(button);
  }
  find('#toasts-polite')?.append(box);
  fade(box);
}

/** Errors stay until they are dismissed. */
export function complain(text: string, way?: Way) {
  const same = all('#toasts-urgent .toast').find((box) => box.firstElementChild?.nextElementSibling?.textContent === text);
  same?.remove();
  const close = make('button', { type: 'button', 'aria-label': t('dismiss') }, icon('x', 'sm'));
  const box = make('div', { class: 'toast bad' }, icon('circle-alert', 'sm'), make('span', {}, text));
  if (way) {
    const button = make('button', { type: 'button' }, way.label);
    button.addEventListener('click', () => { box.remove(); way.run(); });
    box.append(button);
  }
  close.addEventListener('click', () => box.remove());
  box.append(close);
  find('#toasts-urgent')?.append(box);
}

function fade(box: HTMLElement) {
  let timer = 0;
  const start = () => { timer = window.setTimeout(() => box.remove(), LASTS); };
  // Nobody is hurried: the message stays while the pointer or the focus is on it.
  for (const name of ['pointerenter', 'focusin']) box.addEventListener(name, () => clearTimeout(timer));
  for (const name of ['pointerleave', 'focusout']) box.addEventListener(name, start);
  start();
}

const KEY = 'cardstock.toast';

/** Shows a message on the next page. */
export function toastLater(text: string, undo?: Undo) {
  sessionStorage.setItem(KEY, JSON.stringify({ text, undo }));
}

export function showKept(restore: (undo: Undo) => void) {
  const kept = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  for (const box of all('.toast[data-fades]')) fade(box);
  if (!kept) return;
  const { text, undo } = JSON.parse(kept) as { text: string; undo?: Undo };
  toast(text, undo && { label: t('undo'), run: () => restore(undo) });
}

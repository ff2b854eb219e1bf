// The frame: global keys, theme, folded groups, the phone's menu, focus after swaps, the sign-in page's helpers.
import { all, around, csrf, find, isTyping, t, whenever } from './dom';
import { openPalette } from './palette';
import { toast } from './toast';

const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

function onKey(event: KeyboardEvent) {
  const mod = isMac ? event.metaKey : event.ctrlKey;
  const key = event.key.toLowerCase();
  if (mod && key === 'k') { event.preventDefault(); openPalette(); return; }
  if (mod && key === 's' && find('#form')) { event.preventDefault(); find<HTMLFormElement>('#form')?.requestSubmit(); return; }
  if (mod || event.altKey || event.ctrlKey || event.metaKey || isTyping(event.target) || find('dialog[open],.menu:popover-open')) return;
  if (document.body.dataset.shortcuts !== 'true' || around(event, '.lines')) return;
  if (event.key === '?') { find<HTMLDialogElement>('#keys')?.showModal(); event.preventDefault(); return; }
  if (key.length !== 1) return;
  const target = all<HTMLElement>(`[data-key="${CSS.escape(key)}"]`).find((one) => one.offsetParent !== null);
  if (!target) return;
  event.preventDefault();
  if (target.matches('input')) target.focus(); else target.click();
}

/** The theme changes at once; the server hears of it for the next page. */
async function chooseTheme(button: HTMLButtonElement) {
  const name = button.dataset.themeChoice ?? 'system';
  if (name === 'system') delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = name;
  for (const one of all('[data-theme-choice]')) one.setAttribute('aria-pressed', String(one.dataset.themeChoice === name));
  const body = new URLSearchParams(new FormData(button.form ?? undefined) as unknown as Record<string, string>);
  await fetch(button.formAction, { method: 'POST', body, headers: csrf(), redirect: 'manual' }).catch(() => undefined);
}

/** Folded groups stay folded, on this device. */
function remember(details: HTMLDetailsElement) {
  const key = `cardstock.fold:${details.dataset.remember}`;
  const kept = localStorage.getItem(key);
  if (kept !== null && !find('[aria-current=page]', details)) details.open = kept === 'true';
  details.addEventListener('toggle', () => localStorage.setItem(key, String(details.open)));
}

function toggleMenu() {
  const app = find('#app');
  if (!app) return;
  const open = app.dataset.nav !== 'open';
  if (open) app.dataset.nav = 'open'; else delete app.dataset.nav;
  if (open) find<HTMLElement>('#side a')?.focus(); else find<HTMLElement>('.mtab [data-do=menu]')?.focus();
}

/** A click or key must never leave the focus nowhere. */
function keepFocus() {
  let last: HTMLElement | null = null;
  document.addEventListener('focusin', (event) => { last = event.target as HTMLElement; });
  document.addEventListener('htmx:after:swap', () => {
    queueMicrotask(() => {
      if (document.activeElement !== document.body || !last) return;
      const same = last.id ? document.getElementById(last.id) : null;
      (same ?? find<HTMLElement>('#main'))?.focus({ preventScroll: true });
    });
  });
}

/** The text of an element, a line for each item of a list. */
const plain = (element: Element | null) => {
  const items = all('li', element ?? undefined).map((item) => item.textContent?.trim() ?? '');
  return items.length ? items.join('\n') : element?.textContent ?? '';
};

function onClick(event: Event) {
  const theme = around<HTMLButtonElement>(event, '[data-theme-choice]');
  if (theme) { event.preventDefault(); void chooseTheme(theme); return; }
  const doing = around<HTMLElement>(event, '[data-do]');
  switch (doing?.dataset.do) {
    case 'palette': openPalette(); break;
    case 'menu': toggleMenu(); break;
    case 'keys': find<HTMLDialogElement>('#keys')?.showModal(); break;
    case 'close': doing.closest('dialog')?.close(); break;
    case 'close-menu': doing.closest<HTMLElement>('[popover]')?.hidePopover(); break;
    case 'retry': location.reload(); break;
    case 'copy': void navigator.clipboard?.writeText(plain(find(`#${doing.dataset.from}`))).then(() => toast(t('copied'))); break;
    case 'peek': {
      const input = find<HTMLInputElement>(`#${doing.dataset.for}`);
      if (input) { input.type = input.type === 'password' ? 'text' : 'password'; doing.setAttribute('aria-pressed', String(input.type === 'text')); }
      break;
    }
    case 'demo': {
      const form = find<HTMLFormElement>('#login-form');
      const name = form && find<HTMLInputElement>('#name', form);
      const password = form && find<HTMLInputElement>('#password', form);
      if (form && name && password) { name.value = doing.dataset.name ?? ''; password.value = doing.dataset.password ?? ''; form.requestSubmit(); }
      break;
    }
  }
}

export function startShell() {
  document.addEventListener('keydown', onKey);
  document.addEventListener('click', onClick);
  document.addEventListener('click', (event) => { if (event.target instanceof HTMLDialogElement && event.target.matches('.sheet-dialog')) event.target.close(); });
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && find('#app[data-nav=open]')) toggleMenu(); });
  // Drafts belong to the person: the next one at this computer shall not see them.
  document.addEventListener('submit', (event) => {
    if (!around(event, '[data-sign-out]')) return;
    for (const key of Object.keys(localStorage)) if (key.startsWith('cardstock.draft:')) localStorage.removeItem(key);
  });
  whenever('[data-mod-key]', (key) => { if (isMac) key.textContent = `⌘${(key as HTMLElement).dataset.modKey}`; });
  whenever('[data-absolute]', (path) => { path.textContent = new URL(path.textContent ?? '', location.origin).href; });
  whenever('details[data-remember]', (details) => remember(details as HTMLDetailsElement));
  document.addEventListener('toast', (event) => toast((event as CustomEvent).detail.text));
  keepFocus();
}

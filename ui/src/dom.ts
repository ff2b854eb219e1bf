// Small helpers: finding and making elements, texts in the reader's language.

export const find = <T extends Element = HTMLElement>(selector: string, root: ParentNode = document) => root.querySelector<T>(selector);
export const all = <T extends Element = HTMLElement>(selector: string, root: ParentNode = document) => [...root.querySelectorAll<T>(selector)];

/** The nearest element around an event's target that matches. */
export function around<T extends Element = HTMLElement>(event: Event, selector: string): T | null {
  return event.target instanceof Element ? event.target.closest<T>(selector) : null;
}

/** Makes an element. There is no way to pass markup. */
export function make<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Record<string, string> = {}, ...children: (Node | string)[]) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function icon(name: string, size = '') {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('class', `i ${size}`);
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(space, 'use');
  use.setAttribute('href', `${document.body.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

type Words = string | { one: string; other: string };
const texts: Record<string, Words> = JSON.parse(find('#texts')?.textContent || '{}');

/** The text of a key, with `{name}` replaced; the key itself if there is none. */
export function t(key: string, values: Record<string, string | number> = {}): string {
  const words = texts[key] ?? key;
  const text = typeof words === 'string' ? words : values.count === 1 ? words.one : words.other;
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** Calls once after the last of several calls. */
export function settled(wait: number, run: () => void) {
  let timer = 0;
  return () => { clearTimeout(timer); timer = window.setTimeout(run, wait); };
}

export const csrf = (): Record<string, string> => {
  const token = find<HTMLMetaElement>('meta[name="csrf"]')?.content;
  return token ? { 'X-CSRF-Token': token } : {};
};

/** Text is typed here, so single keys mean letters. */
export const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.matches('input:not([type=checkbox],[type=radio]),textarea,select,[contenteditable]');

type Arrival = { selector: string; run: (element: Element) => void; again: boolean; met: WeakSet<Element> };
const arrivals: Arrival[] = [];

/**
 * Runs for every element that matches: those that are there (htmx goes over the page once at the start), and those
 * that are swapped in later. With `again`, also for those that were changed in place.
 */
export function whenever(selector: string, run: (element: Element) => void, again = false) {
  arrivals.push({ selector, run, again, met: new WeakSet() });
}

document.addEventListener('htmx:after:process', (event) => {
  const root = event.target;
  if (!(root instanceof Element)) return;
  for (const { selector, run, again, met } of arrivals) {
    const found = all<Element>(selector, root);
    if (root.matches(selector)) found.unshift(root);
    for (const element of found) {
      if (met.has(element) && !again) continue;
      met.add(element);
      run(element);
    }
  }
});

// Reading and setting the values of any field's inputs, whatever its widget.
import { all, find, t } from './dom';
import { type Chosen, Lookup } from './lookup';
import { Upload } from './upload';

type Input = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;
const INPUTS = 'input[name],select[name],textarea[name]';

/** Sets every input of a name inside `root`. `titles` are the words that stand for ids. */
export function setValues(root: ParentNode, name: string, values: string[], titles: Record<string, string> = {}) {
  for (const island of all('x-lookup,x-upload', root)) {
    if (island.dataset.name !== name || !(island instanceof Lookup || island instanceof Upload)) continue;
    island.set(values.filter(Boolean).map((value): Chosen => ({ value, title: titles[value] ?? value })));
    return;
  }
  const inputs = all<Input>(INPUTS, root).filter((input) => input.name === name);
  const plain = inputs.filter((input) => input.type !== 'checkbox' && input.type !== 'radio');
  for (const input of inputs) {
    if (input instanceof HTMLInputElement && (input.type === 'checkbox' || input.type === 'radio')) input.checked = values.includes(input.value);
  }
  // The hidden companion of a switch or of options keeps its value.
  if (plain.length === inputs.length && plain[0]) plain[0].value = values[values.length - 1] ?? '';
}

/** What inputs inside `root` would send, by name. */
export function getValues(root: ParentNode): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const input of all<Input>(INPUTS, root)) {
    if (input.disabled || input.type === 'file') continue;
    if (input instanceof HTMLInputElement && (input.type === 'checkbox' || input.type === 'radio') && !input.checked) continue;
    values.set(input.name, [...(values.get(input.name) ?? []), input.value]);
  }
  return values;
}

/** The words shown for a value while its row is not being edited. */
export function wordsOf(editor: Element): string {
  const lookup = find('x-lookup', editor);
  if (lookup instanceof Lookup) return lookup.get().map((one) => one.title).join(', ');
  const upload = find('x-upload', editor);
  if (upload instanceof Upload) return upload.get().map((one) => one.title).join(', ');
  const select = find<HTMLSelectElement>('select', editor);
  if (select) return select.selectedOptions[0]?.textContent ?? '';
  const toggle = find<HTMLInputElement>('input[role=switch]', editor);
  if (toggle) return t(toggle.checked ? 'yes' : 'no');
  const picked = all<HTMLInputElement>('input[type=checkbox]:checked,input[type=radio]:checked', editor);
  if (picked.length) return picked.map((input) => input.closest('label')?.textContent?.trim() || input.value).join(', ');
  return all<HTMLInputElement>('input:not([type=hidden],[type=radio],[type=checkbox],[type=color],[type=file]),textarea', editor).map((input) => input.value).filter(Boolean).join(', ');
}

/** Ids with the words that stand for them, for drafts. */
export function titlesOf(root: ParentNode): Record<string, string> {
  const titles: Record<string, string> = {};
  for (const island of all('x-lookup,x-upload', root)) {
    if (island instanceof Lookup || island instanceof Upload) for (const one of island.get()) titles[one.value] = one.title;
  }
  return titles;
}

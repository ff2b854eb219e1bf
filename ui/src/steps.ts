// Steps of a workflow: what cannot be taken says why, and edits are saved before one is taken.
import { all, around, find, t } from './dom';
import { toast } from './toast';

/** Whether the form holds edits that a step would leave behind. */
function unsaved(): boolean {
  const bar = find('#savebar');
  if (!bar || bar.hidden) return false;
  toast(t('save_first'));
  return true;
}

export function startSteps() {
  document.addEventListener('click', (event) => {
    const shut = around<HTMLElement>(event, '[data-why]');
    if (shut) toast(shut.dataset.why ?? '');
    if (around(event, '[data-dialog][data-step]') && unsaved()) { event.preventDefault(); event.stopImmediatePropagation(); }
  }, true);
  document.addEventListener('submit', (event) => {
    if (!(event.target instanceof HTMLFormElement) || !event.target.matches('[data-step]') || !unsaved()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  document.addEventListener('change', (event) => {
    const every = around<HTMLInputElement>(event, '[data-check-all]');
    if (every) for (const one of all<HTMLInputElement>(`input[name="${every.dataset.checkAll}"]`)) one.checked = every.checked;
  });
}

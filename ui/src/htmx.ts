// htmx under a strict policy: one Trusted Types policy for its markup, and no way to run text as code.
import htmx from 'htmx.org/dist/htmx.esm.js';

type Policy = { createHTML(text: string): unknown; createScript(text: string): unknown };
declare global {
  interface Window { trustedTypes?: { createPolicy(name: string, rules: Policy): Policy } }
}

const rules: Policy = { createHTML: (text) => text, createScript: () => '' };
const policy = window.trustedTypes?.createPolicy('htmx', rules) ?? rules;
const deny = function () { throw new Error('Inline expressions are switched off.'); };

htmx.registerExtension('tt', {
  init(api: { initSecurity(policy: unknown, sync: unknown, async: unknown): void }) { api.initSecurity(policy, deny, deny); },
});

document.addEventListener('htmx:config:request', (event) => {
  const token = document.querySelector<HTMLMetaElement>('meta[name="csrf"]')?.content;
  const { ctx } = (event as CustomEvent).detail;
  if (token) ctx.request.headers['X-CSRF-Token'] = token;
});


/** Markup of our own server as elements, under the same policy as htmx's. */
export function fragment(text: string): DocumentFragment {
  const template = document.createElement('template');
  template.innerHTML = policy.createHTML(text) as string;
  return document.adoptNode(template.content);
}

/** A whole page of our own server. */
export const pageOf = (text: string): Document => new DOMParser().parseFromString(policy.createHTML(text) as string, 'text/html');

export default htmx;

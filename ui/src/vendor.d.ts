declare module 'htmx.org/dist/htmx.esm.js' {
  interface Ajax { source?: Element; target?: Element | string; swap?: string; select?: string; values?: Record<string, string>; headers?: Record<string, string> }
  const htmx: {
    registerExtension(name: string, extension: object): void;
    ajax(verb: string, path: string, options: Ajax): Promise<void>;
    process(root: Element, force?: boolean): void;
    trigger(on: Element, name: string, detail?: object): boolean;
  };
  export default htmx;
}

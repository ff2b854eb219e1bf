// Turns css/ and src/ into hashed, immutable browser files, and writes manifest.json (source name -> file name).
//
//   node build.mjs OUT [--release | --dev] [--watch]
//
// --release also writes FILE.br and FILE.gz beside every text file. Nothing outside OUT is written.
import { build, context } from 'esbuild';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const here = path.dirname(fileURLToPath(import.meta.url));
const [out, ...flags] = process.argv.slice(2);
if (!out) {
  console.error('Say where to write: node build.mjs OUT [--release | --dev] [--watch]');
  process.exit(2);
}
const release = flags.includes('--release');
const hash = (text) => createHash('sha256').update(text).digest('hex').slice(0, 8).toUpperCase();

// `light-dark()` is too young for the browsers we support: `@dark { … }` in tokens.css becomes one block for the
// chosen theme and one for the system's.
const darkBlocks = {
  name: 'dark-blocks',
  setup(plugin) {
    plugin.onLoad({ filter: /tokens\.css$/ }, ({ path: file }) => {
      const source = fs.readFileSync(file, 'utf8');
      const contents = source.replace(/@dark \{([^{}]*)\}/g, (_, block) =>
        `:root[data-theme="dark"] { color-scheme: dark; ${block} }\n` +
        `@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) { color-scheme: dark; ${block} } }`);
      return { contents, loader: 'css', resolveDir: path.dirname(file) };
    });
  },
};

const options = {
  absWorkingDir: here,
  entryPoints: { app: 'src/app.ts', styles: 'css/app.css' },
  outdir: path.resolve(out),
  bundle: true,
  splitting: true,
  format: 'esm',
  target: ['es2022', 'chrome114', 'firefox125', 'safari17'],
  minify: release,
  sourcemap: release ? false : 'linked',
  entryNames: '[name]-[hash]',
  chunkNames: 'chunk-[hash]',
  assetNames: '[name]-[hash]',
  loader: { '.woff2': 'file' },
  plugins: [darkBlocks],
  metafile: true,
  logLevel: 'error',
};

/** Every file below a folder. */
function files(folder) {
  return fs.readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
}

/** The icons named in templates and scripts, and those of icons.txt. */
function usedIcons() {
  const names = new Set(fs.readFileSync(path.join(here, 'icons.txt'), 'utf8').split(/\s+/).filter(Boolean));
  for (const file of [...files(path.join(here, 'templates')), ...files(path.join(here, 'src'))]) {
    for (const [, name] of fs.readFileSync(file, 'utf8').matchAll(/\bicon\(\s*['"]([a-z0-9-]+)['"]/g)) names.add(name);
  }
  return [...names].sort();
}

function symbol(name) {
  const file = path.join(here, 'node_modules/lucide-static/icons', `${name}.svg`);
  if (!fs.existsSync(file)) throw new Error(`There is no Lucide icon named "${name}" (templates, src or icons.txt).`);
  const drawing = fs.readFileSync(file, 'utf8').replace(/<!--[\s\S]*?-->/g, '').replace(/<\/?svg[\s\S]*?>/g, '').replace(/\n\s*/g, '');
  return `<symbol id="${name}" viewBox="0 0 24 24">${drawing}</symbol>`;
}

/** Two sprites: the icons this interface uses, and all of Lucide for icons that definitions name. */
function writeSprites(manifest) {
  const all = fs.readdirSync(path.join(here, 'node_modules/lucide-static/icons'))
    .filter((file) => file.endsWith('.svg')).map((file) => file.slice(0, -4)).sort();
  const used = usedIcons();
  for (const [key, names] of [['icons', used], ['icons-all', all]]) {
    const text = `<svg xmlns="http://www.w3.org/2000/svg">${names.map(symbol).join('')}</svg>`;
    manifest[`${key}.svg`] = `${key}-${hash(text)}.svg`;
    fs.writeFileSync(path.join(out, manifest[`${key}.svg`]), text);
  }
  return { used, all };
}

function writeManifest(metafile) {
  const manifest = {};
  for (const [file, output] of Object.entries(metafile.outputs)) {
    if (output.entryPoint) manifest[path.basename(output.entryPoint)] = path.basename(file);
    const inputs = Object.keys(output.inputs);
    if (inputs.length === 1 && inputs[0].endsWith('.woff2')) manifest[path.basename(inputs[0])] = path.basename(file);
  }
  for (const name of fs.readdirSync(path.join(here, 'static'))) {
    const bytes = fs.readFileSync(path.join(here, 'static', name));
    manifest[name] = name.replace(/(\.[^.]+)$/, `-${hash(bytes)}$1`);
    fs.writeFileSync(path.join(out, manifest[name]), bytes);
  }
  const icons = writeSprites(manifest);
  fs.writeFileSync(path.join(out, 'manifest.json'), JSON.stringify({ files: manifest, icons: icons.used, all_icons: icons.all }));
}

function compress() {
  for (const file of files(out).filter((name) => /\.(js|css|svg)$/.test(name))) {
    const bytes = fs.readFileSync(file);
    fs.writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
    fs.writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
  }
}

fs.mkdirSync(out, { recursive: true });
try {
  if (flags.includes('--watch')) {
    const rewrite = { name: 'manifest', setup: (plugin) => plugin.onEnd(({ metafile }) => metafile && writeManifest(metafile)) };
    await (await context({ ...options, plugins: [...options.plugins, rewrite] })).watch();
    console.log(`watching; writing to ${out}`);
  } else {
    writeManifest((await build(options)).metafile);
    if (release) compress();
  }
} catch (error) {
  if (!error.errors) console.error(error.message); // esbuild has already printed its own, with file and line.
  process.exit(1);
}

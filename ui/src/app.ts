// Everything that runs in the browser. Pages work without it for reading; these modules add what HTML cannot.
import './htmx';
import { make, t } from './dom';
import { startLines } from './lines';
import { restore, startList } from './list';
import { startLookups } from './lookup';
import { startMenus } from './menus';
import { watchNetwork } from './net';
import { startPalette } from './palette';
import { startRecord } from './record';
import { startSheets } from './sheets';
import { startShell } from './shell';
import { showKept } from './toast';
import { startUploads } from './upload';

if (!('popover' in HTMLElement.prototype)) document.body.prepend(make('p', { class: 'notice' }, t('old_browser')));

startShell();
watchNetwork();
startLookups();
startUploads();
startLines();
startMenus();
startPalette();
startList();
startSheets();
startRecord();
showKept((undo) => void restore(undo));

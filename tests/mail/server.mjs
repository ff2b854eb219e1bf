// A mail server for tests: takes what it is given and prints it, a JSON object a line, after a first line with its ports.
// Some addresses are special: nobody@… is not known here, busy@… is told to come back later, once@… only the first time.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(path.join(here, '../../ui/package.json'));
const { SMTPServer } = require('smtp-server');
const { simpleParser } = require('mailparser');

const pem = fs.readFileSync(path.join(here, 'server.pem'));
const seen = new Set();
const refusal = (code, text) => Object.assign(new Error(text), { responseCode: code });
const print = line => process.stdout.write(`${JSON.stringify(line)}\n`);

function judge(address) {
  if (address.startsWith('nobody@')) return refusal(550, 'no such person here');
  if (address.startsWith('busy@')) return refusal(451, 'come back later');
  if (!address.startsWith('once@') || seen.has(address)) return null;
  seen.add(address);
  return refusal(451, 'come back later');
}

const common = {
  onRcptTo: ({ address }, session, done) => done(judge(address)),
  onData(stream, session, done) {
    simpleParser(stream).then(mail => {
      const headers = Object.fromEntries(mail.headerLines.map(({ key, line }) => [key, line.slice(line.indexOf(':') + 1).trim()]));
      const to = session.envelope.rcptTo.map(({ address }) => address);
      print({ from: session.envelope.mailFrom.address, to, secure: session.secure, user: session.user ?? null, subject: mail.subject, text: mail.text, html: mail.html || null, headers });
      done();
    }, done);
  },
};

// One that asks for TLS and a name, as those on the network do; and one as there is beside a program on its machine.
const strict = new SMTPServer({
  ...common, key: pem, cert: pem,
  onAuth: ({ username, password }, session, done) => done(...(username === 'cards' && password === 'secret' ? [null, { user: username }] : [refusal(535, 'not with this password')])),
});
const plain = new SMTPServer({ ...common, disabledCommands: ['STARTTLS'], authOptional: true });
for (const server of [strict, plain]) server.on('error', error => console.error(error.message));
strict.listen(0, '127.0.0.1', () => plain.listen(0, '127.0.0.1', () => print({ strict: strict.server.address().port, plain: plain.server.address().port })));
process.stdin.resume().on('end', () => process.exit(0));

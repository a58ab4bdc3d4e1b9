// The command line of `run.mjs`, read and checked.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

export const usage = `usage: node run.mjs --ws URL [--wss URL --ca FILE] --domain NAME --users FILE --scenario NAME
  --ws URL        the switchboard's WebSocket listener, such as ws://127.0.0.1:5080
  --wss URL       its secure WebSocket listener, such as wss://127.0.0.1:5081 (scenario register_wss)
  --ca FILE       PEM of the authority that signed the wss listener's certificate
  --resolve N=A   name N is at address A, for a certificate that names only the domain
  --domain NAME   the domain of the addresses-of-record
  --users FILE    JSON: [{"user":"alice","password":"…"}, …], four of them
  --scenario NAME one of those in scenarios/
  --udp H:P       the switchboard's datagram listener, and
  --phone PATH    the program cordboard, for the scenarios that have telephones of it
  --trace DIR     write what each telephone sent and received there
  --chromium PATH the browser (default /usr/bin/chromium)
  --list          print the scenarios, one a line`;

/** The settings that `argv` asks for; throws an Error with a sentence for the person who typed it. */
export function readSettings(argv) {
  const text = { type: "string" };
  const { values } = parseArgs({
    args: argv,
    options: {
      ws: text, wss: text, ca: text, resolve: text, domain: text, users: text, scenario: text, trace: text, udp: text, phone: text,
      chromium: { type: "string", default: "/usr/bin/chromium" },
      list: { type: "boolean", default: false },
    },
  });
  if (values.list) return values;
  for (const name of ["ws", "domain", "users", "scenario"]) {
    if (!values[name]) throw new Error(`--${name} is missing`);
  }
  if (values.wss && !values.ca) throw new Error("--wss needs --ca, the authority that signed its certificate");
  if (values.resolve && !/^[^=]+=[^=]+$/.test(values.resolve)) throw new Error("--resolve wants NAME=ADDRESS");
  const users = JSON.parse(readFileSync(values.users, "utf8"));
  if (!Array.isArray(users) || users.length < 4 || users.some((u) => !u.user || !u.password)) {
    throw new Error(`${values.users} must be a JSON list of four or more {"user", "password"}`);
  }
  return { ...values, users };
}

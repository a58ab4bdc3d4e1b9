// Plays one scenario with browser telephones through a switchboard. One JSON object a line for each step, then a
// verdict; exit status 0 passed, 1 failed, 2 wrong usage.

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readSettings, usage } from "./driver/settings.mjs";
import { Stage } from "./driver/stage.mjs";

const LIMIT_MS = 110_000;
const CLOSING_MS = 8_000;

const folder = fileURLToPath(new URL("./scenarios/", import.meta.url));
const scenarios = readdirSync(folder).filter((f) => f.endsWith(".mjs")).map((f) => f.slice(0, -4)).sort();

let settings;
try {
  settings = readSettings(process.argv.slice(2));
  if (!settings.list && !scenarios.includes(settings.scenario)) {
    throw new Error(`no scenario ${settings.scenario}; there are ${scenarios.join(", ")}`);
  }
} catch (e) {
  console.error(`${e.message}\n${usage}`);
  process.exit(2);
}
if (settings.list) {
  console.log(scenarios.join("\n"));
  process.exit(0);
}

const started = Date.now();
const stage = new Stage(settings);
const { play } = await import(`./scenarios/${settings.scenario}.mjs`);

let failure = null;
try {
  await Promise.race([play(stage), late(LIMIT_MS - CLOSING_MS, "the scenario took too long")]);
} catch (e) {
  failure = e;
  await stage.explain();
}
if (settings.trace) stage.writeTrace(settings.trace);
await Promise.race([stage.close(), late(CLOSING_MS, "the browser does not close")]).catch((e) => (failure ??= e));

const seconds = ((Date.now() - started) / 1000).toFixed(1);
console.log(`${failure ? "FAIL" : "PASS"} ${settings.scenario}: ${failure?.message ?? `${stage.steps} steps`} (${seconds} s)`);
process.exit(failure ? 1 : 0);

function late(ms, why) {
  return new Promise((_, fail) => setTimeout(() => fail(new Error(why)), ms).unref());
}

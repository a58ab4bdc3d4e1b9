// The telephones of one run, the steps they play, and the proof of who hears whom.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launch, trustedKey } from "./chromium.mjs";
import { CordboardPhone } from "./cordboard.mjs";
import { servePages } from "./pages.mjs";
import { Phone } from "./phone.mjs";

/** The frequency of each telephone's microphone in Hz: no one is a harmonic or an alias of another. */
const TONES = [440, 660, 880, 1200];
const LIBRARIES = ["jssip", "sipjs", "jssip", "sipjs"];

/** A tone counts as heard above this level (full scale = 0 dB), and nothing may be above `SILENT_DB` where silence is claimed. */
const HEARD_DB = -50;
const SILENT_DB = -65;
/** Other telephones' tones must be this much weaker than the one that is heard. */
const APART_DB = 25;
const TOLERANCE_HZ = 12;
/** A claim about sound must hold this many times in a row, `SAMPLE_MS` apart; the analyser's window is 171 ms long. */
const SAMPLES = 4;
const SAMPLE_MS = 150;

export class Stage {
  constructor(settings) {
    this.settings = settings;
    this.steps = 0;
    this.phones = [];
  }

  /** Starts the browser and opens the first `count` telephones (JsSIP and SIP.js by turns) towards `server`. */
  async open(count, server = this.settings.ws) {
    const { wss, ca, resolve, chromium, users, domain } = this.settings;
    const trusted = server === wss ? [await trustedKey(wss, ca, resolve)] : [];
    this.pages = await servePages();
    this.browser = await launch(chromium, trusted, resolve);
    for (let i = 0; i < count; i += 1) {
      const phone = new Phone({
        name: users[i].user, password: users[i].password, library: LIBRARIES[i], tone: TONES[i], domain, server, tones: TONES,
      });
      this.phones.push(phone);
      await this.reopen(phone);
    }
    return this.phones;
  }

  /** Starts the browser with two telephones, JsSIP and SIP.js, that speak plain RTP, and two `cordboard phone`s beside it. */
  async openWithPhones() {
    const { ws, chromium, users, domain, phone: binary, udp } = this.settings;
    this.pages = await servePages();
    this.browser = await launch(chromium);
    for (let i = 0; i < 4; i += 1) {
      const facts = { name: users[i].user, password: users[i].password, library: LIBRARIES[i], tone: TONES[i], domain, server: ws, tones: TONES };
      const phone = i < 2 ? new Phone(facts) : new CordboardPhone(facts);
      this.phones.push(phone);
      if (i < 2) await phone.open(this.browser, this.pages.url(phone.library), true);
      else phone.open(binary, udp, domain);
    }
    return this.#register();
  }

  /** Loads the telephone's page, afresh if it was closed. */
  async reopen(phone) {
    await phone.open(this.browser, this.pages.url(phone.library));
  }

  async close() {
    await Promise.all(this.phones.filter((phone) => phone instanceof CordboardPhone).map((phone) => phone.close()));
    await this.browser?.close();
    this.pages?.close();
  }

  /** Plays one step and prints it as a line of JSON; `play` may return facts to print with it. */
  async step(name, facts, play) {
    const started = Date.now();
    const line = { step: name, ...facts };
    try {
      Object.assign(line, await play(), { ok: true });
    } catch (e) {
      Object.assign(line, { ok: false, why: e.message });
      throw new StepFailed(name, e.message);
    } finally {
      this.steps += 1;
      console.log(JSON.stringify({ ...line, ms: Date.now() - started }));
    }
  }

  /** Opens `count` telephones and registers them all. */
  async registered(count) {
    await this.open(count);
    return this.#register();
  }

  async #register() {
    const { phones } = this;
    await this.step("register", { phones: phones.map((p) => `${p.name}/${p.library}`) }, async () => {
      await Promise.all(phones.map((p) => p.verb("register")));
      await Promise.all(phones.map((p) => p.registered()));
    });
    return phones;
  }

  /** A call from `caller` to `callee` that is answered and heard both ways; returns both ends' call numbers. */
  async call(caller, callee) {
    let ends;
    await this.step("call", { from: caller.name, to: callee.name }, async () => {
      const out = await caller.verb("call", callee.aor);
      const into = await callee.ringing();
      await callee.verb("answer", into);
      await caller.established(out);
      await callee.established(into);
      ends = [[caller, out], [callee, into]];
      return { heard: await this.conversation(...ends) };
    });
    return [ends[0][1], ends[1][1]];
  }

  async hangUp(phone, id, [other, otherId]) {
    await this.step("hangup", { by: phone.name }, async () => {
      await phone.verb("hangup", id);
      await phone.ended(id);
      await other.ended(otherId);
    });
  }

  /** Both ends hear the other's tone and nobody else's. */
  async conversation([a, aCall], [b, bCall]) {
    const [atA, atB] = await Promise.all([this.hears(a, aCall, b), this.hears(b, bCall, a)]);
    return { [a.name]: atA, [b.name]: atB };
  }

  async hears(phone, id, speaker) {
    return this.#steadily(phone, id, `${speaker.name}'s ${speaker.tone} Hz`, ({ hz, db, tones }) =>
      hz !== null && db > HEARD_DB && Math.abs(hz - speaker.tone) <= TOLERANCE_HZ &&
      TONES.every((tone) => tone === speaker.tone || tones[tone] < db - APART_DB));
  }

  async silence(phone, id) {
    return this.#steadily(phone, id, "silence", ({ hz, db, tones }) =>
      hz === null || (db < SILENT_DB && TONES.every((tone) => tones[tone] < SILENT_DB)));
  }

  async #steadily(phone, id, what, holds, within = 12_000) {
    const deadline = Date.now() + within;
    let row = 0;
    for (;;) {
      const sound = await phone.hear(id);
      row = holds(sound) ? row + 1 : 0;
      if (row === SAMPLES) return { hz: sound.db === null || sound.db < SILENT_DB ? null : sound.hz, db: sound.db };
      if (Date.now() > deadline) {
        throw new Error(`${phone.name} should hear ${what} in ${id} but hears ${JSON.stringify(sound)}`);
      }
      await new Promise((done) => setTimeout(done, SAMPLE_MS));
    }
  }

  /** Prints to standard error what the telephones saw, for whoever has to find out why a step failed. */
  async explain() {
    for (const phone of this.phones) {
      const state = await Promise.race([
        phone.state().catch((e) => e.message),
        new Promise((done) => setTimeout(() => done("the page does not answer"), 2000)),
      ]);
      console.error(`--- ${phone.name} (${phone.library}) ${JSON.stringify(state)}`);
      if (phone instanceof CordboardPhone) console.error(`    ${phone.log.join("\n    ")}`);
      for (const e of phone.errors) console.error(`    page error: ${e}`);
      for (const { at, direction, text } of phone.wire) {
        console.error(`    ${new Date(at).toISOString().slice(14, 23)} ${direction === "sent" ? "->" : "<-"} ${text.split("\r\n", 1)[0]}`);
      }
    }
  }

  /** Writes each telephone's SIP to `folder`, a file a telephone. */
  writeTrace(folder) {
    mkdirSync(folder, { recursive: true });
    for (const phone of this.phones) {
      const text = phone.wire.map((m) => `=== ${new Date(m.at).toISOString()} ${m.direction}\n${m.text}\n`).join("");
      writeFileSync(join(folder, `${phone.name}.txt`), text);
    }
  }
}

export class StepFailed extends Error {
  constructor(step, why) {
    super(`${step}: ${why}`);
  }
}

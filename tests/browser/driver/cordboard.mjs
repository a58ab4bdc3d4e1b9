// `cordboard phone` with the verbs of a browser telephone: lines on its standard input, events as JSON from it.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Phone } from "./phone.mjs";

export class CordboardPhone extends Phone {
  constructor(facts) {
    super({ ...facts, library: "cordboard" });
    this.calls = new Map();
    this.registration = "none";
    this.waiting = [];
    this.log = [];
  }

  /** Starts `binary`, registered through the datagram listener `proxy`. */
  open(binary, proxy, domain) {
    const { name, password, tone } = this;
    this.process = spawn(binary, [
      "phone", "--json", "--user", name, "--domain", domain, "--proxy", `sip:${proxy};transport=udp`,
      "--listen", "127.0.0.1", "--tone", String(tone),
    ], { env: { ...process.env, CORDBOARD_PASSWORD: password }, stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: this.process.stdout }).on("line", (line) => this.#told(JSON.parse(line)));
    this.process.on("exit", (status) => status && this.errors.push(`it ended with ${status}`));
  }

  async close() {
    if (!this.process || this.process.exitCode !== null) return;
    const gone = new Promise((done) => this.process.once("exit", done));
    this.process.stdin.end("quit\n");
    await gone;
  }

  async verb(name, ...args) {
    return this[name](...args);
  }

  async state() {
    return { registration: this.registration, log: this.log, calls: [...this.calls.values()] };
  }

  async hear(id) {
    const { heard } = this.calls.get(id);
    const levels = Object.fromEntries(this.tones.map((hz) => [hz, heard.tones.includes(hz) ? -20 : -200]));
    if (heard.sound === "silence") return { hz: null, db: null, tones: levels };
    return { hz: heard.tones.length === 1 ? heard.tones[0] : 0, db: -20, tones: levels };
  }

  register() {
    this.#say("register");
  }

  async call(target) {
    const dialing = this.#next("dialing");
    this.#say(`dial ${target}`);
    return key((await dialing).call);
  }

  answer(id) {
    this.#say(`answer ${number(id)}`);
  }

  async hold(id) {
    const holding = this.#next("holding");
    this.#say(`hold ${number(id)}`);
    await holding;
  }

  hangup(id) {
    // A transferor ends the call by itself when it is told of the success.
    const call = this.calls.get(id);
    if (call.phase !== "ended" && !call.transfer) this.#say(`hangup ${number(id)}`);
  }

  /** Hands over whoever is on hold to whom is talked to. */
  attendedTransfer(id) {
    this.calls.get(id).transfer = { answered: null, reports: [] };
    this.#say("complete &");
  }

  #say(line) {
    this.log.push(`> ${line}`);
    this.process.stdin.write(`${line}\n`);
  }

  #next(event) {
    return new Promise((done) => this.waiting.push({ event, done }));
  }

  #told(event) {
    this.log.push(JSON.stringify(event));
    const call = this.calls.get(key(event.call));
    switch (event.event) {
      case "registered": this.registration = "registered"; break;
      case "not-registered": this.registration = `failed: ${event.status}`; break;
      case "dialing": case "called-back": this.#add(event.call, "out", event.to); break;
      case "incoming": case "taken-over": this.#add(event.call, "in", event.from); break;
      case "referred": this.#add(event.new, "out", event.to); break;
      case "established": call.phase = "established"; break;
      case "ended": Object.assign(call, { phase: "ended", ended: `${event.status ?? ""} ${event.outcome}` }); break;
      case "hears": call.heard = { sound: event.sound, tones: event.tones }; break;
      case "transfer-progress": call.transfer.reports.push(event.status); break;
      case "transferred":
        if (call.transfer.reports.at(-1) !== event.status) call.transfer.reports.push(event.status);
        call.transfer.answered = event.outcome;
        break;
      case "failed": this.errors.push(`${event.verb}: ${event.says}`); break;
    }
    const at = this.waiting.findIndex((waiting) => waiting.event === event.event);
    if (at >= 0) this.waiting.splice(at, 1)[0].done(event);
  }

  #add(call, direction, remote) {
    const heard = { sound: "silence", tones: [] };
    this.calls.set(key(call), { id: key(call), direction, remote, phase: "early", ended: null, heard, transfer: null });
  }
}

function key(call) {
  return `c${call}`;
}

function number(id) {
  return id.slice(1);
}

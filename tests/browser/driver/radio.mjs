// The sound of one browser telephone that speaks plain RTP: a socket for each of its calls, its tone in PCMU (RFC 3551) going
// out, and which tones come in.

import { createSocket } from "node:dgram";

const RATE = 8000;
const PACKET = 160;
/** What is listened to: the last 200 ms, if anything came in them. */
const WINDOW = 1600;
const SILENT = -200;

export class Radio {
  constructor(tone, tones) {
    Object.assign(this, { tone, tones, calls: new Map() });
  }

  /** What the page asks for: `open`, `tune`, `hear`, `close`. */
  async ask(verb, id, how) {
    if (verb === "open") return this.#open();
    const call = this.calls.get(id);
    if (verb === "tune") return call?.tune(how);
    if (verb === "hear") return call?.hear(this.tones) ?? quiet(this.tones);
    this.calls.delete(id);
    return call?.close();
  }

  close() {
    for (const call of this.calls.values()) call.close();
    this.calls.clear();
  }

  async #open() {
    const id = this.calls.size === 0 ? 1 : Math.max(...this.calls.keys()) + 1;
    const call = new Call(this.tone);
    this.calls.set(id, call);
    return { id, port: await call.bind() };
  }
}

class Call {
  constructor(tone) {
    this.step = (2 * Math.PI * tone) / RATE;
    this.socket = createSocket("udp4");
    this.socket.on("message", (packet) => this.#received(packet));
    // Whoever has hung up is not there any more.
    this.socket.on("error", () => {});
    this.heard = [];
    this.last = 0;
    this.sequence = Math.floor(Math.random() * 0x8000);
    this.source = Math.floor(Math.random() * 0x1_0000_0000);
    this.sent = 0;
  }

  bind() {
    return new Promise((done) => this.socket.bind(0, "127.0.0.1", () => done(this.socket.address().port)));
  }

  tune({ host, port, sends }) {
    this.to = { host, port };
    if (sends === (this.timer !== undefined)) return;
    if (!sends) {
      clearInterval(this.timer);
      this.timer = undefined;
      return;
    }
    // Timers are late and packets must not be: as many are sent as are due.
    const began = Date.now();
    const before = this.sent;
    this.timer = setInterval(() => {
      while ((this.sent - before) * 20 < Date.now() - began) this.#send();
    }, 10);
  }

  close() {
    clearInterval(this.timer);
    this.socket.close();
  }

  hear(tones) {
    if (Date.now() - this.last > 200 || this.heard.length < WINDOW) return quiet(tones);
    const levels = Object.fromEntries(tones.map((hz) => [hz, level(this.heard, hz)]));
    const power = this.heard.reduce((sum, value) => sum + value * value, 0) / this.heard.length;
    const db = decibels(power * 2);
    const loudest = tones.reduce((a, b) => (levels[b] > levels[a] ? b : a));
    // Something that is none of the tones has no frequency here, and is no silence.
    return { hz: levels[loudest] > db - 3 ? loudest : 0, db, tones: levels };
  }

  #send() {
    const packet = Buffer.alloc(12 + PACKET);
    packet.writeUInt16BE(0x8000, 0);
    packet.writeUInt16BE((this.sequence + this.sent) & 0xffff, 2);
    packet.writeUInt32BE((this.sent * PACKET) >>> 0, 4);
    packet.writeUInt32BE(this.source, 8);
    for (let i = 0; i < PACKET; i += 1) packet[12 + i] = encode(Math.sin(this.step * (this.sent * PACKET + i)) * 8000);
    this.sent += 1;
    this.socket.send(packet, this.to.port, this.to.host);
  }

  #received(packet) {
    // Payload type 0; reports and digits are no sound.
    if (packet.length <= 12 || (packet[1] & 0x7f) !== 0) return;
    this.last = Date.now();
    for (const byte of packet.subarray(12)) this.heard.push(decode(byte));
    this.heard.splice(0, this.heard.length - WINDOW);
  }
}

function quiet(tones) {
  return { hz: null, db: null, tones: Object.fromEntries(tones.map((hz) => [hz, SILENT])) };
}

/** Goertzel's filter: the level of one frequency, full scale = 0. */
function level(samples, hz) {
  const turn = (2 * Math.PI * hz) / RATE;
  let [real, imaginary] = [0, 0];
  samples.forEach((value, at) => {
    // The ends count less, so that a neighbour's tone does not leak.
    const weight = value * (1 - Math.cos((2 * Math.PI * at) / samples.length));
    real += weight * Math.cos(turn * at);
    imaginary += weight * Math.sin(turn * at);
  });
  return decibels((4 * (real * real + imaginary * imaginary)) / samples.length ** 2);
}

function decibels(power) {
  return power > 0 ? Math.max(SILENT, Math.round(10 * Math.log10(power / 32768 ** 2))) : SILENT;
}

/** G.711, µ-law: a sign, eight segments, sixteen steps in each, all of it inverted. */
function encode(value) {
  const magnitude = Math.min(32635, Math.abs(Math.trunc(value))) + 132;
  const segment = Math.floor(Math.log2(magnitude)) - 7;
  return ~((value < 0 ? 0x80 : 0) | (segment << 4) | ((magnitude >> (segment + 3)) & 0xf)) & 0xff;
}

function decode(byte) {
  const code = ~byte & 0xff;
  const magnitude = ((((code & 0xf) << 3) + 132) << ((code >> 4) & 7)) - 132;
  return code & 0x80 ? -magnitude : magnitude;
}

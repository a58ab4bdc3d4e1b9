// One telephone: a page of JsSIP or SIP.js, its verbs, and what its WebSocket carried.

import { Radio } from "./radio.mjs";

const POLL_MS = 50;

export class Phone {
  constructor({ name, library, tone, password, domain, server, tones }) {
    Object.assign(this, { name, library, tone, password, server, tones });
    this.aor = `sip:${name}@${domain}`;
    this.wire = [];
    this.errors = [];
  }

  /** Opens its page; `plain` is for calls with telephones that speak plain RTP. */
  async open(browser, url, plain = false) {
    this.page = await browser.newPage();
    if (plain) {
      this.radio = new Radio(this.tone, this.tones);
      await this.page.exposeFunction("radio", (...words) => this.radio.ask(...words));
    }
    this.page.on("pageerror", (e) => this.errors.push(e.message));
    this.page.on("websocket", (socket) => {
      socket.on("framesent", ({ payload }) => this.#frame("sent", payload));
      socket.on("framereceived", ({ payload }) => this.#frame("received", payload));
    });
    await this.page.goto(url);
    const { aor, name: user, password, server, tone } = this;
    await this.page.evaluate((settings) => window.openPhone(settings), { aor, user, password, server, tone, plain });
  }

  async close() {
    await this.page?.close();
    this.radio?.close();
  }

  /** Calls a verb of the page: register, unregister, call, answer, hangup, hold, resume, transferTo, attendedTransfer. */
  async verb(name, ...args) {
    return this.page.evaluate(([verb, rest]) => window.phone[verb](...rest), [name, args]);
  }

  async state() {
    return this.page.evaluate(() => window.phone.state());
  }

  async hear(id) {
    return this.page.evaluate(([call, tones]) => window.phone.hear(call, tones), [id, this.tones]);
  }

  /** Polls the page until `found(state)` is truthy and returns that; `what` says in the error what never came. */
  async until(what, found, within = 15_000) {
    const deadline = Date.now() + within;
    for (;;) {
      const state = await this.state();
      const result = found(state);
      if (result) return result;
      if (Date.now() > deadline) {
        throw new Error(`${this.name} waited ${within / 1000} s for ${what}`);
      }
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
  }

  async registered() {
    await this.until("its registration", ({ registration }) => {
      if (registration.startsWith("failed")) throw new Error(`${this.name}: registration ${registration}`);
      return registration === "registered";
    });
  }

  /** The number of a call that rings here. */
  async ringing() {
    const call = await this.until("a call", (s) => s.calls.find((c) => c.direction === "in" && c.phase === "early"));
    return call.id;
  }

  async established(id) {
    await this.until(`${id} to be established`, ({ calls }) => {
      const call = calls.find((c) => c.id === id);
      if (call?.phase === "ended") throw new Error(`${this.name}: ${id} ended: ${call.ended}`);
      return call?.phase === "established";
    });
  }

  async ended(id) {
    await this.until(`${id} to end`, ({ calls }) => calls.find((c) => c.id === id)?.phase === "ended");
  }

  /** The number of the one established call that is not among `known`, such as the one that a REFER made. */
  async newCall(known) {
    const call = await this.until("a new call to be established", ({ calls }) =>
      calls.find((c) => !known.includes(c.id) && c.phase === "established"));
    return call.id;
  }

  async nothingLeft() {
    await this.until("all its calls to end", ({ calls }) => calls.every((c) => c.phase === "ended"));
  }

  /** SIP messages of this telephone, oldest first: `direction` is `sent` or `received`, `start` matches the first line. */
  messages(direction, start) {
    return this.wire.filter((m) => m.direction === direction && start.test(m.text)).map((m) => m.text);
  }

  #frame(direction, payload) {
    this.wire.push({ at: Date.now(), direction, text: payload.toString() });
  }
}

/** The value of the first header called `name` in a SIP message. */
export function header(message, name) {
  return new RegExp(`^${name}[ \\t]*:[ \\t]*(.*?)\\r?$`, "im").exec(message)?.[1] ?? null;
}

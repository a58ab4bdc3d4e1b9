// A telephone made of JsSIP. The driver calls the verbs of `window.phone` and polls `state()`.

import JsSIP from "jssip";
import { Desk, remoteDirection } from "./desk.js";
import { PlainConnection } from "./plain.js";
import { Mouth } from "./tone.js";

const pcConfig = { iceServers: [] };

class JsSipPhone {
  constructor({ aor, user, password, server, tone }) {
    this.desk = new Desk();
    this.mouth = new Mouth(tone);
    this.ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(server)],
      uri: aor,
      authorization_user: user,
      password,
      register: false,
      register_expires: 600,
      user_agent: "JsSIP",
    });
    this.ua.on("registered", () => (this.desk.registration = "registered"));
    this.ua.on("unregistered", () => (this.desk.registration = "unregistered"));
    this.ua.on("registrationFailed", (e) => (this.desk.registration = `failed: ${e.response?.status_code ?? ""} ${e.cause}`));
    this.ua.on("newRTCSession", ({ session }) => this.#track(session));
  }

  async register() {
    const connected = new Promise((done, fail) => {
      this.ua.once("connected", done);
      this.ua.once("disconnected", (e) => fail(new Error(`websocket closed: ${e.code ?? ""} ${e.reason ?? ""}`)));
    });
    this.ua.start();
    await connected;
    this.ua.register();
  }

  unregister() {
    this.ua.unregister();
  }

  call(target) {
    return this.#track(this.ua.call(target, this.#media())).id;
  }

  answer(id) {
    this.desk.call(id).session.answer(this.#media());
  }

  hangup(id) {
    const { session } = this.desk.call(id);
    if (!session.isEnded()) session.terminate();
  }

  hold(id) {
    if (!this.desk.call(id).session.hold()) throw new Error("JsSIP refuses to hold now");
  }

  resume(id) {
    if (!this.desk.call(id).session.unhold()) throw new Error("JsSIP refuses to resume now");
  }

  transferTo(id, uri) {
    this.#refer(this.desk.call(id), uri, {});
  }

  /** Asks the far end of `id` to take the place of this phone in `other`. */
  attendedTransfer(id, other) {
    const replaced = this.desk.call(other).session;
    this.#refer(this.desk.call(id), replaced.remote_identity.uri, { replaces: replaced });
  }

  #refer(call, target, options) {
    call.transfer = { answered: null, reports: [] };
    const report = (e) => call.transfer.reports.push(e.status_line.status_code);
    call.session.refer(target, {
      ...options,
      eventHandlers: {
        requestSucceeded: (e) => (call.transfer.answered = e.response.status_code),
        requestFailed: (e) => (call.transfer.answered = e.response?.status_code ?? e.cause),
        trying: report,
        progress: report,
        accepted: report,
        failed: report,
      },
    });
  }

  #media() {
    return { mediaStream: this.mouth.stream(), pcConfig };
  }

  #track(session) {
    const known = [...this.desk.calls.values()].find((call) => call.session === session);
    if (known) return known;
    const call = this.desk.add(session, {
      direction: session.direction === "incoming" ? "in" : "out",
      remote: session.remote_identity.uri.toString(),
    });
    for (const event of ["progress", "accepted", "confirmed", "hold", "unhold"]) {
      session.on(event, (e) => this.desk.note(`${call.id} ${event} ${e?.originator ?? ""}`));
    }
    session.on("ended", (e) => (call.ended = e.cause));
    session.on("failed", (e) => (call.ended = e.message?.status_code ? `${e.message.status_code} ${e.cause}` : e.cause));
    session.on("refer", (e) => {
      this.desk.note(`${call.id} refer`);
      e.accept(null, this.#media());
    });
    session.on("replaces", (e) => {
      this.desk.note(`${call.id} replaces`);
      // RFC 3891 §3: the new dialog is accepted without ringing. JsSIP fills the session in after this callback.
      e.accept((taking) => queueMicrotask(() => taking.answer(this.#media())));
    });
    return call;
  }

  state() {
    return {
      registration: this.desk.registration,
      log: this.desk.log,
      calls: [...this.desk.calls.values()].map((call) => ({
        id: call.id,
        direction: call.direction,
        remote: call.remote,
        phase: phase(call.session),
        ended: call.ended ?? null,
        onHold: call.session.isOnHold(),
        remoteDirection: remoteDirection(call.session.connection),
        transfer: call.transfer,
      })),
    };
  }

  hear(id, tones) {
    const call = this.desk.call(id);
    if (call.session.connection?.hear) return call.session.connection.hear();
    return call.ear.hear(call.session.connection, tones);
  }
}

function phase(session) {
  if (session.isEnded()) return "ended";
  return session.isEstablished() ? "established" : "early";
}

window.openPhone = (settings) => {
  if (settings.plain) window.RTCPeerConnection = PlainConnection;
  window.phone = new JsSipPhone(settings);
};

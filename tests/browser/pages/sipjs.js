// A telephone made of SIP.js. The driver calls the verbs of `window.phone` and polls `state()`.

import { Inviter, Registerer, SessionState, UserAgent, Web } from "sip.js";
import { Desk, remoteDirection } from "./desk.js";
import { PlainDescriptions } from "./plain.js";
import { Mouth } from "./tone.js";

class SipJsPhone {
  constructor({ aor, user, password, server, tone, plain }) {
    this.desk = new Desk();
    this.mouth = new Mouth(tone);
    this.ua = new UserAgent({
      uri: UserAgent.makeURI(aor),
      transportOptions: { server },
      authorizationUsername: user,
      authorizationPassword: password,
      sipExtensionReplaces: "Supported",
      sessionDescriptionHandlerFactory: plain
        ? () => new PlainDescriptions(this.mouth.stream())
        : Web.defaultSessionDescriptionHandlerFactory(async () => this.mouth.stream()),
      sessionDescriptionHandlerFactoryOptions: { peerConnectionConfiguration: { iceServers: [] } },
      logLevel: "error",
      userAgentString: "SIP.js",
      delegate: { onInvite: (invitation) => this.#arrived(invitation) },
    });
    this.registerer = new Registerer(this.ua, { expires: 600 });
    this.registerer.stateChange.addListener((state) => (this.desk.registration = state.toLowerCase()));
  }

  async register() {
    await this.ua.start();
    await this.registerer.register({
      requestDelegate: {
        onReject: ({ message }) => (this.desk.registration = `failed: ${message.statusCode} ${message.reasonPhrase}`),
      },
    });
  }

  async unregister() {
    await this.registerer.unregister();
  }

  async call(target) {
    const inviter = new Inviter(this.ua, UserAgent.makeURI(target));
    const { id } = this.#track(inviter, "out", target);
    await this.#invite(inviter);
    return id;
  }

  async answer(id) {
    await this.desk.call(id).session.accept();
  }

  async hangup(id) {
    const { session } = this.desk.call(id);
    if (session.state === SessionState.Established) await session.bye();
    else if (session instanceof Inviter) await session.cancel();
    else if (session.state === SessionState.Initial) await session.reject();
  }

  async hold(id) {
    await this.#reinvite(this.desk.call(id), true);
  }

  async resume(id) {
    await this.#reinvite(this.desk.call(id), false);
  }

  async transferTo(id, uri) {
    await this.#refer(this.desk.call(id), UserAgent.makeURI(uri));
  }

  /** Asks the far end of `id` to take the place of this phone in `other`; SIP.js names the target by the Contact of that dialog. */
  async attendedTransfer(id, other) {
    await this.#refer(this.desk.call(id), this.desk.call(other).session);
  }

  async #refer(call, target) {
    call.transfer = { answered: null, reports: [] };
    await call.session.refer(target, {
      requestDelegate: {
        onAccept: ({ message }) => (call.transfer.answered = message.statusCode),
        onReject: ({ message }) => (call.transfer.answered = message.statusCode),
      },
      onNotify: (notification) => {
        notification.accept();
        const status = /^SIP\/2\.0 (\d{3})/.exec(notification.request.body)?.[1];
        if (status) call.transfer.reports.push(Number(status));
      },
    });
  }

  async #reinvite(call, hold) {
    const before = call.held ?? false;
    call.session.sessionDescriptionHandlerOptionsReInvite = { hold };
    call.held = hold;
    await call.session.invite({
      requestDelegate: {
        onReject: ({ message }) => {
          call.held = before;
          call.session.sessionDescriptionHandlerOptionsReInvite = { hold: before };
          this.desk.note(`${call.id} re-INVITE refused: ${message.statusCode}`);
        },
      },
    });
    // SIP.js leaves the microphone to the application; a phone that holds has no music of its own to play.
    for (const sender of connection(call.session).getSenders()) if (sender.track) sender.track.enabled = !hold;
  }

  #arrived(invitation) {
    const call = this.#track(invitation, "in", invitation.remoteIdentity.uri.toString());
    if (invitation.replacee) {
      this.desk.note(`${call.id} replaces`);
      invitation.accept(); // RFC 3891 §3: without ringing; SIP.js then sends the BYE for the replaced dialog.
    }
  }

  #track(session, direction, remote) {
    const call = this.desk.add(session, { direction, remote });
    session.stateChange.addListener((state) => this.desk.note(`${call.id} ${state}`));
    session.delegate = {
      onRefer: (referral) => {
        this.desk.note(`${call.id} refer`);
        referral.accept().then(() => {
          const inviter = referral.makeInviter();
          this.#track(inviter, "out", referral.referTo.uri.toString());
          return this.#invite(inviter);
        });
      },
    };
    return call;
  }

  async #invite(inviter) {
    const call = [...this.desk.calls.values()].find(({ session }) => session === inviter);
    await inviter.invite({
      requestDelegate: {
        onReject: ({ message }) => (call.ended = `${message.statusCode} ${message.reasonPhrase}`),
      },
    });
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
        onHold: { local: call.held ?? false },
        remoteDirection: remoteDirection(connection(call.session)),
        transfer: call.transfer,
      })),
    };
  }

  hear(id, tones) {
    const call = this.desk.call(id);
    if (connection(call.session)?.hear) return connection(call.session).hear();
    return call.ear.hear(connection(call.session), tones);
  }
}

function connection(session) {
  return session.sessionDescriptionHandler?.peerConnection;
}

function phase(session) {
  if (session.state === SessionState.Established) return "established";
  return session.state === SessionState.Terminating || session.state === SessionState.Terminated ? "ended" : "early";
}

window.openPhone = (settings) => {
  window.phone = new SipJsPhone(settings);
};

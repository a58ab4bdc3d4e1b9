// A peer connection without WebRTC: plain RTP, for telephones that know neither DTLS-SRTP nor ICE. The library above it says and
// reads session descriptions as ever; the sound itself is the driver's, which has the sockets (driver/radio.mjs).

export class PlainConnection extends EventTarget {
  constructor() {
    super();
    this.signalingState = "stable";
    this.iceGatheringState = "complete";
    this.iceConnectionState = "connected";
    this.localDescription = null;
    this.remoteDescription = null;
    this.version = 0;
    this.senders = [];
    this.radio = window.radio("open");
  }

  addTrack(track) {
    const sender = { track: new Microphone(track, () => this.#tune()) };
    this.senders.push(sender);
    return sender;
  }

  getSenders() {
    return this.senders;
  }

  async createOffer(options) {
    return { type: "offer", sdp: await this.#describe(options?.direction ?? "sendrecv") };
  }

  async createAnswer(options) {
    const direction = options?.direction ?? "sendrecv";
    const theirs = directionOf(this.remoteDescription.sdp);
    const mirrored = { sendonly: "recvonly", recvonly: "sendonly", inactive: "inactive", sendrecv: direction }[theirs];
    return { type: "answer", sdp: await this.#describe(mirrored) };
  }

  async setLocalDescription(description) {
    this.localDescription = description;
    this.signalingState = description.type === "offer" ? "have-local-offer" : "stable";
    await this.#tune();
  }

  async setRemoteDescription(description) {
    if (!/^m=audio [1-9]\d* RTP\/AVP(?: \d+)*? 0\b/m.test(description.sdp)) throw new Error("no PCMU over plain RTP");
    this.remoteDescription = { type: description.type, sdp: description.sdp };
    this.signalingState = description.type === "offer" ? "have-remote-offer" : "stable";
    await this.#tune();
  }

  async hear() {
    return window.radio("hear", (await this.radio).id);
  }

  async close() {
    this.signalingState = "closed";
    await window.radio("close", (await this.radio).id);
  }

  /** Sends where the other side wants it, if it wants any and the microphone is on. */
  async #tune() {
    const { id } = await this.radio;
    const sdp = this.remoteDescription?.sdp;
    if (!sdp || this.signalingState === "closed") return;
    const wanted = ["sendrecv", "recvonly"].includes(directionOf(sdp));
    const on = this.senders.some(({ track }) => track.enabled);
    const [, host] = /^c=IN IP4 (\S+)/m.exec(sdp);
    const [, port] = /^m=audio (\d+)/m.exec(sdp);
    await window.radio("tune", id, { host, port: Number(port), sends: wanted && on });
  }

  async #describe(direction) {
    const { port } = await this.radio;
    this.version += 1;
    return [
      "v=0", `o=- 1 ${this.version} IN IP4 127.0.0.1`, "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
      `m=audio ${port} RTP/AVP 0`, "a=rtpmap:0 PCMU/8000", `a=${direction}`, "",
    ].join("\r\n");
  }
}

/** A track that tells when it is switched on or off. */
class Microphone {
  #enabled = true;

  constructor({ kind }, changed) {
    this.kind = kind;
    this.changed = changed;
  }

  get enabled() {
    return this.#enabled;
  }

  set enabled(enabled) {
    this.#enabled = enabled;
    this.changed();
  }
}

/** What SIP.js wants of whoever describes sessions, over such a connection. */
export class PlainDescriptions {
  constructor(stream) {
    this.peerConnection = new PlainConnection();
    for (const track of stream.getTracks()) this.peerConnection.addTrack(track);
  }

  close() {
    this.peerConnection.close();
  }

  hasDescription(contentType) {
    return contentType === "application/sdp";
  }

  async getDescription(options) {
    const connection = this.peerConnection;
    const direction = options?.hold ? "sendonly" : "sendrecv";
    const answers = connection.signalingState === "have-remote-offer";
    const description = await (answers ? connection.createAnswer({ direction }) : connection.createOffer({ direction }));
    await connection.setLocalDescription(description);
    return { body: description.sdp, contentType: "application/sdp" };
  }

  async setDescription(sdp) {
    const type = this.peerConnection.signalingState === "have-local-offer" ? "answer" : "offer";
    await this.peerConnection.setRemoteDescription({ type, sdp });
  }

  sendDtmf() {
    return false;
  }
}

function directionOf(sdp) {
  return /^a=(sendrecv|sendonly|recvonly|inactive)\r?$/m.exec(sdp)?.[1] ?? "sendrecv";
}

// What every telephone page keeps, whichever library speaks SIP: its calls by number, and what happened to it.

import { Ear } from "./tone.js";

export class Desk {
  constructor() {
    this.calls = new Map();
    this.log = [];
    this.registration = "none";
  }

  note(what) {
    this.log.push(`${Math.round(performance.now())} ${what}`);
  }

  /** Puts a call on the desk once; the libraries announce some sessions twice. */
  add(session, facts) {
    for (const call of this.calls.values()) if (call.session === session) return call;
    const id = `c${this.calls.size + 1}`;
    const call = { id, session, ear: new Ear(), phase: "early", transfer: null, ...facts };
    this.calls.set(id, call);
    this.note(`${id} ${facts.direction} ${facts.remote}`);
    return call;
  }

  call(id) {
    const call = this.calls.get(id);
    if (!call) throw new Error(`no call ${id} on this desk`);
    return call;
  }
}

/** The direction attribute of the last description the far end sent: `sendrecv`, `sendonly`, `recvonly` or `inactive`. */
export function remoteDirection(connection) {
  const sdp = connection?.remoteDescription?.sdp;
  if (!sdp) return null;
  return /^a=(sendrecv|sendonly|recvonly|inactive)\r?$/m.exec(sdp)?.[1] ?? "sendrecv";
}

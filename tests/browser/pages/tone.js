// A telephone's mouth and ear: a microphone that is one pure tone, and an analyser that says which tone arrives.

let context;

/** The page's AudioContext, made at first use. */
function audio() {
  context ??= new AudioContext({ sampleRate: 48000 });
  return context;
}

/** A microphone that plays a sine of `hz`; `stream()` gives each call a clone, because both libraries stop a call's tracks. */
export class Mouth {
  constructor(hz) {
    const oscillator = new OscillatorNode(audio(), { type: "sine", frequency: hz });
    const level = new GainNode(audio(), { gain: 0.4 });
    this.destination = audio().createMediaStreamDestination();
    oscillator.connect(level).connect(this.destination);
    oscillator.start();
  }

  stream() {
    return this.destination.stream.clone();
  }
}

/** Listens to the remote audio track of one peer connection. */
export class Ear {
  constructor() {
    this.track = null;
  }

  /**
   * What arrives right now: `hz` of the loudest partial between 200 and 2000 Hz with its level `db` (full scale = 0), and the
   * level at each of `tones`. `hz` is null while no remote track exists.
   */
  hear(connection, tones) {
    const track = connection?.getReceivers().map((r) => r.track).find((t) => t?.kind === "audio" && t.readyState === "live");
    if (!track) return { hz: null, db: null, tones: {} };
    if (track !== this.track) this.#attach(track);
    const spectrum = new Float32Array(this.analyser.frequencyBinCount);
    this.analyser.getFloatFrequencyData(spectrum);
    const width = audio().sampleRate / this.analyser.fftSize;
    const bin = (hz) => Math.round(hz / width);
    const peak = strongest(spectrum, bin(200), bin(2000));
    const around = (hz) => round(spectrum[strongest(spectrum, bin(hz) - 2, bin(hz) + 2)]);
    return {
      hz: Math.round(peak * width),
      db: round(spectrum[peak]),
      tones: Object.fromEntries(tones.map((hz) => [hz, around(hz)])),
    };
  }

  #attach(track) {
    this.track = track;
    const stream = new MediaStream([track]);
    // Chromium decodes a remote track for WebAudio only while an element plays it.
    this.element = new Audio();
    this.element.muted = true;
    this.element.srcObject = stream;
    this.element.play().catch(() => {});
    this.analyser = new AnalyserNode(audio(), { fftSize: 8192, smoothingTimeConstant: 0 });
    audio().createMediaStreamSource(stream).connect(this.analyser);
  }
}

function strongest(spectrum, from, to) {
  let best = from;
  for (let i = from; i <= to; i += 1) if (spectrum[i] > spectrum[best]) best = i;
  return best;
}

/** JSON has no -Infinity, which is what digital silence measures. */
function round(db) {
  return Number.isFinite(db) ? Math.round(db) : -200;
}

#!/usr/bin/env python3
"""Makes the sounds that Cordboard brings along: a melody, and what it says to callers whom it refuses.

Needs `espeak-ng`, for the words. Everything is 8 kHz, one channel, 16 bits, as telephones hear it. Run in this folder; the
melody comes out the same each time, the words as the installed voice says them.
"""

import math
import struct
import subprocess
import wave

RATE = 8000

# Why a call is refused. The first two tones say "not connected" to people and machines alike (ITU-T E.180, the beginning of
# the special information tone).
WORDS = {
    "screened-in": "The person you are calling does not take this call.",
    "screened-out": "This number cannot be called from this telephone.",
}

# A melody in C, a fifth of a second a note: a broken chord a bar, and a voice above it.
CHORDS = [(0, 4, 7), (-5, -1, 2), (-3, 0, 4), (-8, -5, -1), (-7, -3, 0), (-12, -8, -5), (-7, -3, 0), (-5, -1, 2)]
VOICE = [16, 14, 12, 11, 9, 7, 9, 11]
NOTE = 0.2


def pitch(semitones):
    """The frequency so many half tones above the middle C."""
    return 261.626 * 2 ** (semitones / 12)


def tone(frequency, seconds, level, fades):
    """A soft tone: a sine and a little of its octave, which dies away within `fades` seconds."""
    count = int(seconds * RATE)
    sound = []
    for n in range(count):
        t = n / RATE
        shape = min(1.0, t / 0.01) * math.exp(-t / fades) * min(1.0, (count - n) / (0.01 * RATE))
        wave_form = math.sin(2 * math.pi * frequency * t) + 0.3 * math.sin(4 * math.pi * frequency * t)
        sound.append(level * shape * wave_form)
    return sound


def add(song, at, sound):
    """Lays a sound over the song, around its end if need be, so that it can begin anew without a gap."""
    for n, sample in enumerate(sound):
        song[(at + n) % len(song)] += sample


def melody():
    bar = 6 * NOTE
    song = [0.0] * int(len(CHORDS) * bar * RATE)
    for number, chord in enumerate(CHORDS):
        begin = int(number * bar * RATE)
        add(song, begin, tone(pitch(VOICE[number]), bar, 0.16, 1.0))
        for beat in range(6):
            note = chord[(0, 1, 2, 1, 2, 1)[beat]]
            add(song, begin + int(beat * NOTE * RATE), tone(pitch(note), 2 * NOTE, 0.14, 0.25))
    return song


def spoken(words):
    """The words, at our rate: every so many samples their mean, after a filter that takes away what is too high."""
    path = "/tmp/cordboard-words.wav"
    subprocess.run(["espeak-ng", "-v", "en", "-s", "150", "-w", path, words], check=True)
    with wave.open(path) as file:
        rate, count = file.getframerate(), file.getnframes()
        raw = struct.unpack(f"<{count}h", file.readframes(count))
    side, cut = 32, 0.45 * RATE / rate
    taps = []
    for n in range(-side, side + 1):
        sinc = 2 * cut if n == 0 else math.sin(2 * math.pi * cut * n) / (math.pi * n)
        taps.append(sinc * (0.54 + 0.46 * math.cos(math.pi * n / side)))
    sound = []
    for n in range(int(count * RATE / rate)):
        middle = round(n * rate / RATE)
        total = sum(tap * raw[middle + k - side] for k, tap in enumerate(taps) if 0 <= middle + k - side < count)
        sound.append(total / 32768)
    loudest = max(abs(sample) for sample in sound)
    return [0.6 * sample / loudest for sample in sound]


def write(name, sound):
    with wave.open(f"{name}.wav", "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        values = [max(-32768, min(32767, round(sample * 32767))) for sample in sound]
        file.writeframes(struct.pack(f"<{len(values)}h", *values))


if __name__ == "__main__":
    write("music", melody())
    for name, words in WORDS.items():
        signal = tone(950, 0.33, 0.3, 10) + tone(1400, 0.33, 0.3, 10) + [0.0] * (RATE // 4)
        write(name, signal + spoken(words) + [0.0] * (RATE // 2))
